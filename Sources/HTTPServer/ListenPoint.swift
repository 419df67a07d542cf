// Where a server can be reached.

package import Posix

/// One place to listen at.
package enum ListenPoint: Sendable, Equatable, CustomStringConvertible {
    /// An Internet address; port 0 picks a free one.
    case address(SocketAddress)
    /// A socket at a path, with these permission bits; only this machine reaches it, never by TLS.
    case unix(path: String, mode: UInt32)
    /// A listening socket that another program left open under this number.
    case inherited(Int32)

    package var description: String {
        switch self {
        case .address(let address): "\(address)"
        case .unix(let path, _): "unix:\(path)"
        case .inherited(let number): "fd:\(number)"
        }
    }
}

/// Why a server does not start.
package struct ListenFault: Error, Equatable, CustomStringConvertible {
    /// Where it could not listen; nil where it had not come so far.
    package let point: ListenPoint?
    package let reason: Errno

    package init(_ point: ListenPoint?, _ reason: Errno) {
        self.point = point
        self.reason = reason
    }

    package var description: String {
        guard let point else { return "\(reason)" }
        return "cannot listen on \(point): \(why)"
    }

    private var why: String {
        switch (point, reason) {
        case (.unix, .addressInUse): "another server listens there"
        case (.unix, .exists): "there is a file that is no socket"
        case (.unix, .nameTooLong): "the path is longer than 107 bytes"
        case (.inherited, .badDescriptor): "nothing is open under that number"
        case (.inherited, .notSocket), (.inherited, .invalidArgument):
            "that is no socket that listens"
        default: "\(reason)"
        }
    }
}
