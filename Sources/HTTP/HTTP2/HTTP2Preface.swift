/// What a client of HTTP/2 sends first on a connection.
package enum HTTP2Preface {
    /// The 24 bytes before the client's first frame (RFC 9113, 3.4).
    package static let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
}
