import HTTP
import Testing

@testable import HTTPServer

@Suite struct `A router` {
    private let names = ["root", "list", "spawn", "show", "end", "send", "link", "special"]
    private let router: Router = {
        var router = Router()
        router.add("GET", "/")
        router.add("GET", "/v1/processes")
        router.add("POST", "/v1/processes")
        router.add("GET", "/v1/processes/{id}")
        router.add("DELETE", "/v1/processes/{id}")
        router.add("POST", "/v1/processes/{id}/messages")
        router.add("PUT", "/v1/processes/{id}/links/{other}")
        router.add("GET", "/v1/processes/special")
        return router
    }()

    /// The match in one line: what tests compare.
    private func match(_ method: String, _ path: String) -> String {
        switch router.match(method: method, path: path) {
        case .found(let route, let parameters):
            [names[route], parameters["id"], parameters["other"]].compactMap { $0 }
                .joined(separator: " ")
        case .options(let allow): "options " + allow.joined(separator: ",")
        case .notFound: "404"
        case .methodNotAllowed(let allow): "405 " + allow.joined(separator: ",")
        case .notImplemented: "501"
        case .malformed: "400"
        }
    }

    @Test(arguments: [
        ("GET", "/", "root"),
        ("GET", "/v1/processes", "list"),
        ("HEAD", "/v1/processes", "list"),
        ("POST", "/v1/processes", "spawn"),
        ("GET", "/v1/processes/7", "show 7"),
        ("GET", "/v1/processes/%40jobs", "show @jobs"),
        ("GET", "/v1/processes/a%2Fb", "show a/b"),
        ("GET", "/v1/processes/special", "special"),
        ("DELETE", "/v1/processes/special", "405 GET,HEAD,OPTIONS"),
        ("POST", "/v1/processes/7/messages", "send 7"),
        ("PUT", "/v1/processes/7/links/8", "link 7 8"),
        ("PUT", "/v1/processes", "405 GET,HEAD,POST,OPTIONS"),
        ("HEAD", "/v1/processes/7/messages", "405 POST,OPTIONS"),
        ("OPTIONS", "/v1/processes/7", "options GET,HEAD,DELETE,OPTIONS"),
        ("OPTIONS", "*", "options GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS"),
        ("OPTIONS", "/none", "404"),
        ("GET", "/v1", "404"),
        ("GET", "/v1/processes/", "404"),
        ("GET", "//v1/processes", "404"),
        ("GET", "/v1/processes/7/", "404"),
        ("GET", "/V1/processes", "404"),
        ("GET", "/%zz", "400"),
        ("GET", "/%c0%ae", "400"),
        ("GET", "relative", "400"),
        ("BREW", "/v1/processes", "501"),
        ("QUERY", "/v1/processes", "405 GET,HEAD,POST,OPTIONS"),
        ("TRACE", "/v1/processes", "405 GET,HEAD,POST,OPTIONS"),
        ("get", "/v1/processes", "501"),
    ])
    func `finds the route, or says why there is none`(
        method: String,
        path: String,
        expected: String
    ) {
        #expect(match(method, path) == expected)
    }

    @Test func `lists its routes as they were added`() {
        #expect(router.entries.count == 8)
        #expect(router.entries[3].method == "GET")
        #expect(router.entries[3].template == "/v1/processes/{id}")
    }

    @Test func `has no value for a parameter the template lacks`() throws {
        guard case .found(_, let parameters) = router.match(method: "GET", path: "/") else {
            Issue.record("no route")
            return
        }
        #expect(parameters["id"] == nil)
    }

    @Test func `traps on a route added twice`() async {
        await #expect(processExitsWith: .failure) {
            var router = Router()
            router.add("GET", "/{a}")
            router.add("GET", "/{b}")
        }
    }
}
