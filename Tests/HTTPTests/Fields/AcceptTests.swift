import HTTP
import Testing

@Suite struct AcceptTests {
    private static let offers = ["text/event-stream", "application/x-ndjson", "application/json"]

    @Test(
        arguments: [
            (nil, 0), ("", 0), ("*/*", 0), ("text/event-stream", 0), ("application/x-ndjson", 1),
            ("application/*", 1), ("APPLICATION/JSON", 2),
            ("application/json, text/event-stream", 0),
            ("text/event-stream;q=0.5, application/json", 2),
            ("*/*;q=0.1, application/json;q=0.2", 2),
            ("*/*, text/event-stream;q=0", 1), ("text/*;q=0, */*;q=0.001", 1),
            ("application/json;q=0, application/*", 1), ("text/html", nil), ("*/*;q=0", nil),
            ("application/json;q=0.2, application/json;q=0.9, application/x-ndjson;q=0.5", 1),
            ("text/event-stream;q=0.000", nil), ("application/json;v=1", nil), ("*/json", nil),
            ("text/event-stream;q=0.5;ext=\"a,b\", application/json;q=0.4", 0),
            ("garbage, application/json", 2), (",, ,application/json,", 2),
            ("text/event-stream;q=2, application/json;q=0.1", 2),
            ("text/event-stream;q=0.1234, application/json;q=0.1", 2),
            ("text/event-stream;q=.5, application/json;q=0.1", 2),
            ("text/event-stream;q=1.001, application/json;q=0.1", 2),
            ("text/event-stream;q=1., application/json;q=0.1", 0), ("\"", nil),
            ("text/html;x=\"", nil),
        ] as [(String?, Int?)]
    )
    func `the offer the client likes best is chosen`(accept: String?, offer: Int?) {
        let headers = Headers(accept.map { [("Accept", $0)] } ?? [])
        let expected = offer.map { AcceptTests.offers[$0] }
        #expect(Accept(headers).best(of: AcceptTests.offers) == expected)
    }

    @Test func `several fields are one list`() {
        let headers = Headers([("accept", "text/html;q=0.1"), ("ACCEPT", "application/json;q=0.2")])
        #expect(Accept(headers).best(of: ["text/html", "application/json"]) == "application/json")
    }

    @Test func `a parameter makes a range more precise`() {
        let headers = Headers([("Accept", "text/plain;q=0.2, text/plain;v=1;q=0.9")])
        #expect(Accept(headers).best(of: ["text/plain", "text/plain;v=1"]) == "text/plain;v=1")
    }
}
