/// Requests every strict server must refuse, by the rows of the hostile-request table (C1).
enum HostileRequests {
    private static let get = "GET / HTTP/1.1⏎Host: a⏎"
    private static let post = "POST / HTTP/1.1⏎Host: a⏎"
    private static let chunked = "POST / HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎"

    static let all = lines + fields + framing + chunks + sizes

    /// Request lines and what surrounds them.
    static let lines: [Specimen] = [
        Specimen("6: bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", 400),
        Specimen("6: bare LF after the request line", "GET / HTTP/1.1\nHost: a⏎⏎", 400),
        Specimen("6: bare LF before the request", "\nGET / HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("7: bare CR after the request line", "GET / HTTP/1.1\rHost: a⏎⏎", 400),
        Specimen("7: bare CR before the request", "\rGET / HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("29: 9,000-byte target", "GET /" + repeated("a", 9_000) + " HTTP/1.1⏎⏎", 414),
        Specimen("29: target without an end", "GET /" + repeated("a", 20_000), 414),
        Specimen("30: method of 300 letters", repeated("M", 300) + " / HTTP/1.1⏎⏎", 501),
        Specimen("30: method without an end", repeated("M", 20_000), 501),
        Specimen("30: method that is no token", "G=\":<>(e) / HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("30: empty method", " / HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("30: method beyond ASCII", #"G\xc3\x89T / HTTP/1.1⏎Host: a⏎⏎"#, 400),
        Specimen("32: two spaces", "GET  / HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("32: two spaces before the version", "GET /  HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("32: tab", "GET\t/ HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("32: tab before the version", "GET /\tHTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("32: LF instead of a space", "GET /\nHTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("32: space after the version", "GET / HTTP/1.1 ⏎Host: a⏎⏎", 400),
        Specimen("33: HTTP/1.32", "GET / HTTP/1.32⏎Host: a⏎⏎", 400),
        Specimen("33: HTTP/1.", "GET / HTTP/1.⏎Host: a⏎⏎", 400),
        Specimen("33: HTTP/11", "GET / HTTP/11⏎Host: a⏎⏎", 400),
        Specimen("33: http/1.1", "GET / http/1.1⏎Host: a⏎⏎", 400),
        Specimen("33: HTTPS/1.1", "GET / HTTPS/1.1⏎Host: a⏎⏎", 400),
        Specimen("33: HTTP/ 1.1", "GET / HTTP/ 1.1⏎Host: a⏎⏎", 400),
        Specimen("33: HTTP/4294967295.255", "GET / HTTP/4294967295.255⏎Host: a⏎⏎", 400),
        Specimen("33: HTTP/3.0", "GET / HTTP/3.0⏎Host: a⏎⏎", 505),
        Specimen("33: HTTP/2.0", "GET / HTTP/2.0⏎Host: a⏎⏎", 505),
        Specimen("33: HTTP/0.9", "GET / HTTP/0.9⏎Host: a⏎⏎", 505),
        Specimen("34: HTTP/0.9 simple request", "GET /⏎", 400),
        Specimen("34: method only", "GET⏎⏎", 400),
        Specimen("35: http URI without a host", "GET http:/// HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("35: http URI with a port only", "GET http://:80/ HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("35: http URI with userinfo", "GET http://u@h/ HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("35: another scheme", "GET ftp://h/ HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("35: http URI, no Host field", "GET http://h/ HTTP/1.1⏎⏎", 400),
        Specimen("35: target without a slash", "GET index.html HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("35: target that is a query", "GET ?a HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("36: CONNECT", "CONNECT a:1 HTTP/1.1⏎Host: a⏎⏎", 501),
        Specimen("36: GET *", "GET * HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("36: OPTIONS **", "OPTIONS ** HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("37: NUL in the path", "GET /%00 HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: %zz", "GET /%zz HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: % at the end", "GET /a% HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: %2 at the end", "GET /a%2 HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: overlong UTF-8", "GET /%c0%ae%c0%ae/ HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: surrogate", "GET /%ed%a0%80 HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: %zz in an http URI", "GET http://a/%zz HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: raw UTF-8", "GET /é HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: fragment", "GET /a#b HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("38: backslash", #"GET /..\a HTTP/1.1⏎Host: a⏎⏎"#, 400),
        Specimen("40: two empty lines", "⏎⏎GET / HTTP/1.1⏎Host: a⏎⏎", 400),
        Specimen("40: 1,000 empty lines", repeated("⏎", 1_000), 400),
        Specimen("53: HTTP/2 preface", "PRI * HTTP/2.0⏎⏎SM⏎⏎", 505),
        Specimen("54: TLS ClientHello", #"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"#, 400),
    ]

    /// Field lines and the Host field.
    static let fields: [Specimen] =
        [
            Specimen("1: no Host", "GET / HTTP/1.1⏎⏎", 400),
            Specimen("2: Host twice", get + "Host: a⏎⏎", 400),
            Specimen("2: Host twice, other case", get + "hOST: b⏎⏎", 400),
            Specimen("2: Host twice in HTTP/1.0", "GET / HTTP/1.0⏎Host: a⏎Host: a⏎⏎", 400),
            Specimen("7: bare CR in a value", get + "X: a\rSmuggled: b⏎⏎", 400),
            Specimen("7: bare LF in a value", get + "X: a\nSmuggled: b⏎⏎", 400),
            Specimen("7: CR CR LF", get + "X: a\r⏎⏎", 400),
            Specimen("7: CR at the end of the head", get + "\rX: a⏎⏎", 400),
            Specimen("9: obs-fold", get + "X: a⏎ b⏎⏎", 400),
            Specimen("9: obs-fold with a tab", get + "X: a⏎\tb⏎⏎", 400),
            Specimen("10: space before the colon", post + "Content-Length : 5⏎⏎hello", 400),
            Specimen("10: tab before the colon", post + "Content-Length\t: 5⏎⏎hello", 400),
            Specimen("11: space before the first field", "GET / HTTP/1.1⏎ Host: a⏎⏎", 400),
            Specimen("12: empty name", get + ": x⏎⏎", 400),
            Specimen("12: no colon", get + "X⏎⏎", 400),
            Specimen("13: name begins beyond ASCII", get + #"\xeffoo: x⏎⏎"#, 400),
            Specimen("13: parentheses in a name", get + "a(b): x⏎⏎", 400),
            Specimen("13: NEL after a name", post + #"Content-Length\x85: 5⏎⏎hello"#, 400),
        ]
        + [
            "a b", "a@b", "[::1", "[::1]x", "[:::]", "[1::2::3]", "[::g]", "[1:2:3:4:5:6:7:8:9]",
            "a/b", "a?b", "a,b:c", "a:65536", "a:-1", "a:8x", "a:1:2", ":80", "%zz", "a%2",
            #"\xc3\xa9"#, "http://a", "[::1%25eth0]", "[v1.a]", #"a\"b"#, "a, a",
        ].map { Specimen("3: Host: \($0)", "GET / HTTP/1.1⏎Host: \($0)⏎⏎", 400) }
        + ((0...31).filter { $0 != 9 && $0 != 10 && $0 != 13 } + [127]).flatMap { byte in
            let hex = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            return [
                Specimen("8: byte \(hex) in a value", get + #"X: a\x\#(hex)b⏎⏎"#, 400),
                Specimen("8: byte \(hex) in a name", get + #"X\x\#(hex): b⏎⏎"#, 400),
                Specimen("8: byte \(hex) in a target", #"GET /\x\#(hex) HTTP/1.1⏎⏎"#, 400),
                Specimen("8: byte \(hex) first", #"\x\#(hex)"# + get + "⏎", 400),
            ]
        }

    /// Content-Length, Transfer-Encoding and Expect.
    static let framing: [Specimen] =
        [
            Specimen("14: CL and TE", post + "Content-Length: 5⏎Transfer-Encoding: chunked⏎⏎", 400),
            Specimen("14: TE and CL", post + "Transfer-Encoding: chunked⏎Content-Length: 5⏎⏎", 400),
            Specimen(
                "15: chunked on two lines",
                post + "Transfer-Encoding: chunked⏎Transfer-Encoding: chunked⏎⏎",
                400
            ),
            Specimen("21: CL twice", post + "Content-Length: 5⏎Content-Length: 6⏎⏎hello", 400),
            Specimen("21: CL twice, equal", post + "Content-Length: 5⏎Content-Length: 5⏎⏎", 400),
            Specimen("19: TE in 1.0", "POST / HTTP/1.0⏎Transfer-Encoding: chunked⏎⏎0⏎⏎", 400),
            Specimen("22: CL over the limit", post + "Content-Length: 1048577⏎⏎", 413),
            Specimen(
                "41: CL 10 GB, waiting",
                post + "Content-Length: 10000000000⏎Expect: 100-continue⏎⏎",
                413
            ),
            Specimen("41: Expect: x", post + "Content-Length: 10⏎Expect: x⏎⏎", 417),
            Specimen("41: Expect two things", post + "Expect: 100-continue, x⏎⏎", 417),
            Specimen("41: Expect nothing", post + "Expect:⏎⏎", 417),
        ]
        + [
            ("15", "chunked, chunked", 400), ("16", "gzip, chunked", 501),
            ("16", "foo, bar, chunked", 501), ("17", "chunked, gzip", 400), ("17", "identity", 400),
            ("17", "identity, chunked", 400), ("17", "gzip", 400), ("18", "xchunked", 400),
            ("18", ",chunked", 400), ("18", "chunked,", 400), ("18", #"\xa0chunked"#, 400),
            ("18", #"\x0bchunked"#, 400), ("18", "chunked;q=1", 400), ("18", "chunked x", 400),
            ("18", "\"chunked\"", 400), ("18", "", 400),
        ].map { (row: String, value: String, status: Int) in
            Specimen(
                "\(row): Transfer-Encoding: \(value)",
                post + "Transfer-Encoding: \(value)⏎⏎0⏎⏎",
                status
            )
        }
        + [
            "+5", "-1", "0x5", "5_0", "5 5", "", "５", "5,5", "5;", "5.0", "1e1", "٥",
            "99999999999999999999", "9223372036854775808",
        ].map {
            Specimen("20, 22: Content-Length: \($0)", post + "Content-Length: \($0)⏎⏎hello", 400)
        }

    /// Bodies in chunks.
    static let chunks: [Specimen] =
        [
            "0x5", "+5", "-1", "5_0", " 5", "", "g", "5 5", "5 ", "\t5", ";a=b", "5,",
            "FFFFFFFFFFFFFFFF1", "FFFFFFFFFFFFFFFF", "8000000000000000", "00000000000000005",
        ].map { Specimen("23, 24: chunk-size \($0)", chunked + "\($0)⏎hello⏎0⏎⏎", 400) }
        + [
            Specimen("25: 1 MB of extension", chunked + "5;" + repeated("a", 1_000_000), 400),
            Specimen("25: endless space", chunked + "5" + repeated(" ", 257), 400),
            Specimen("25: bare LF in an extension", chunked + "5;a\nb⏎hello⏎0⏎⏎", 400),
            Specimen("25: bare CR in an extension", chunked + "5;a\rb⏎hello⏎0⏎⏎", 400),
            Specimen("25: NUL in an extension", chunked + #"5;a\x00⏎hello⏎0⏎⏎"#, 400),
            Specimen("26: X after the data", chunked + "5⏎helloX⏎0⏎⏎", 400),
            Specimen("26: data longer than said", chunked + "5⏎hello!⏎0⏎⏎", 400),
            Specimen("26: data shorter than said", chunked + "5⏎hell⏎0⏎⏎", 400),
            Specimen("26: data ended by LF", chunked + "5⏎hello\n0⏎⏎", 400),
            Specimen("26: data ended by CR X", chunked + "5⏎hello\rX0⏎⏎", 400),
            Specimen("26: size ended by LF", chunked + "5\nhello⏎0⏎⏎", 400),
            Specimen("26: size ended by CR X", chunked + "5\rXhello⏎0⏎⏎", 400),
            Specimen("26: last chunk ended by LF", chunked + "0\n\n", 400),
            Specimen("26: body ended by LF", chunked + "0⏎\n", 400),
            Specimen("26: body ended by CR X", chunked + "0⏎\rX", 400),
            Specimen("22: a chunk over the limit", chunked + "5⏎hello⏎100000⏎", 413),
            Specimen("28: trailer without a name", chunked + "0⏎: x⏎⏎", 400),
            Specimen("28: folded trailer", chunked + "0⏎X: a⏎ b⏎⏎", 400),
            Specimen("28: space before a trailer's colon", chunked + "0⏎X : a⏎⏎", 400),
            Specimen("28: NUL in a trailer", chunked + #"0⏎X: \x00⏎⏎"#, 400),
            Specimen("28: bare LF in a trailer", chunked + "0⏎X: a\nY: b⏎⏎", 400),
            Specimen("28: bare CR in a trailer", chunked + "0⏎X: a\rY: b⏎⏎", 400),
            Specimen("28: 5 KB of trailers", chunked + "0⏎X: " + repeated("a", 5_000), 431),
            Specimen("a good request, then a bad one", get + "⏎GET / HTTP/1.1⏎⏎", 400),
            Specimen(
                "a good body, then a bad request",
                post + "Content-Length: 5⏎⏎helloX\n",
                400
            ),
        ]

    static let sizes: [Specimen] = [
        Specimen("39: 33 KiB in one field", get + "X: " + repeated("a", 33 * 1024) + "⏎⏎", 431),
        Specimen("39: a name without an end", get + repeated("a", 33 * 1024), 431),
        Specimen(
            "39: 33 KiB in 30 fields",
            get + repeated("X: " + repeated("a", 1_120) + "⏎", 30),
            431
        ),
        Specimen("39: 101 fields", get + repeated("X: a⏎", 100) + "⏎", 431),
    ]
}

/// Whole, good requests.
enum GoodRequests {
    private static let post = "POST / HTTP/1.1⏎Host: a⏎"

    static let all: [Specimen] = [
        Specimen("plain", "GET /a?b=c HTTP/1.1⏎Host: localhost:7070⏎Accept: */*⏎⏎"),
        Specimen("1.0 without Host", "GET / HTTP/1.0⏎⏎"),
        Specimen("1.0 kept alive", "GET / HTTP/1.0⏎Connection: Keep-Alive⏎⏎"),
        Specimen("a later 1.x", "GET / HTTP/1.7⏎Host: a⏎⏎"),
        Specimen("empty Host", "GET / HTTP/1.1⏎Host:⏎⏎"),
        Specimen("empty and blank values", "GET / HTTP/1.1⏎Host: a⏎X:⏎Y: \t ⏎Z:\tz\t⏎⏎"),
        Specimen("obs-text and tabs", #"GET / HTTP/1.1⏎Host: a⏎X: \xff\xfe\#t"ü"⏎⏎"#),
        Specimen(
            "unusual token",
            "!#$%&'*+-.^_`|~09aZ / HTTP/1.1⏎Host: a⏎!#$%&'*+-.^_`|~09aZ: x⏎⏎"
        ),
        Specimen("31: BREW", "BREW /v1/processes HTTP/1.1⏎Host: a⏎⏎"),
        Specimen("35: http URI", "GET http://evil:80/p?q HTTP/1.1⏎Host: localhost⏎⏎"),
        Specimen("35: https URI without a path", "GET HTTPS://evil?q HTTP/1.1⏎Host: localhost⏎⏎"),
        Specimen("36: OPTIONS *", "OPTIONS * HTTP/1.1⏎Host: a⏎⏎"),
        Specimen("40: an empty line first", "⏎GET / HTTP/1.1⏎Host: a⏎⏎"),
        Specimen(
            "51: GET with a body",
            "GET / HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎helloGET /b HTTP/1.1⏎Host: a⏎⏎"
        ),
        Specimen(
            "52: h2c upgrade",
            "GET / HTTP/1.1⏎Host: a⏎Connection: Upgrade, HTTP2-Settings⏎Upgrade: h2c⏎HTTP2-Settings: AAMAAABkAAQAAP__⏎⏎"
        ),
        Specimen(
            "52: websocket",
            "GET / HTTP/1.1⏎Host: a⏎Connection: Upgrade⏎Upgrade: websocket⏎⏎"
        ),
        Specimen("counted body", post + "Content-Length: 11⏎⏎hello\r\n\r\n\u{0}\n"),
        Specimen("empty counted body", post + "Content-Length: 0⏎⏎"),
        Specimen(
            "zeros before the length",
            post + "Content-Length: 0000000000000000000000005⏎⏎hello"
        ),
        Specimen("chunks", post + "Transfer-Encoding: Chunked⏎⏎5⏎hello⏎1⏎ ⏎0a⏎0123456789⏎000⏎⏎"),
        Specimen("no chunks", post + "Transfer-Encoding: chunked⏎⏎0⏎⏎"),
        Specimen(
            "chunk extensions",
            post + "Transfer-Encoding: chunked⏎⏎5;a=\"b;c\"⏎hello⏎1 \t;x⏎!⏎0;z⏎⏎"
        ),
        Specimen(
            "28: trailers",
            post + "Transfer-Encoding: chunked⏎⏎0⏎Content-Length: 5⏎Host: x⏎⏎"
        ),
        Specimen("CR LF in chunk data", post + "Transfer-Encoding: chunked⏎⏎6⏎⏎0⏎\u{0}⏎0⏎⏎"),
        Specimen("41: expects 100", post + "Content-Length: 5⏎Expect: 100-Continue⏎⏎hello"),
        Specimen(
            "pipeline of three",
            "GET /1 HTTP/1.1⏎Host: a⏎⏎⏎POST /2 HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎3⏎abc⏎0⏎⏎GET /3 HTTP/1.1⏎Host: a⏎⏎"
        ),
        Specimen(
            "nothing after close",
            "GET /1 HTTP/1.1⏎Host: a⏎Connection: close⏎⏎GARBAGE\n\n\u{0}"
        ),
        Specimen("nothing after 1.0", "GET /1 HTTP/1.0⏎⏎GET /2 HTTP/1.0⏎⏎"),
        Specimen("IPv6 hosts", "GET / HTTP/1.1⏎Host: [2001:db8::1]:80⏎⏎"),
        Specimen("characters browsers leave alone", "GET /[a]{b}|^` HTTP/1.1⏎Host: a⏎⏎"),
        Specimen("an encoded path", "GET /%c3%a9%2F?%zz HTTP/1.1⏎Host: a⏎⏎"),
    ]
}

func repeated(_ text: String, _ count: Int) -> String {
    String(repeating: text, count: count)
}
