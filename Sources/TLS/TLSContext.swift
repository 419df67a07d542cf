// What connections of one kind share: certificate, key, rules.

import COpenSSL
import Posix

/// The rules and secrets for any number of sessions; immutable, safe to use from any thread.
///
/// Versions, ciphers and groups are OpenSSL's and the system's own (openssl.cnf), but at least TLS
/// 1.2. There is no renegotiation.
@safe
package final class TLSContext: @unchecked Sendable {
    // Sendable: the handle is changed in `init` only; making sessions of it is thread-safe (the
    // library's own locks).
    let handle: OpaquePointer
    /// ALPN names in wire form; the library's callback reads them (RFC 7301, 3.1).
    private let protocols: UnsafeMutableBufferPointer<UInt8>
    let isClient: Bool

    private init(client: Bool, protocols names: [String]) throws(TLSFault) {
        let method = client ? unsafe TLS_client_method() : unsafe TLS_server_method()
        guard let made = unsafe SSL_CTX_new(method) else {
            throw TLSFault("OpenSSL does not start: \(ErrorQueue.takeReason())")
        }
        unsafe handle = made
        isClient = client
        let wire = names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        unsafe protocols = .allocate(capacity: wire.count)
        _ = unsafe protocols.initialize(from: wire)
        unsafe co_set_modes(made)
        guard unsafe co_require_tls12(made) == 1 else {
            throw TLSFault("OpenSSL cannot speak TLS 1.2: \(ErrorQueue.takeReason())")
        }
    }

    deinit {
        unsafe SSL_CTX_free(handle)
        unsafe protocols.deallocate()
    }

    // MARK: Servers

    /// For a server that shows the certificates of one file, the first being its own, and has the
    /// private key of another; both PEM.
    ///
    /// `protocols` are the ALPN names it speaks, the best first; a client that speaks none of them is
    /// refused, one that names none is not. Throws what is wrong with which file.
    package convenience init(
        certificateFile: String,
        keyFile: String,
        protocols: [String]
    ) throws(TLSFault) {
        try self.init(client: false, protocols: protocols)
        let chain = try PEMFile(certificateFile)
        let secret = try PEMFile(keyFile)
        var isFirst = true
        try unsafe chain.certificates { certificate throws(TLSFault) in
            let status: Int32
            if isFirst {
                unsafe status = SSL_CTX_use_certificate(handle, certificate)
            } else {
                unsafe status = co_add_chain_certificate(handle, certificate)
            }
            isFirst = false
            guard status == 1 else {
                throw TLSFault("cannot use \(certificateFile): \(ErrorQueue.takeReason())")
            }
        }
        try unsafe secret.privateKey { key throws(TLSFault) in
            // SAFETY: lent by the context, which has one since the loop above ended well.
            let certificate = unsafe SSL_CTX_get0_certificate(handle)
            guard unsafe X509_check_private_key(certificate, key) == 1 else {
                ErrorQueue.clear()
                throw TLSFault(
                    "the key in \(keyFile) does not belong to the first certificate in "
                        + certificateFile
                )
            }
            guard unsafe SSL_CTX_use_PrivateKey(handle, key) == 1 else {
                throw TLSFault("cannot use \(keyFile): \(ErrorQueue.takeReason())")
            }
        }
        unsafe SSL_CTX_set_alpn_select_cb(
            handle,
            { _, chosen, chosenCount, offered, offeredCount, context in
                guard let context = unsafe context else { return SSL_TLSEXT_ERR_NOACK }
                // SAFETY: the argument is the context below, which every session keeps alive.
                return unsafe Unmanaged<TLSContext>.fromOpaque(context).takeUnretainedValue()
                    .choose(chosen, chosenCount, from: offered, offeredCount)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func choose(
        _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ chosenCount: UnsafeMutablePointer<UInt8>?,
        from offered: UnsafePointer<UInt8>?,
        _ offeredCount: UInt32
    ) -> Int32 {
        var name: UnsafeMutablePointer<UInt8>?
        // SAFETY: the library lends its pointers for the call; the name chosen lies in one of the
        // two lists, which both outlive the handshake.
        let status = unsafe SSL_select_next_proto(
            &name,
            chosenCount,
            protocols.baseAddress,
            UInt32(protocols.count),
            offered,
            offeredCount
        )
        guard status == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        unsafe chosen?.pointee = unsafe name.map { unsafe UnsafePointer($0) }
        return SSL_TLSEXT_ERR_OK
    }

    // MARK: Clients

    /// For a client that trusts the system's authorities, or those in a PEM file only.
    package convenience init(trusting authoritiesFile: String?) throws(TLSFault) {
        try self.init(client: true, protocols: [])
        unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
        guard let authoritiesFile else {
            // A system without any trusts nobody: each connection then says so.
            unsafe SSL_CTX_set_default_verify_paths(handle)
            ErrorQueue.clear()
            return
        }
        let store = unsafe SSL_CTX_get_cert_store(handle)
        try unsafe PEMFile(authoritiesFile).certificates { certificate throws(TLSFault) in
            guard unsafe X509_STORE_add_cert(store, certificate) == 1 else {
                throw TLSFault("cannot use \(authoritiesFile): \(ErrorQueue.takeReason())")
            }
        }
    }
}
