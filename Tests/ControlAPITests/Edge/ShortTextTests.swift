import Testing

@testable import ControlAPI

/// What clients named, where it is repeated.
struct ShortTextTests {
    @Test func `what is short stays, what is long ends between two scalars`() {
        for text in ["", "a", String(repeating: "x", count: 256)] {
            #expect(shortened(text) == text)
        }
        #expect(shortened("abcde", bytesMax: 4) == "abcd\u{2026}")
        // Scalars of one to four bytes, cut at each of their bytes.
        for scalar in ["a", "\u{E9}", "\u{20AC}", "\u{1F319}"] {
            let size = scalar.utf8.count
            let text = String(repeating: scalar, count: 10)
            for bytesMax in 0..<text.utf8.count {
                let kept = String(repeating: scalar, count: bytesMax / size) + "\u{2026}"
                let short = shortened(text, bytesMax: bytesMax)
                #expect(short.utf8.elementsEqual(kept.utf8))
            }
        }
        // One character of a thousand scalars.
        let long = "e" + String(repeating: "\u{301}", count: 1_000)
        #expect(shortened(long).utf8.count < 260)
    }
}
