/// How much of each thing a request may bring; every bound is in bytes unless it says otherwise.
package struct HTTP1Limits: Sendable, Equatable {
    /// The longest method name; a longer one is 501 (RFC 9112, 3).
    package var methodBytesMax = 32
    /// The longest request target; a longer one is 414 (RFC 9112, 3 asks for 8,000 at least).
    package var targetBytesMax = 8_000
    /// Request line and field lines together, with their line ends; more is 431.
    package var headBytesMax = 16_384
    /// The count of field lines; one more is 431.
    package var fieldsMax = 100
    /// The body after chunk decoding; more is 413.
    ///
    /// `HTTP1Parser.setBodyLimit` sets another for one request.
    package var bodyBytesMax = 1_048_576
    /// The extensions of one chunk; more is 400.
    package var chunkExtensionBytesMax = 256
    /// The extensions of all chunks of a body together; more is 400.
    package var chunkExtensionsTotalBytesMax = 16_384
    /// The trailer section with its line ends; more is 431.
    package var trailerBytesMax = 4_096
    /// How many empty lines may stand before a request; one more is 400 (RFC 9112, 2.2).
    package var leadingEmptyLinesMax = 1

    package init() {}
}
