import Testing

@testable import ControlAPI

struct LineBufferTests {
    /// What comes out when `text` goes in as those pieces; nil for a line that was too long.
    private func lines(_ pieces: [[UInt8]], max: Int = 100, ends: Bool = true) -> [String?] {
        var buffer = LineBuffer(lineBytesMax: max)
        var found: [String?] = []
        func take() {
            while let line = buffer.next() {
                switch line {
                case .whole(let range):
                    found.append(String(decoding: buffer.bytes[range], as: UTF8.self))
                case .tooLong: found.append(nil)
                }
            }
            #expect(!buffer.hasMore)
        }
        for piece in pieces {
            buffer.append(piece.span)
            take()
            #expect(buffer.bytes.count <= max + piece.count)
        }
        if ends { buffer.end() }
        take()
        return found
    }

    @Test(arguments: ["", "\n", "a", "a\n", "a\nb", "a\n\n\r x\nbc\n", "\n\nlong enough\nx"])
    func `however the bytes are cut the lines are the same`(_ text: String) {
        let bytes = Array(text.utf8)
        let whole = lines([bytes])
        var expected: [String?] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            expected.append(String(line))
        }
        // What ends the last line begins no other.
        if expected.last == "" { expected.removeLast() }
        #expect(whole == expected)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [
                    Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...]),
                ]
                #expect(lines(pieces) == whole)
            }
        }
    }

    @Test func `a line that is too long is one result, and those after it are whole`() {
        let text = Array("ok\n12345678901234567890\nalso\n".utf8)
        for cut in 1...text.count {
            let pieces = stride(from: 0, to: text.count, by: cut).map {
                Array(text[$0..<min($0 + cut, text.count)])
            }
            #expect(lines(pieces, max: 10) == ["ok", nil, "also"])
        }
        #expect(lines([Array("12345678901".utf8)], max: 10) == [nil])
        #expect(lines([Array("1234567890".utf8)], max: 10) == ["1234567890"])
    }

    @Test func `a line without its end waits for it`() {
        #expect(lines([Array("a\nbc".utf8)], ends: false) == ["a"])
    }
}
