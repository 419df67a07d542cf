// The gzip content coding, by zlib: files are coded once and served many times.

internal import CZlib

enum Gzip {
    /// `content` in gzip's form, made soon rather than small; nil where memory is short.
    ///
    /// Source: RFC 1952; zlib's manual, "deflateInit2".
    static func encoded(_ content: [UInt8]) -> [UInt8]? {
        var stream = unsafe z_stream()
        guard unsafe moonlet_gzip_init(&stream) == Z_OK else { return nil }
        defer { unsafe deflateEnd(&stream) }
        let bound = unsafe Int(deflateBound(&stream, UInt(content.count)))
        var input = content
        let output = unsafe [UInt8](unsafeUninitializedCapacity: bound) { room, count in
            // SAFETY: zlib reads `input` and writes at most `bound` bytes, both alive until it returns.
            unsafe input.withUnsafeMutableBufferPointer { bytes in
                unsafe stream.next_in = bytes.baseAddress
                unsafe stream.avail_in = UInt32(bytes.count)
                unsafe stream.next_out = room.baseAddress
                unsafe stream.avail_out = UInt32(room.count)
                let isWhole = unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = unsafe isWhole ? room.count - Int(stream.avail_out) : 0
            }
        }
        return output.isEmpty ? nil : output
    }
}
