internal import CJansson

/// One parsed JSON text: the only owner of jansson's tree, whose memory goes with it as a whole.
///
/// What is read from it (`JSONView`) borrows the tree and is valid only inside `withRoot`.
/// Parsing is strict (RFC 8259): no `NaN`, no leading zeros, no byte order mark, nothing after the
/// value, no lone surrogates, valid UTF-8 only; and stricter than the RFC in that a name may occur
/// once in an object. `\u0000` is allowed in strings but, as jansson has it, not in names.
@safe
package struct JSONDocument: ~Copyable {
    private let parsed: UnsafeMutablePointer<moonlet_json>

    /// Parses all of `text` as one value.
    ///
    /// Throws a `JSONFault` for a text that is no JSON, breaks `limits`, or holds a number no
    /// `Double` can (`1e400`). Integers past 64 bits are read as floats. Linear in `text.count`.
    /// Source: RFC 8259; jansson API reference, "Decoding".
    package init(parsing text: [UInt8], limits: JSONLimits = .payload) throws(JSONFault) {
        try self.init(parsing: text.span, limits: limits)
    }

    /// Parses bytes the caller keeps elsewhere, such as a Lua string.
    package init(parsing text: Span<UInt8>, limits: JSONLimits = .payload) throws(JSONFault) {
        unsafe parsed = try unsafe text.withUnsafeBufferPointer { bytes throws(JSONFault) in
            try unsafe JSONDocument.load(UnsafeRawBufferPointer(bytes), limits)
        }
    }

    deinit {
        unsafe moonlet_json_free(parsed)
    }

    /// Reads the document; no view may leave `body`.
    package borrowing func withRoot<R, Failure: Error>(
        _ body: (JSONView) throws(Failure) -> R
    ) throws(Failure) -> R {
        try body(unsafe JSONView(parsed.pointee.root))
    }

    private static func load(
        _ text: UnsafeRawBufferPointer,
        _ limits: JSONLimits
    ) throws(JSONFault) -> UnsafeMutablePointer<moonlet_json> {
        guard text.count > 0 else {
            throw JSONFault(line: 1, column: 1, position: 0, detail: "no JSON value: it is empty")
        }
        let scan = try unsafe JSONScan(text, limits: limits)
        var error = json_error_t()
        let parsed: UnsafeMutablePointer<moonlet_json>?
        if scan.wideIntegerEnds.isEmpty {
            unsafe parsed = unsafe parse(text, &error)
        } else {
            unsafe parsed = unsafe scan.rewritten(text).withUnsafeBytes { copy in
                unsafe parse(copy, &error)
            }
        }
        if let parsed = unsafe parsed { return unsafe parsed }
        throw unsafe JSONFault(
            detail(of: &error),
            position: scan.originalPosition(Int(error.position)),
            in: text
        )
    }

    private static func parse(
        _ text: UnsafeRawBufferPointer,
        _ error: inout json_error_t
    ) -> UnsafeMutablePointer<moonlet_json>? {
        let flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL
        let start = unsafe text.baseAddress?.assumingMemoryBound(to: CChar.self)
        return unsafe moonlet_json_parse(start, text.count, Int(flags), &error)
    }

    /// jansson's words, without what it takes from the C world: a body is no file.
    private static func detail(of error: inout json_error_t) -> String {
        // SAFETY: jansson ends `text` with a zero byte, also where it had to cut it.
        let text = unsafe String(cString: moonlet_json_error_text(&error))
        let ending = "near end of file"
        guard text.hasSuffix(ending) else { return text }
        return text.dropLast(ending.count) + "near the end of the input"
    }
}
