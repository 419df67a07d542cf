/// How much of an error's text leaves its process: others keep it, in exit records and events.
enum ErrorText {
    static let messageBytesMax = 4_096
    static let kindBytesMax = 256
    /// Lines of a traceback that the script wrote itself, and their bytes together.
    static let contextLinesMax = 64
    static let contextBytesMax = 16_384
    /// The same of Lua's own frames.
    static let frameLinesMax = 32
    static let frameBytesMax = 16_384

    /// The start of a text, cut between characters.
    static func start(of bytes: UnsafeRawBufferPointer, bytesMax: Int) -> String {
        guard bytes.count > bytesMax else { return unsafe String(decoding: bytes, as: UTF8.self) }
        var end = bytesMax
        // A character has three bytes at most behind its first.
        while end > bytesMax - 4, unsafe bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return unsafe String(decoding: bytes[..<end], as: UTF8.self)
    }

    static func start(of text: String, bytesMax: Int) -> String {
        var copy = text
        return copy.withUTF8 { unsafe start(of: UnsafeRawBufferPointer($0), bytesMax: bytesMax) }
    }

    /// The lines that are whole within the text's first `bytesMax` bytes, and the start of the next.
    static func lines(of bytes: UnsafeRawBufferPointer, linesMax: Int, bytesMax: Int) -> [String] {
        unsafe start(of: bytes, bytesMax: bytesMax).split(separator: "\n").prefix(linesMax)
            .map(String.init)
    }
}
