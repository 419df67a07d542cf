import HTTP
import Testing

@Suite struct AuthorityTests {
    @Test(arguments: [
        ("localhost", "localhost", nil), ("LocalHost:7070", "localhost", 7070),
        ("127.0.0.1:0", "127.0.0.1", 0), ("a:65535", "a", 65_535), ("a:00080", "a", 80),
        ("a:", "a", nil), ("a-b_c~d.e!$&'()*+,;=", "a-b_c~d.e!$&'()*+,;=", nil),
        ("a%2D", "a%2d", nil), ("[::]", "[::]", nil), ("[::1]:80", "[::1]", 80),
        ("[1::]", "[1::]", nil), ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", nil),
        ("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]", nil), ("[2001:DB8::A]", "[2001:db8::a]", nil),
        ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", nil),
        ("[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", nil),
    ])
    func `host and port are told apart`(text: String, host: String, port: Int?) throws {
        let authority = try #require(Authority(text))
        #expect(authority.host == host)
        #expect(authority.port == port)
    }

    @Test(arguments: [
        "", ":80", "a b", " a", "a ", "a@b", "a/b", "a?b", "a#b", "a\\b", "a\"b", "a<b", "a|b",
        "a:65536", "a:000080", "a:-1", "a:+1", "a:8x", "a:1:2", "a:1 ", "%", "%2", "%zz", "é", "\0",
        "[", "[]", "[:]", "[::1", "::1", "[::1]x", "[::1]:x", "[:::]", "[::::]", "[1::2::3]",
        "[1:2]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]",
        "[::1:2:3:4:5:6:7:8]", "[:1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:]", "[12345::]", "[::g]",
        "[::1.2.3]", "[::1.2.3.256]", "[::1.2.3.04]", "[::1.2.3.4.5]", "[1.2.3.4::]",
        "[1:2:3:4:5:6:7:1.2.3.4]", "[::1%25eth0]", "[v1.a]", "[1.2.3.4]",
    ])
    func `what is no authority is refused`(text: String) {
        #expect(Authority(text) == nil)
    }
}
