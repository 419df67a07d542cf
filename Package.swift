// swift-tools-version: 6.2
//
// This file is the architecture: arrows point down only, and the compiler enforces them.
// ARCHITECTURE.md explains each room.

import PackageDescription

/// Settings every Swift target shares: Swift 6 mode, explicit imports, marked unsafe steps.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Small functions of one room are called from another on every message; and exclusive access is
    // checked in the debug builds that the tests use. Together 17 % of a ping-pong.
    .unsafeFlags(
        ["-cross-module-optimization", "-enforce-exclusivity=unchecked"],
        .when(configuration: .release)
    ),
]

/// Tests touch pointers only through the APIs under test, so they need no `unsafe` marks.
let testing: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// liblua is linked statically (the shared library costs 6-8 % of compute here), and the linker
/// script keeps its code in one section, so that the kill knows exactly which addresses are Lua's.
let luaLinkage: [LinkerSetting] = [
    .unsafeFlags([
        "-use-ld=lld", "-Xlinker", "-T",
        "-Xlinker", Context.packageDirectory + "/Sources/CLuaShim/lua_text.ld",
    ]),
    .linkedLibrary(":liblua5.4.a"),
    .linkedLibrary("m"),
]

/// A Swift target with the shared settings.
func room(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    exclude: [String] = []
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

/// The test target that mirrors one Swift target.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.byName(name: name)] + dependencies,
        swiftSettings: testing
    )
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "moonlet",
    products: [.executable(name: "moonlet", targets: ["moonlet"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "CLua"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CNghttp2"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CZlib"),
        .target(
            name: "CJansson",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]
        ),
        .target(
            name: "CLuaShim",
            dependencies: ["CLua"],
            exclude: ["lua_text.ld"],
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing"])],
            linkerSettings: luaLinkage
        ),

        room("Payload"),
        room("GoTime"),
        room("Posix", ["CLinux"]),
        room("TLS", ["COpenSSL", "Posix"]),
        room("JSON", ["CJansson", "Payload"]),
        room("LuaVM", ["CLua", "CLuaShim", "Payload"]),
        room("ProcessRuntime", ["Payload", "Posix"]),
        room(
            "LuaLibraries",
            ["LuaVM", "ProcessRuntime", "Payload", "GoTime", "JSON", "Posix", logging],
            exclude: ["SEMANTICS.md"]
        ),
        room("Access", ["COpenSSL"]),
        room("Application", ["Access", "GoTime", "Payload", yams]),
        room("HTTP", ["CNghttp2"]),
        room("HTTPServer", ["HTTP", "Posix", "TLS", "CZlib", logging]),
        room(
            "ControlAPI",
            [
                "Access", "HTTPServer", "HTTP", "JSON", "Payload", "Posix", "ProcessRuntime",
                "LuaLibraries",
                logging,
            ]
        ),
        .executableTarget(
            name: "moonlet",
            dependencies: [
                "Access", "ControlAPI", "HTTPServer", "HTTP", "LuaLibraries", "ProcessRuntime",
                "Application", "JSON", "Payload", "Posix", "TLS", argumentParser, logging,
            ],
            swiftSettings: strict
        ),

        tests("Payload"),
        tests("GoTime"),
        tests("Posix"),
        // Certificates, made by the openssl command.
        .target(
            name: "TestCertificates",
            path: "Tests/TestCertificates",
            swiftSettings: testing
        ),
        tests("TLS", ["TestCertificates"]),
        tests("JSON", ["Payload", "Posix", "CTestSupport"]),
        tests("LuaVM", ["Payload"]),
        tests("ProcessRuntime", ["Payload", "Posix"]),
        // What tests need in C: a count of allocations, and Lua's collectgarbage.
        .target(name: "CTestSupport", dependencies: ["CLua"], path: "Tests/CTestSupport"),
        // Frames of HTTP/2 by hand: what no client would send, too.
        .target(
            name: "HTTP2TestSupport",
            dependencies: ["CNghttp2"],
            path: "Tests/HTTP2TestSupport",
            swiftSettings: testing
        ),
        tests(
            "LuaLibraries",
            ["LuaVM", "ProcessRuntime", "Payload", "JSON", "Posix", "CTestSupport"]
        ),
        tests("Access"),
        tests("Application", ["Access", "Payload"]),
        tests("HTTP", ["HTTP2TestSupport"]),
        tests("HTTPServer", ["HTTP", "HTTP2TestSupport", "Posix", "TLS", "TestCertificates"]),
        tests(
            "ControlAPI",
            [
                "Access", "HTTPServer", "HTTP", "JSON", "Payload", "ProcessRuntime",
                "LuaLibraries",
            ]
        ),
        .testTarget(
            name: "EndToEnd",
            dependencies: [
                "moonlet", "HTTP2TestSupport", "Posix", "TestCertificates", logging, yams,
            ],
            path: "Tests/EndToEnd",
            swiftSettings: testing
        ),
        .testTarget(name: "TidyTests", path: "Tests/TidyTests", swiftSettings: testing),
    ]
)
