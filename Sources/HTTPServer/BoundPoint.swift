// Listening: from a place to sockets in the loops.

import Posix

/// A place that is listened at.
struct BoundPoint: Sendable {
    /// With the port the kernel picked.
    let point: ListenPoint
    /// Nil where only this machine can reach it.
    var address: SocketAddress?
    /// What is to be removed at the end.
    var file: SocketFile?

    /// Listens, and hands each loop's socket to `listen` with whether it is an Internet one.
    ///
    /// An Internet address has a socket for each loop, where there are several. At other places
    /// all loops ask one socket: a connection wakes all that wait, and one gets it.
    init(
        _ wanted: ListenPoint,
        loops: [EventLoop],
        listen: (EventLoop, consuming FileDescriptor, _ isInternet: Bool) throws(Errno) -> Void
    ) throws(Errno) {
        switch wanted {
        case .address(var address):
            for (index, loop) in loops.enumerated() {
                let socket = try FileDescriptor.listening(on: address, sharedPort: loops.count > 1)
                // The first socket picks the port where 0 was asked for; the others share it.
                if index == 0 { address = try socket.localAddress() }
                try listen(loop, socket, true)
            }
            point = .address(address)
            self.address = address
        case .unix(let path, let mode):
            let socket = try FileDescriptor.listening(atPath: path, mode: mode)
            point = wanted
            file = SocketFile(path: path)
            do throws(Errno) {
                for loop in loops { try listen(loop, try socket.duplicate(), false) }
            } catch {
                file?.remove()
                throw error
            }
        case .inherited(let number):
            let kind = try InheritedSocket(number)
            let socket = try FileDescriptor.inherited(number)
            point = wanted
            if case .internet(let bound) = kind { address = bound }
            for loop in loops { try listen(loop, try socket.duplicate(), address != nil) }
        }
    }
}
