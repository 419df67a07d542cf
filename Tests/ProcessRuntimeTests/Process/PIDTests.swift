import Testing

@testable import ProcessRuntime

@Suite struct PIDTests {
    private let format = PIDFormat(node: "moon", startMilliseconds: 1_700_000_000_000)

    @Test func `every pid reads back as itself`() {
        for slot in [1, 2, 4_095, PID.slotMax] {
            for generation in [0, 1, 1 << 20, (1 << 40) - 1] as [UInt64] {
                let pid = PID(slot: slot, generation: generation)
                #expect(pid.slot == slot)
                #expect(format.parse(format.text(pid)) == pid)
                #expect(PID(number: pid.number) == pid)
            }
        }
    }

    @Test func `a pid is URL-safe and short`() {
        let text = format.text(PID(slot: PID.slotMax, generation: (1 << 40) - 1))
        #expect(text.utf8.count <= 64)
        #expect(
            text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        )
    }

    @Test func `no other text is a pid`() {
        let good = format.text(PID(slot: 5, generation: 3))
        let prefix = "moon.\(format.epoch)."
        var bad = [
            "", "moon", "moon.", prefix, prefix + "0", prefix + "05", prefix + "00", prefix + "+5",
            prefix + "-5", prefix + "5 ", prefix + " 5", prefix + "5\n", prefix + "5\0",
            prefix + "0x5", prefix + "5.0", prefix + "５", prefix + "٥",
            prefix + "18446744073709551616", prefix + "99999999999999999999",
            prefix + "184467440737095516150", "Moon.\(format.epoch).5", "moon2.\(format.epoch).5",
            "moon.\(format.epoch)x.5", "moon..5", "\(format.epoch).5", " " + good, good + " ",
            // Slot zero is no process.
            prefix + String(1 << 24), prefix + String(UInt64(7) << 24),
        ]
        // Every text one byte off: shortened, and with each byte changed.
        for end in good.indices { bad.append(String(good[..<end])) }
        for index in good.utf8.indices where index < good.index(good.endIndex, offsetBy: -8) {
            var copy = good
            copy.replaceSubrange(index...index, with: "_")
            bad.append(copy)
        }
        for text in bad {
            guard let pid = format.parse(text) else { continue }
            // A shortened number is another pid's text, never this one's.
            #expect(format.text(pid) == text)
            #expect(good.hasPrefix(text) && text.hasPrefix(prefix))
        }
    }

    @Test func `another run's pids are not this run's`() {
        let later = PIDFormat(node: "moon", startMilliseconds: 1_700_000_000_001)
        let text = later.text(PID(slot: 5, generation: 0))
        #expect(format.parse(text) == nil)
        #expect(format.looksLikePID(text))
    }

    @Test func `a pid number of zero slot is none`() {
        #expect(PID(number: 0) == nil)
        #expect(PID(number: 1 << 24) == nil)
        #expect(PID(number: 1) != nil)
    }
}
