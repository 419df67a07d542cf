import TestCertificates
import Testing

@testable import TLS

@Suite struct `A server's certificate` {
    let files: TestCertificates

    init() throws { files = try TestCertificates() }

    private func context(
        _ certificate: String = "cert.pem",
        _ key: String = "key.pem"
    ) throws(TLSFault) -> TLSContext {
        try TLSContext(
            certificateFile: files.path(certificate),
            keyFile: files.path(key),
            protocols: ["http/1.1"]
        )
    }

    /// The sentence of the fault, without the folder.
    private func fault(_ certificate: String = "cert.pem", _ key: String = "key.pem") -> String {
        do throws(TLSFault) {
            _ = try context(certificate, key)
            return "none"
        } catch {
            return error.description.replacing(files.folder + "/", with: "")
        }
    }

    @Test func `is taken with its key`() throws { _ = try context() }

    @Test func `may come with those between it and the authority, and with its key`() throws {
        let all = try files.text("cert.pem") + files.text("ca.pem") + files.text("key.pem")
        try files.write("all.pem", all)
        _ = try context("all.pem", "all.pem")
    }

    @Test func `or key that is missing is told by its name`() {
        #expect(fault("none.pem") == "cannot read none.pem: No such file or directory")
        #expect(fault("cert.pem", "none.pem") == "cannot read none.pem: No such file or directory")
        #expect(fault(".") == "cannot read .: Is a directory")
    }

    @Test func `or key that is none is told by its name`() throws {
        try files.write("empty.pem", "")
        try files.write("words.pem", "words")
        try files.write(
            "broken.pem",
            try files.text("cert.pem").replacing("M", with: "*", maxReplacements: 1)
        )
        #expect(fault("empty.pem") == "empty.pem has no PEM certificate")
        #expect(fault("words.pem") == "words.pem has no PEM certificate")
        #expect(fault("key.pem") == "key.pem has no PEM certificate")
        #expect(fault("cert.pem", "cert.pem") == "cert.pem has no PEM private key")
        #expect(fault("cert.pem", "words.pem") == "words.pem has no PEM private key")
        #expect(fault("broken.pem").hasPrefix("certificate 1 in broken.pem is broken: "))
        try files.write("second.pem", try files.text("cert.pem") + files.text("broken.pem"))
        #expect(fault("second.pem").hasPrefix("certificate 2 in second.pem is broken: "))
    }

    @Test func `with the key of another is refused`() throws {
        try files.issue("other.pem", key: "other.key")
        #expect(
            fault("cert.pem", "other.key")
                == "the key in other.key does not belong to the first certificate in cert.pem"
        )
    }

    @Test func `with an encrypted key is refused, and nobody is asked for the passphrase`() throws {
        try files.openssl(["ec", "-in", "key.pem", "-aes256", "-passout", "pass:x", "-out", "e1"])
        try files.openssl([
            "pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:x", "-out", "e2",
        ])
        for name in ["e1", "e2"] {
            #expect(
                fault("cert.pem", name)
                    == "the key in \(name) is encrypted: give one without a passphrase"
            )
        }
    }

    @Test func `can be replaced`() throws {
        let reloadable = ReloadableContext(try context())
        try files.issue("new.pem", key: "new.key", commonName: "new")
        let new = try context("new.pem", "new.key")
        reloadable.replace(by: new)
        #expect(reloadable.current === new)
    }
}
