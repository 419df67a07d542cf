// Many clients at once, each as cheap as a socket can be.

import Glibc
import Posix

/// Connections to one server that a single thread holds, feeds and reads, thousands at a time.
///
/// Nothing here blocks but a connecting for which the server's queue has no room, and `join` never
/// gets so far ahead of the server.
final class Crowd {
    /// One connection, and the beginning of what came over it.
    struct Member {
        fileprivate(set) var socket: Int32
        fileprivate(set) var heard: [UInt8] = []
        fileprivate(set) var heardCount = 0
        /// Whether the server has closed its side, or all of it.
        fileprivate(set) var isOver = false

        /// What came, as text; of a long answer the beginning.
        var text: String { String(decoding: heard, as: UTF8.self) }
    }

    private(set) var members: [Member] = []
    private var room = [UInt8](repeating: 0, count: 65_536)
    private let port: UInt16
    private let watcher: Watcher?

    /// How many connections may wait to be accepted: well below the server's backlog of 1,024.
    private static let waitingMax = 256
    /// How much of what a member hears is kept.
    private static let heardMax = 8_192

    /// A crowd of nobody yet, and a connection that asks the server how many it has accepted.
    init(_ server: RunningServer) throws {
        port = server.port
        watcher = try Watcher(server)
        _ = Self.openFilesMax
    }

    /// A crowd that nobody watches: it may be no larger than the server's backlog.
    init(port: UInt16) {
        self.port = port
        watcher = nil
        _ = Self.openFilesMax
    }

    /// How many descriptors this program may have, raised as far as it may be.
    private static let openFilesMax: Int = {
        let hard = (try? ResourceLimits.openFiles().hard) ?? 0
        try? ResourceLimits.setOpenFiles(hard)
        return hard
    }()

    /// As many as are wanted, or as the machine lets this program and a server have.
    static func size(_ wanted: Int) -> Int { min(wanted, openFilesMax - 2_000) }

    deinit { leave() }

    /// How many of them the server has not closed.
    var openCount: Int { members.count { !$0.isOver } }

    // MARK: Coming and going

    /// Lets so many more connect, each saying `opening` at once.
    ///
    /// `receiveBytes` is the room their kernel has for what they do not read, `source` the last byte
    /// of the address 127.0.0.x that they come from.
    func join(
        _ count: Int,
        saying opening: [UInt8] = [],
        receiveBytes: Int32? = nil,
        source: UInt8 = 1
    ) throws {
        members.reserveCapacity(members.count + count)
        let before = try watcher?.accepted() ?? 0
        for number in 0..<count {
            try connect(opening, receiveBytes, source)
            if (number + 1) % Self.waitingMax == 0 {
                try watcher?.waitForAccepted(before + number + 1)
            }
        }
        try watcher?.waitForAccepted(before + count)
    }

    /// So many connect, say `opening` and are reset, most of them before they are accepted.
    ///
    /// `body` runs while the server takes them.
    func flood(_ count: Int, saying opening: [UInt8], _ body: () throws -> Void) throws {
        precondition(count <= Self.waitingMax, "more than may wait")
        let before = try watcher?.accepted() ?? 0
        for _ in 0..<count { try connect(opening, nil, 1) }
        abort()
        try body()
        try watcher?.waitForAccepted(before + count)
    }

    private func connect(_ opening: [UInt8], _ receiveBytes: Int32?, _ source: UInt8) throws {
        let socket = try Self.connected(port, receiveBytes, source)
        members.append(Member(socket: socket))
        if !opening.isEmpty { send(opening, from: members.count - 1) }
    }

    private static func connected(
        _ port: UInt16,
        _ receiveBytes: Int32?,
        _ source: UInt8
    ) throws -> Int32 {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Errno(errno) }
        if var receiveBytes {
            setsockopt(number, SOL_SOCKET, SO_RCVBUF, &receiveBytes, socklen_t(4))
        }
        guard source == 1 || call(bind, number, source, 0) == 0,
            call(Glibc.connect, number, 1, port) == 0
        else {
            let error = Errno(errno)
            close(number)
            throw error
        }
        return number
    }

    /// Makes a call about 127.0.0.x and a port.
    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32,
        _ number: Int32,
        _ last: UInt8,
        _ port: UInt16
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = (0x7F00_0000 | UInt32(last)).bigEndian
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// All close their sockets, those with unread bytes by a reset.
    func leave() {
        for member in members { close(member.socket) }
        members = []
    }

    /// All go without a goodbye.
    func abort() {
        var value = linger(l_onoff: 1, l_linger: 0)
        for member in members {
            setsockopt(
                member.socket,
                SOL_SOCKET,
                SO_LINGER,
                &value,
                socklen_t(MemoryLayout<linger>.size)
            )
        }
        leave()
    }

    // MARK: Talking

    /// Each that is not over says so much, as far as its socket takes it.
    func send(_ bytes: [UInt8]) {
        for index in members.indices where !members[index].isOver { send(bytes, from: index) }
    }

    private func send(_ bytes: [UInt8], from index: Int) {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        _ = Glibc.send(members[index].socket, bytes, bytes.count, flags)
    }

    /// Each that is not over reads what has come, at most so many bytes.
    func read(atMost count: Int = 65_536) {
        let wanted = min(count, room.count)
        for index in members.indices where !members[index].isOver {
            let got = recv(members[index].socket, &room, wanted, Int32(MSG_DONTWAIT))
            if got > 0 {
                let kept = min(got, Self.heardMax - members[index].heard.count)
                members[index].heard += room[..<kept]
                members[index].heardCount += got
            } else if got == 0 || errno != EAGAIN {
                members[index].isOver = true
            }
        }
    }
}

/// A connection that asks the server how many it has accepted.
private final class Watcher {
    private let connection: RawConnection

    init(_ server: RunningServer) throws { connection = try RawConnection(server) }

    func accepted() throws -> Int {
        let name = "moonlet_http_connections_accepted_total "
        let lines = try connection.request("GET", "/metrics").text.split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }),
            let value = Int(line.dropFirst(name.count))
        else { throw ServerTrouble(description: "/metrics has no count of accepts") }
        return value
    }

    func waitForAccepted(_ wanted: Int) throws {
        let came = try waitFor(seconds: 30) { try accepted() >= wanted ? true : nil }
        if came != true { throw ServerTrouble(description: "never accepted \(wanted)") }
    }
}
