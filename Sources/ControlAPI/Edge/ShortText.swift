/// `text`, or where it has more than `bytesMax` bytes its beginning and an ellipsis.
///
/// For what clients named, and gets into logs and answers: it may be a megabyte. Cut between two
/// scalars, as a character may be of any length.
func shortened(_ text: String, bytesMax: Int = 256) -> String {
    guard text.utf8.count > bytesMax else { return text }
    let bytes = text.utf8
    var end = bytes.index(bytes.startIndex, offsetBy: bytesMax)
    while bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
    return String(text[..<end]) + "\u{2026}"
}
