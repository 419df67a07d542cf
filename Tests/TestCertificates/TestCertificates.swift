// Certificates for tests, made by the openssl command.

import Foundation

/// A folder with an authority of its own and what it issued, gone with this object.
package final class TestCertificates: Sendable {
    package let folder: String

    /// Makes the authority (`ca.pem`) and a certificate for localhost (`cert.pem`, `key.pem`).
    package init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-tls-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        folder = url.path
        try openssl(
            ["req", "-x509", "-subj", "/CN=Test authority", "-keyout", "ca.key", "-out", "ca.pem"]
                + Self.newKey
        )
        try issue("cert.pem", key: "key.pem")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    package func path(_ name: String) -> String { folder + "/" + name }

    /// Issues a certificate for localhost, with a key of its own.
    package func issue(
        _ certificate: String,
        key: String,
        names: String = "DNS:localhost,IP:127.0.0.1",
        commonName: String = "localhost"
    ) throws {
        try openssl(
            [
                "req", "-x509", "-subj", "/CN=\(commonName)", "-addext",
                "subjectAltName=\(names)", "-addext", "basicConstraints=critical,CA:FALSE",
                "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", key, "-out", certificate,
            ] + Self.newKey
        )
    }

    private static let newKey = [
        "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    ]

    package func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
    }

    package func text(_ name: String) throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }

    /// Runs the openssl command in the folder.
    package func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(said: String(decoding: said, as: UTF8.self))
        }
    }

    /// What the command said when it failed.
    package struct Failure: Error {
        package let said: String
    }
}
