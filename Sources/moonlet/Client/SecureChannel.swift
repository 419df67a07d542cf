import TLS

/// TLS of one client connection, between arrays of bytes.
final class SecureChannel {
    private let session: TLSSession
    private var opened: [UInt8] = []

    /// For a server whose certificate must name `host`, by an authority of the system or of a file.
    ///
    /// Fails with a usage error where the file cannot be used.
    init(host: String, trusting authoritiesFile: String?) throws(CommandFailure) {
        do throws(TLSFault) {
            let context = try TLSContext(trusting: authoritiesFile)
            guard let session = TLSSession(context, host: host) else {
                throw TLSFault("\(host) is no name that a certificate could have")
            }
            self.session = session
        } catch {
            throw .usage("\(error)")
        }
    }

    var isHandshaking: Bool { session.isHandshaking }
    /// Whether the server has said that it sends no more.
    var hasEnded: Bool { session.hasEnded }

    /// What to send first.
    func hello() -> [UInt8] {
        var sealed: [UInt8] = []
        session.begin(into: &sealed)
        return sealed
    }

    func seal(_ plain: [UInt8]) throws(TLSFault) -> [UInt8] {
        var sealed: [UInt8] = []
        try unsafe plain.withUnsafeBufferPointer { plain throws(TLSFault) in
            // SAFETY: the array lives during the call.
            try unsafe session.send(UnsafeRawBufferPointer(plain), into: &sealed)
        }
        return sealed
    }

    /// Takes what came; answers what is to be sent for it, and what is wrong where something is.
    func open(_ sealed: [UInt8]) -> (replies: [UInt8], fault: String?) {
        var replies: [UInt8] = []
        let received = unsafe sealed.withUnsafeBytes { bytes in
            unsafe withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { room in
                // SAFETY: both buffers live during the call.
                unsafe session.receive(bytes, replies: &replies, room: room) {
                    unsafe opened.append(contentsOf: $0)
                }
            }
        }
        guard case .failed(let fault) = received else { return (replies, nil) }
        let hint = session.distrust == nil ? "" : ". Say whom to trust with --ca-file."
        return (replies, "\(fault)\(hint)")
    }

    /// What was opened and not taken yet.
    func takeOpened() -> [UInt8] {
        defer { opened = [] }
        return opened
    }
}
