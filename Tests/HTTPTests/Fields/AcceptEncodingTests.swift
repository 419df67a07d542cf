import Testing

@testable import HTTP

@Suite struct `Accept-Encoding` {
    @Test(arguments: [
        ("gzip", true), ("gzip, deflate, br", true), ("br;q=1.0, GZIP;q=0.5", true),
        ("x-gzip", true), ("deflate,  gzip ; q=0.001", true), ("gzip;q=1", true),
        ("", false), ("identity", false), ("*", false), ("br", false), ("gzip;q=0", false),
        ("gzip; q=0.000", false), ("gzipped", false), ("gzip;q=0, br", false),
    ])
    func `allows gzip only where it says so`(value: String, allows: Bool) {
        #expect(AcceptEncoding.allowsGzip(Headers([("Accept-Encoding", value)])) == allows)
    }

    @Test func `that is not there allows no coding`() {
        #expect(!AcceptEncoding.allowsGzip(Headers()))
    }

    @Test func `may be on more than one line`() {
        let headers = Headers([("accept-encoding", "br"), ("Accept-Encoding", "gzip")])
        #expect(AcceptEncoding.allowsGzip(headers))
    }
}
