internal import COpenSSL

/// The SHA-256 digest of a secret: what is kept and compared in the secret's place.
///
/// From a digest nobody gets back to a random secret, and nobody can steer one, so looking one up in
/// a table tells nothing by the time it takes.
package struct Digest: Sendable, Hashable {
    private let words: SIMD4<UInt64>

    /// The digest of the text's UTF-8.
    package init(of text: String) {
        var text = text
        self = text.withUTF8 { unsafe Digest(ofRaw: UnsafeRawBufferPointer($0)) }
    }

    /// The digest of some bytes.
    package init(of bytes: [UInt8]) {
        self = unsafe bytes.withUnsafeBytes { unsafe Digest(ofRaw: $0) }
    }

    private init(ofRaw source: UnsafeRawBufferPointer) {
        var bytes = SIMD4<UInt64>()
        // SAFETY: a SHA-256 digest has 32 bytes, as four words have; the source outlives the call.
        let isDone = unsafe withUnsafeMutableBytes(of: &bytes) { target in
            unsafe EVP_Digest(
                source.baseAddress,
                source.count,
                target.baseAddress,
                nil,
                Digest.algorithm,
                nil
            )
        }
        guard isDone == 1 else { preconditionFailure("libcrypto cannot make a SHA-256 digest") }
        words = bytes
    }

    /// Reads 64 hexadecimal digits; nil for anything else.
    package init?(hexadecimal text: String) {
        guard text.utf8.count == 64 else { return nil }
        var words = SIMD4<UInt64>()
        var rest = text[...]
        for index in words.indices {
            let digits = rest.prefix(16)
            guard digits.utf8.allSatisfy(Digest.isHexadecimal), let word = UInt64(digits, radix: 16)
            else { return nil }
            words[index] = word.bigEndian
            rest = rest.dropFirst(16)
        }
        self.words = words
    }

    /// As 64 hexadecimal digits.
    package var hexadecimal: String {
        words.indices.map { index in
            let digits = String(words[index].bigEndian, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    /// Compares in a time that does not depend on where they differ.
    ///
    /// Source: CRYPTO_memcmp(3).
    package func isSame(as other: Digest) -> Bool {
        var (left, right) = (words, other.words)
        // SAFETY: both are 32 bytes.
        return unsafe withUnsafeBytes(of: &left) { left in
            unsafe withUnsafeBytes(of: &right) { right in
                unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
            }
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    // SAFETY: fetched once and never freed; an EVP_MD does not change, so threads may share it
    // (EVP_MD_fetch(3)). Fetched for each digest it would cost more than the digest.
    private nonisolated(unsafe) static let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil)
}
