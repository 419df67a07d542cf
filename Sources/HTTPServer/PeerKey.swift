import Posix

/// Who a connection counts for: an IPv4 address, or an IPv6 /64, as one subscriber holds all of it.
///
/// Programs of this machine that come by a path have no address. They are many clients of one user, or
/// a proxy with clients of its own, so no limit for a peer holds for them (`isLimited`): the file's
/// permissions say who may, the limits in all say how much.
struct PeerKey: Hashable, Sendable {
    private let word: UInt64
    private let isIPv6: Bool
    /// Whether what it opens is limited beside what all open.
    let isLimited: Bool
    /// The whole address, for people: `127.0.0.1`, `2001:db8::1`; empty where there is none.
    let address: String

    init(_ address: SocketAddress?) {
        let bytes = address?.unmapped ?? []
        word = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        isIPv6 = bytes.count == 16
        isLimited = !bytes.isEmpty
        // An IPv4 address fits into a string without a block of memory.
        self.address = bytes.isEmpty ? "" : address?.unmappedHost ?? ""
    }

    static func == (left: PeerKey, right: PeerKey) -> Bool {
        left.word == right.word && left.isIPv6 == right.isIPv6
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(word)
        hasher.combine(isIPv6)
    }
}
