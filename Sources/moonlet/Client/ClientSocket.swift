import Posix

/// A blocking socket to a server, whose failures are sentences.
struct ClientSocket: ~Copyable {
    /// How long connecting and sending may take.
    private static let patienceMilliseconds: Int32 = 5_000

    private let socket: FileDescriptor
    private let address: ServerAddress

    /// Connects to the first of the host's addresses that answers, or to the path.
    init(to address: ServerAddress) throws(CommandFailure) {
        self.address = address
        do {
            socket = try Self.connect(address)
        } catch {
            throw .unreachable(address, Self.reason(error))
        }
    }

    private static func connect(_ address: ServerAddress) throws(Errno) -> FileDescriptor {
        if let path = address.path {
            return try .connected(toPath: path, timeoutMilliseconds: patienceMilliseconds)
        }
        var failure = Errno.hostNotFound
        for candidate in try SocketAddress.resolve(host: address.host, port: address.port) {
            do throws(Errno) {
                return try .connected(to: candidate, timeoutMilliseconds: patienceMilliseconds)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Sends all of `bytes`.
    ///
    /// A server that answers early and closes is no failure here: its answer is still to be read.
    func send(_ bytes: [UInt8]) throws(CommandFailure) {
        var sent = 0
        while sent < bytes.count {
            do throws(Errno) {
                let start = sent
                let transfer = try unsafe bytes.span.withUnsafeBytes { all throws(Errno) in
                    try unsafe socket.send(UnsafeRawBufferPointer(rebasing: all[start...]))
                }
                guard case .bytes(let count) = transfer else {
                    throw Errno.timedOut
                }
                sent += count
            } catch .brokenPipe {
                return
            } catch .connectionReset {
                return
            } catch {
                throw .unreachable(address, Self.reason(error))
            }
        }
    }

    /// The next bytes; none at the end.
    ///
    /// Fails where nothing comes for `milliseconds`.
    func receive(within milliseconds: Int) throws(CommandFailure) -> [UInt8] {
        do throws(Errno) {
            let timeout = Int32(clamping: milliseconds)
            guard try socket.waitReadable(timeoutMilliseconds: timeout) else {
                throw Errno.timedOut
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            var room = buffer.mutableSpan
            let transfer = try unsafe room.withUnsafeMutableBytes { bytes throws(Errno) in
                try unsafe socket.read(into: bytes)
            }
            guard case .bytes(let count) = transfer else { throw Errno.timedOut }
            buffer.removeLast(buffer.count - count)
            return buffer
        } catch {
            throw .unreachable(address, Self.reason(error))
        }
    }

    private static func reason(_ error: Errno) -> String {
        switch error {
        case .timedOut: "no answer in time"
        case .hostNotFound: "host not found"
        default: error.message.lowercased()
        }
    }
}
