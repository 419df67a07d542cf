import HTTP
import Testing

@Suite struct PathSegmentsTests {
    @Test(
        arguments: [
            ("/", []), ("/a", ["a"]), ("/a/b", ["a", "b"]), ("/a/", ["a", ""]),
            ("//", ["", ""]), ("/a//b", ["a", "", "b"]), ("/a%2Fb/c", ["a/b", "c"]),
            ("/%2e%2e/x", ["..", "x"]), ("/a+b", ["a+b"]), ("/%c3%a9", ["é"]),
            ("", nil), ("a", nil), ("*", nil), ("/%zz", nil), ("/a/%ff", nil), ("/%", nil),
        ] as [(String, [String]?)]
    )
    func `a path is split before it is decoded`(path: String, segments: [String]?) {
        #expect(PathSegments.split(path) == segments)
    }

    @Test(
        arguments: [
            ("/", []), ("/a/b.html", ["a", "b.html"]), ("/a/", ["a"]), ("/...", ["..."]),
            ("/.well-known", [".well-known"]), ("/%c3%a9", ["é"]),
        ] as [(String, [String])]
    )
    func `file names stay below their folder`(path: String, names: [String]) {
        #expect(PathSegments.fileNames(path) == names)
    }

    @Test(arguments: [
        "/..", "/../etc", "/a/..", "/.", "/a/./b", "/%2e", "/%2e%2e/%2e%2e/etc/passwd", "/.%2e/a",
        "/%2E%2E/", "/..%2f..%2f", "/a%2fb", "/a%5cb", "/..%5c", "//", "//etc/passwd", "/a//b",
        "/a//", "/%00", "/a%00.html", "/%0a", "/%7f", "/%c0%ae%c0%ae/", "/%zz", "", "etc", "*",
    ])
    func `what could leave the folder is no file name`(path: String) {
        #expect(PathSegments.fileNames(path) == nil)
    }
}
