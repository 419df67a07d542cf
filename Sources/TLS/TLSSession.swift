// One connection's TLS, as a machine over bytes: sealed ones in, plain ones out, and back.
//
// It holds no socket and no clock. Buffers are lent for each call; a session keeps only what the
// library needs of an unfinished record.

import COpenSSL

/// TLS on one connection; for one thread at a time.
@safe
package final class TLSSession {
    /// What became of sealed bytes.
    package enum Received: Equatable, Sendable {
        /// All were taken; more are needed to go on.
        case needsMore
        /// The peer has said that it sends no more.
        case ended
        /// This is no TLS, or not to our terms; an alert may be among the replies.
        case failed(TLSFault)
    }

    private let handle: OpaquePointer
    private let wire = TLSWire()
    /// Keeps alive what the library's callbacks use.
    private let context: TLSContext
    private var hasFailed = false

    /// The server's side of a new connection; nil where memory is short.
    package init?(_ context: TLSContext) {
        precondition(!context.isClient, "a client says whom it connects to")
        guard let made = unsafe Self.open(context, wire) else { return nil }
        self.context = context
        unsafe handle = made
        unsafe SSL_set_accept_state(made)
    }

    /// The client's side of a new connection to `host`, whose certificate must name it.
    ///
    /// Nil where memory is short, or for a host that is no name and no address.
    package init?(_ context: TLSContext, host: String) {
        precondition(context.isClient, "a server does not connect")
        guard let made = unsafe Self.open(context, wire) else { return nil }
        self.context = context
        unsafe handle = made
        unsafe SSL_set_connect_state(made)
        // Addresses are compared with the certificate's addresses, and are not sent as a server
        // name (RFC 6066, 3).
        let rules = unsafe SSL_get0_param(made)
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1 { return }
        ErrorQueue.clear()
        guard unsafe SSL_set1_host(made, host) == 1,
            unsafe co_set_server_name(made, host) == 1
        else { return nil }
    }

    private static func open(_ context: TLSContext, _ wire: TLSWire) -> OpaquePointer? {
        ErrorQueue.clear()
        guard let handle = unsafe SSL_new(context.handle) else { return nil }
        guard let bio = unsafe wire.makeBIO() else {
            unsafe SSL_free(handle)
            return nil
        }
        // SAFETY: one reference to the BIO, which the handle owns from now on for both directions.
        unsafe SSL_set_bio(handle, bio, bio)
        return unsafe handle
    }

    deinit { unsafe SSL_free(handle) }

    /// Whether the peer has something to say before plain bytes can be sent.
    package var isHandshaking: Bool {
        let isFinished = unsafe SSL_is_init_finished(handle) != 0
        return !isFinished && !hasFailed
    }

    /// Whether the peer has said that it sends no more.
    package var hasEnded: Bool {
        unsafe SSL_get_shutdown(handle) & SSL_RECEIVED_SHUTDOWN != 0
    }

    /// The name that ALPN settled on; nil before that, and where the client offered none.
    package var negotiatedProtocol: String? {
        var (name, count): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
        unsafe SSL_get0_alpn_selected(handle, &name, &count)
        guard count > 0 else { return nil }
        // SAFETY: the name lives as long as the handle.
        return unsafe String(
            decoding: UnsafeBufferPointer(start: name, count: Int(count)),
            as: UTF8.self
        )
    }

    /// Appends the client's first message to `sealed`.
    package func begin(into sealed: inout [UInt8]) {
        lending(&sealed) { _ = unsafe SSL_do_handshake(handle) }
    }

    /// Takes sealed bytes that came, all of them.
    ///
    /// Plain bytes are handed to `take`, a record (16 KiB) at a time at most, through `room`. What has
    /// to be sent for it (handshake, alerts) is appended to `replies`.
    package func receive(
        _ bytes: UnsafeRawBufferPointer,
        replies: inout [UInt8],
        room: UnsafeMutableRawBufferPointer,
        _ take: (UnsafeRawBufferPointer) -> Void
    ) -> Received {
        // SAFETY: the caller's bytes are lent for this call, and the wire forgets them at its end.
        unsafe wire.input = bytes
        defer { unsafe wire.input = UnsafeRawBufferPointer(start: nil, count: 0) }
        return lending(&replies) {
            while true {
                ErrorQueue.clear()
                let count = unsafe SSL_read(handle, room.baseAddress, Int32(room.count))
                guard count <= 0 else {
                    // SAFETY: the library has filled that many bytes of the room.
                    unsafe take(UnsafeRawBufferPointer(rebasing: room[..<Int(count)]))
                    continue
                }
                switch unsafe SSL_get_error(handle, count) {
                case SSL_ERROR_WANT_READ: return .needsMore
                case SSL_ERROR_ZERO_RETURN: return .ended
                default:
                    hasFailed = true
                    return .failed(TLSFault(reason()))
                }
            }
        }
    }

    /// Appends plain bytes to `sealed` as records; not while handshaking.
    ///
    /// Throws where the session has failed.
    package func send(
        _ bytes: UnsafeRawBufferPointer,
        into sealed: inout [UInt8]
    ) throws(TLSFault) {
        precondition(!isHandshaking, "there are no keys yet")
        // Nothing to write would be an error of the library.
        guard bytes.count > 0 else { return }
        if hasFailed { throw TLSFault("the session has failed") }
        let count = lending(&sealed) {
            ErrorQueue.clear()
            var written = 0
            // SAFETY: the caller's bytes are valid for their count while we run.
            return unsafe SSL_write_ex(handle, bytes.baseAddress, bytes.count, &written) == 1
                ? written : -1
        }
        // The wire takes everything, so there are no partial writes.
        guard count == bytes.count else { throw TLSFault(reason()) }
    }

    /// Appends the word that no more will be sent (close_notify); once, and not while handshaking.
    package func close(into sealed: inout [UInt8]) {
        guard !hasFailed, !isHandshaking, unsafe SSL_get_shutdown(handle) & SSL_SENT_SHUTDOWN == 0
        else {
            return
        }
        lending(&sealed) {
            unsafe SSL_shutdown(handle)
            ErrorQueue.clear()
        }
    }

    /// Runs `body` while the wire appends to `sealed`.
    private func lending<Value>(_ sealed: inout [UInt8], _ body: () -> Value) -> Value {
        swap(&wire.output, &sealed)
        defer { swap(&wire.output, &sealed) }
        return body()
    }

    /// What is wrong with the certificate of the other side; nil where nothing is, or none came.
    package var distrust: String? {
        let verdict = unsafe SSL_get_verify_result(handle)
        guard context.isClient, verdict != Int(X509_V_OK) else { return nil }
        // SAFETY: a constant string of the library.
        return unsafe X509_verify_cert_error_string(verdict).map { unsafe String(cString: $0) }
    }

    /// Why the last call failed.
    private func reason() -> String {
        let reason = ErrorQueue.takeReason()
        return distrust ?? reason
    }
}
