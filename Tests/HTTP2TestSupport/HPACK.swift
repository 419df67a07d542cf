// Header compression: written without compressing, read by nghttp2's decoder.

import CNghttp2

/// Header blocks (RFC 7541).
package enum HPACK {
    /// Fields as literals that are not kept: 6.2.2.
    package static func literals(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { literal(Array($0.0.utf8), Array($0.1.utf8)) }
    }

    package static func literal(_ name: [UInt8], _ value: [UInt8], first: UInt8 = 0) -> [UInt8] {
        [first] + string(name) + string(value)
    }

    /// A field that both sides keep from now on: 6.2.1.
    package static func kept(_ name: String, _ value: String) -> [UInt8] {
        literal(Array(name.utf8), Array(value.utf8), first: 0x40)
    }

    /// A string without Huffman coding: 5.2.
    private static func string(_ bytes: [UInt8]) -> [UInt8] {
        integer(bytes.count, prefixBits: 7) + bytes
    }

    /// An integer: 5.1.
    package static func integer(_ value: Int, prefixBits: Int, first: UInt8 = 0) -> [UInt8] {
        let limit = 1 << prefixBits - 1
        guard value >= limit else { return [first | UInt8(value)] }
        var (bytes, rest) = ([first | UInt8(limit)], value - limit)
        while rest >= 128 {
            bytes.append(UInt8(rest % 128) | 128)
            rest /= 128
        }
        return bytes + [UInt8(rest)]
    }
}

/// Reads header blocks in the order they come.
package final class HeaderReader {
    private var inflater: OpaquePointer?

    package init() {
        precondition(nghttp2_hd_inflate_new(&inflater) == 0, "there is memory")
    }

    deinit { nghttp2_hd_inflate_del(inflater) }

    /// The fields of a whole block; nil where it is malformed.
    package func fields(_ block: [UInt8]) -> [(String, String)]? {
        var fields: [(String, String)] = []
        var from = 0
        while true {
            var field = nghttp2_nv()
            var flags: CInt = 0
            let count = block[from...].withUnsafeBufferPointer {
                nghttp2_hd_inflate_hd2(inflater, &field, &flags, $0.baseAddress, $0.count, 1)
            }
            guard count >= 0 else { return nil }
            from += count
            if UInt32(flags) & NGHTTP2_HD_INFLATE_EMIT.rawValue != 0 {
                let name = UnsafeBufferPointer(start: field.name, count: field.namelen)
                let value = UnsafeBufferPointer(start: field.value, count: field.valuelen)
                fields.append(
                    (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
                )
            }
            if UInt32(flags) & NGHTTP2_HD_INFLATE_FINAL.rawValue != 0 {
                nghttp2_hd_inflate_end_headers(inflater)
                return fields
            }
            if from == block.count, UInt32(flags) & NGHTTP2_HD_INFLATE_EMIT.rawValue == 0 {
                return nil
            }
        }
    }
}
