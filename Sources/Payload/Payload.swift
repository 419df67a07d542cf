/// One encoded Lua value, as bytes of its own.
///
/// Used where a value rests (an exit record, a spawn request, a JSON body); between two processes
/// the bytes travel inside the message's block instead.
public struct Payload: Sendable, Hashable {
    /// Exactly one value in the format of `PayloadTag`.
    public let bytes: [UInt8]

    /// Takes exactly one encoded value.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The value nil.
    public static let nothing = Payload(bytes: [PayloadTag.nothing])

    /// Whether it is nil.
    public var isNil: Bool { bytes == [PayloadTag.nothing] }

    /// The payload of a string.
    public init(_ text: String) {
        var writer = PayloadWriter()
        writer.write(text)
        self = writer.finish()
    }

    /// Reads the payload's items in order.
    public func withReader<R>(_ body: (inout PayloadReader) throws -> R) rethrows -> R {
        try unsafe bytes.withUnsafeBytes { raw in
            var reader = unsafe PayloadReader(raw)
            return try body(&reader)
        }
    }

    /// The string this payload is, or nil where it is another value or not UTF-8.
    public var text: String? {
        withReader { reader in
            guard case .string(let raw) = reader.next() else { return nil }
            return unsafe String(validating: raw.bindMemory(to: UInt8.self), as: UTF8.self)
        }
    }
}
