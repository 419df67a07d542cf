import Payload
import Synchronization
import Testing

@testable import ProcessRuntime

@Suite struct MessagingTests {
    /// M7: what travels is the same bytes.
    @Test func `topic and payload arrive byte for byte`() throws {
        let bench = Bench()
        let receiver = try bench.runtime.spawnIdle()
        let sender = try bench.runtime.spawnIdle()
        let block = try #require(bench.runtime.table.block(receiver))
        var random = SeededRandom(seed: 3)
        for length in [0, 1, 15, 16, 17, 63, 64, 65, 1_000, 70_000] {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var writer = PayloadWriter()
            writer.writeString(bytes)
            let payload = writer.finish()
            let topic = String(repeating: "é", count: length % 50)
            try bench.runtime.send(
                Signal(topic: topic, payload: payload, from: sender),
                to: receiver
            )
            var queue = SignalQueue()
            var sequence: UInt64 = 0
            bench.runtime.drain(block, into: &queue, numberingFrom: &sequence)
            guard let signal = queue.popFirst() else {
                Issue.record("nothing arrived")
                return
            }
            #expect(signal.sender == sender && signal.kind == .message)
            #expect(signal.withTopic { String(decoding: $0, as: UTF8.self) } == topic)
            let read = signal.withPayload { reader -> [UInt8]? in
                if case .string(let raw) = reader.next() { Array(raw) } else { nil }
            }
            #expect(read == bytes)
        }
    }

    @Test func `a mailbox is bounded by messages, and takes more when some were consumed`() throws {
        let bench = Bench()
        var request = SpawnRequest.plain
        request.limits.mailboxMessages = 3
        let pid = try bench.runtime.spawnIdle(request)
        let block = try #require(bench.runtime.table.block(pid))
        func send() throws {
            try bench.runtime.send(Signal(topic: "t", payload: .nothing, from: nil), to: pid)
        }
        for _ in 0..<3 { try send() }
        #expect(throws: RuntimeFault.mailboxFull) { try send() }
        // Taken out of the mailbox is not consumed: it still counts.
        var queue = SignalQueue()
        var sequence: UInt64 = 0
        bench.runtime.drain(block, into: &queue, numberingFrom: &sequence)
        #expect(throws: RuntimeFault.mailboxFull) { try send() }
        if let signal = queue.popFirst() {
            bench.runtime.consumed(block, bytes: signal.byteCount)
        }
        try send()
        #expect(throws: RuntimeFault.mailboxFull) { try send() }
        // Lifecycle signals are exempt.
        try bench.runtime.cancel(pid, reason: "1", from: nil)
        #expect(bench.runtime.takeMail(of: pid).last == .cancel(1, from: nil))
    }

    @Test func `a mailbox is bounded by bytes to the byte`() throws {
        let bench = Bench()
        let size = Signal(topic: "t", payload: .nothing, from: nil).byteCount
        for extra in [-1, 0, 1] {
            var request = SpawnRequest.plain
            request.limits.mailboxBytes = 2 * size + extra
            let pid = try bench.runtime.spawnIdle(request)
            var accepted = 0
            for _ in 0..<3 {
                let signal = Signal(topic: "t", payload: .nothing, from: nil)
                if (try? bench.runtime.send(signal, to: pid)) != nil { accepted += 1 }
            }
            #expect(accepted == (extra < 0 ? 1 : 2))
        }
    }

    @Test func `limits are those of the documentation`() {
        let limits = ProcessLimits()
        #expect(limits.mailboxMessages == 100_000)
        #expect(limits.mailboxBytes == 64 << 20)
        #expect(limits.memoryBytes == 64 << 20)
    }

    @Test func `a timer signal reaches only the process it was for`() throws {
        let bench = Bench()
        let first = try bench.runtime.spawnIdle()
        let now = bench.simulation.now()
        _ = bench.runtime.startTimer(for: first, number: 1, at: now + 5_000_000)
        let stopped = bench.runtime.startTimer(for: first, number: 2, at: now + 5_000_000)
        #expect(bench.runtime.stopTimer(stopped))
        #expect(!bench.runtime.stopTimer(stopped))
        bench.runtime.kill(first, .terminated)
        bench.settle()
        let second = try bench.runtime.spawnIdle()
        #expect(second.slot == first.slot)
        _ = bench.runtime.startTimer(for: second, number: 3, at: now + 5_000_000)
        bench.simulation.advance(by: 10_000_000)
        #expect(bench.runtime.takeMail(of: second) == [.timer(3)])
    }

    @Test func `a reply carries its token and what was written`() throws {
        let bench = Bench()
        let pid = try bench.runtime.spawnIdle()
        bench.runtime.reply(to: pid, token: 77) {
            $0.write("answer")
        } orElse: { _ in
        }
        let block = try #require(bench.runtime.table.block(pid))
        var queue = SignalQueue()
        var sequence: UInt64 = 0
        bench.runtime.drain(block, into: &queue, numberingFrom: &sequence)
        guard let signal = queue.popFirst() else {
            Issue.record("nothing arrived")
            return
        }
        #expect(signal.kind == .reply)
        signal.withPayload { reader in
            guard case .integer(77) = reader.next(), case .string(let raw) = reader.next() else {
                Issue.record("not token and answer")
                return
            }
            #expect(String(decoding: raw, as: UTF8.self) == "answer")
        }
    }

    @Test func `replies that wait share the mailbox's bytes, though the first is always whole`()
        throws
    {
        let bench = Bench()
        var request = SpawnRequest.plain
        request.limits.mailboxBytes = 10_000
        let pid = try bench.runtime.spawnIdle(request)
        let block = try #require(bench.runtime.table.block(pid))
        func reply(_ bytes: Int) {
            bench.runtime.reply(to: pid, token: 1) { writer in
                writer.write(String(repeating: "x", count: bytes))
            } orElse: { writer in
                writer.write("no room")
            }
        }
        /// How long the texts are that arrived.
        func take() -> [Int] {
            var queue = SignalQueue()
            var sequence: UInt64 = 0
            bench.runtime.drain(block, into: &queue, numberingFrom: &sequence)
            var lengths: [Int] = []
            while let signal = queue.popFirst() {
                bench.runtime.consumedReply(block, bytes: signal.byteCount)
                signal.withPayload { reader in
                    _ = reader.next()
                    if case .string(let raw) = reader.next() { lengths.append(raw.count) }
                }
            }
            return lengths
        }
        for _ in 0..<2 {
            for bytes in [20_000, 100, 20_000] { reply(bytes) }
            #expect(take() == [20_000, 7, 7])
            for bytes in [4_000, 4_000, 4_000, 1_000] { reply(bytes) }
            #expect(take() == [4_000, 4_000, 7, 1_000])
        }
    }
}
