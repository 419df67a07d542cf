// Certificates and keys as people keep them: PEM files.

import COpenSSL
import Posix

/// The content of a PEM file, and what is wrong with it, told by the file's name.
struct PEMFile {
    private static let bytesMax = 1 << 20

    private let path: String
    private let bytes: [UInt8]

    init(_ path: String) throws(TLSFault) {
        self.path = path
        do throws(Errno) {
            let content = try FileDescriptor.reading(path: path).readToEnd(bytesMax: Self.bytesMax)
            // The library takes no pointer to nothing.
            bytes = content.isEmpty ? [0x0A] : content
        } catch {
            throw TLSFault("cannot read \(path): \(error.message)")
        }
    }

    /// Hands out each certificate in the file's order; they are lent for the call.
    ///
    /// Throws where there is none, and what `body` throws.
    func certificates(
        _ body: (OpaquePointer) throws(TLSFault) -> Void
    ) throws(TLSFault) {
        try unsafe reading { bio throws(TLSFault) in
            var count = 0
            // SAFETY: each certificate is ours, and freed after the call.
            while let certificate = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
                count += 1
                defer { unsafe X509_free(certificate) }
                try unsafe body(certificate)
            }
            let reason = ErrorQueue.takeReason()
            // The end of the file is told as a missing start line.
            if reason == "no start line", count > 0 { return }
            if reason == "no start line" { throw TLSFault("\(path) has no PEM certificate") }
            throw TLSFault("certificate \(count + 1) in \(path) is broken: \(reason)")
        }
    }

    /// Hands out the private key, lent for the call.
    ///
    /// Throws where there is none, where it needs a passphrase, and what `body` throws.
    func privateKey(_ body: (OpaquePointer) throws(TLSFault) -> Void) throws(TLSFault) {
        try unsafe reading { bio throws(TLSFault) in
            var isEncrypted = false
            let key = unsafe withUnsafeMutablePointer(to: &isEncrypted) { flag in
                // Without this the library would ask at the terminal.
                // SAFETY: the flag outlives the call, which is the only one that uses it.
                unsafe PEM_read_bio_PrivateKey(
                    bio,
                    nil,
                    { _, _, _, flag in
                        unsafe flag?.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    },
                    flag
                )
            }
            let reason = ErrorQueue.takeReason()
            guard let key = unsafe key else {
                if isEncrypted {
                    throw TLSFault(
                        "the key in \(path) is encrypted: give one without a passphrase"
                    )
                }
                // The second is what the library says of a file in which it finds no key.
                if reason == "no start line" || reason == "unsupported" {
                    throw TLSFault("\(path) has no PEM private key")
                }
                throw TLSFault("the key in \(path) is broken: \(reason)")
            }
            defer { unsafe EVP_PKEY_free(key) }
            try unsafe body(key)
        }
    }

    private func reading(
        _ body: (OpaquePointer) throws(TLSFault) -> Void
    ) throws(TLSFault) {
        ErrorQueue.clear()
        // SAFETY: the BIO reads the array's bytes in place, and is freed before they go.
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(TLSFault) in
            let bio = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count))
            guard let bio = unsafe bio else { throw TLSFault("cannot read \(path): no memory") }
            defer { unsafe BIO_free(bio) }
            try unsafe body(bio)
        }
    }
}
