import HTTP
import ProcessRuntime
import Testing

@testable import ControlAPI

struct SiteGuardTests {
    @Test func `a Host that is ours passes whatever its port and any other is misdirected`() throws
    {
        let desk = Desk { $0.allowedHosts = ["Moon.Example:80", "10.0.0.5", "fe80::1"] }
        let ours = [
            "localhost", "LOCALHOST:7070", "127.0.0.1", "127.0.0.1:1", "[::1]:7070",
            "moon.example", "moon.example.:8080", "10.0.0.5:7070", "[fe80::1]",
        ]
        for host in ours {
            #expect(try desk.ask("GET", "/v1/names", host: host).status == 200, "\(host)")
        }
        let others = [
            "", "evil.test", "localhost.evil.test", "127.0.0.2", "10.0.0.50", "[::2]", "a b",
            "user@localhost", "localhost:port",
        ]
        for host in others {
            for path in ["/v1/names", "/nowhere", "/livez", "/"] {
                let answer = try desk.ask("GET", path, host: host)
                #expect(answer.status == 421, "\(host)")
                #expect(answer.code == "host-not-allowed")
            }
        }
    }

    @Test func `listening everywhere allows addresses and still no foreign names`() throws {
        let desk = Desk { $0.allowsAnyAddress = true }
        for host in ["192.168.7.9:7070", "[2001:db8::7]"] {
            #expect(try desk.ask("GET", "/livez", host: host).status == 200)
        }
        for host in ["evil.test", "1.2.3", "1.2.3.4.5", "256.1.1.1"] {
            #expect(try desk.ask("GET", "/livez", host: host).status == 421)
        }
    }

    /// Origin, Sec-Fetch-Site, and whether a mutating request passes.
    static let sites: [(String?, String?, Bool)] = [
        (nil, nil, true),
        (nil, "none", true),
        (nil, "same-origin", true),
        (nil, "same-site", false),
        (nil, "cross-site", false),
        ("http://localhost:7070", nil, true),
        ("http://localhost:7070", "same-origin", true),
        ("HTTP://LOCALHOST:7070", nil, true),
        ("http://localhost:7071", nil, false),
        ("http://localhost", nil, false),
        ("http://127.0.0.1:7070", nil, false),
        ("https://evil.test", nil, false),
        ("https://evil.test", "cross-site", false),
        ("null", nil, false),
        ("", nil, false),
        ("http://localhost:7070.evil.test", nil, false),
        ("https://ops.test", nil, true),
        ("https://ops.test", "cross-site", true),
        ("http://ops.test", nil, false),
    ]

    @Test(arguments: sites.indices)
    func `a page of another site cannot change anything`(_ index: Int) throws {
        let (origin, site, passes) = SiteGuardTests.sites[index]
        let desk = Desk { $0.corsOrigins = ["https://ops.test"] }
        try desk.process(name: "n")
        var headers: [(String, String)] = []
        if let origin { headers.append(("Origin", origin)) }
        if let site { headers.append(("Sec-Fetch-Site", site)) }
        let answer = try desk.ask("DELETE", "/v1/names/n", headers: headers)
        #expect(answer.status == (passes ? 204 : 403))
        if !passes { #expect(answer.code == "cross-site-request") }
        #expect((desk.runtime.lookup("n") == nil) == passes)
        // Reading is kept from a page by the browser itself.
        #expect(try desk.ask("GET", "/v1/names", headers: headers).status == 200)
    }

    @Test func `a listed site may read its answers and ask before it writes`() throws {
        let desk = Desk { $0.corsOrigins = ["https://ops.test"] }
        let headers = [("Origin", "https://ops.test"), ("Access-Control-Request-Method", "POST")]
        let preflight = try desk.ask("OPTIONS", "/v1/exec", headers: headers)
        #expect(preflight.status == 204)
        #expect(preflight.header("Access-Control-Allow-Origin") == "https://ops.test")
        #expect(preflight.header("Access-Control-Allow-Methods") == "POST, OPTIONS")
        #expect(preflight.header("Access-Control-Allow-Headers")?.contains("Content-Type") == true)
        let read = try desk.ask("GET", "/v1/names", headers: headers)
        #expect(read.header("Access-Control-Allow-Origin") == "https://ops.test")
        #expect(read.header("Vary") == "Origin")
        let other = try desk.ask("OPTIONS", "/v1/exec", headers: [("Origin", "https://evil.test")])
        #expect(other.header("Access-Control-Allow-Origin") == nil)
    }
}
