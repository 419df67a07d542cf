/// Where in the history of events: `<epoch>-<seq>`, the run of the server and the event's number.
package struct EventID: Sendable, Equatable {
    package let epoch: String
    package let sequence: UInt64

    init(epoch: String, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// Parses an id of any server's; nil where `text` has another form.
    package init?(_ text: String) {
        guard let hyphen = text.utf8.lastIndex(of: UInt8(ascii: "-")) else { return nil }
        let epoch = text[..<hyphen]
        let digits = text[text.index(after: hyphen)...]
        guard !epoch.isEmpty, epoch.utf8.allSatisfy(EventID.isEpochByte),
            !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let sequence = UInt64(digits)
        else { return nil }
        self.init(epoch: String(epoch), sequence: sequence)
    }

    var text: String { epoch + "-" + String(sequence) }

    private static func isEpochByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
