// One blocking connection of a client command: written once, then read until the end.

import TLS

/// A way to the server, with TLS where the address asks for it; closed when it goes away.
struct Connection: ~Copyable {
    /// How long the handshake of TLS may wait for the server.
    private static let patienceMilliseconds = 5_000

    private let socket: ClientSocket
    private let address: ServerAddress
    private let secure: SecureChannel?

    /// Connects; makes the handshake of TLS.
    init(to address: ServerAddress, trusting authoritiesFile: String?) throws(CommandFailure) {
        var channel: SecureChannel?
        if address.isSecure {
            channel = try SecureChannel(host: address.host, trusting: authoritiesFile)
        }
        let socket = try ClientSocket(to: address)
        if let channel { try Self.shakeHands(channel, socket, address) }
        self.socket = socket
        self.address = address
        secure = channel
    }

    private static func shakeHands(
        _ channel: SecureChannel,
        _ socket: borrowing ClientSocket,
        _ address: ServerAddress
    ) throws(CommandFailure) {
        try socket.send(channel.hello())
        while channel.isHandshaking {
            let sealed = try socket.receive(within: patienceMilliseconds)
            if sealed.isEmpty { throw .insecure(address, "it closed the connection") }
            try open(sealed, channel, socket, address)
        }
    }

    /// Sends all of `bytes`.
    ///
    /// A server that answers early and closes is no failure here: its answer is still to be read.
    func write(_ bytes: [UInt8]) throws(CommandFailure) {
        guard let secure else { return try socket.send(bytes) }
        let sealed: [UInt8]
        do throws(TLSFault) {
            sealed = try secure.seal(bytes)
        } catch {
            throw .insecure(address, "\(error)")
        }
        try socket.send(sealed)
    }

    /// The next bytes; none at the end.
    ///
    /// Fails where nothing comes for `milliseconds`.
    func read(within milliseconds: Int) throws(CommandFailure) -> [UInt8] {
        guard let secure else { return try socket.receive(within: milliseconds) }
        while true {
            let plain = secure.takeOpened()
            if !plain.isEmpty || secure.hasEnded { return plain }
            let sealed = try socket.receive(within: milliseconds)
            // Anybody on the way could end the connection: only TLS can tell the answer's end.
            if sealed.isEmpty { throw .unreachable(address, "it closed the connection") }
            try Self.open(sealed, secure, socket, address)
        }
    }

    private static func open(
        _ sealed: [UInt8],
        _ channel: SecureChannel,
        _ socket: borrowing ClientSocket,
        _ address: ServerAddress
    ) throws(CommandFailure) {
        let (replies, fault) = channel.open(sealed)
        try socket.send(replies)
        if let fault { throw .insecure(address, fault) }
    }
}
