import HTTP
import Testing

@Suite struct QueryStringTests {
    @Test(
        arguments: [
            (nil, []), ("", []), ("&", []), ("a", ["a", ""]), ("a=", ["a", ""]), ("=b", ["", "b"]),
            ("a=b", ["a", "b"]), ("a=b=c", ["a", "b=c"]), ("a=b&&c=d&", ["a", "b", "c", "d"]),
            ("a=b;c=d", ["a", "b;c=d"]), ("a+b=c+d", ["a b", "c d"]),
            ("a%26b=c%3Dd%2B", ["a&b", "c=d+"]), ("a%3Db=c", ["a=b", "c"]),
            ("k=%c3%a9", ["k", "é"]), ("a=1&a=2", ["a", "1", "a", "2"]), ("a=?/", ["a", "?/"]),
        ] as [(String?, [String])]
    )
    func `parameters come out decoded and in order`(query: String?, flat: [String]) throws {
        let parsed = try QueryString(query)
        #expect(parsed.parameters.flatMap { [$0.name, $0.value] } == flat)
    }

    @Test(arguments: [
        ("a=%zz", "the value of parameter 1 is badly encoded"),
        ("%=a", "the name of parameter 1 is badly encoded"),
        ("a=1&b=%ff", "the value of parameter 2 is badly encoded"),
        ("a=%c0%ae", "the value of parameter 1 is badly encoded"),
        ("a=1&b&c%2", "the name of parameter 3 is badly encoded"),
    ])
    func `bad encoding is refused and named`(query: String, detail: String) {
        let fault = #expect(throws: QueryFault.self) { try QueryString(query) }
        #expect(fault?.detail == detail)
    }

    @Test func `values are looked up by name`() throws {
        let query = try QueryString("a=1&b=2&a=3")
        #expect(query["a"] == "1")
        #expect(query["c"] == nil)
        #expect(query.firstName(notIn: ["a", "b"]) == nil)
        #expect(query.firstName(notIn: ["a"]) == "b")
        #expect(query.firstRepeatedName == "a")
        #expect(try QueryString("a&b").firstRepeatedName == nil)
    }
}
