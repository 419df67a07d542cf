import Foundation
import Glibc
import Synchronization
import Testing

@testable import Posix

/// A folder for sockets, gone with this object.
private final class SocketFolder {
    let path: String

    init() throws {
        // Short: a socket's path has 107 bytes.
        path = "/tmp/ml-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A value that threads share.
private final class Locked<Value: Sendable>: Sendable {
    private let held: Mutex<Value>
    init(_ value: Value) { held = Mutex(value) }
    var value: Value { held.withLock { $0 } }
    func update(_ body: (inout Value) -> Void) { held.withLock { body(&$0) } }
}

private func bits(_ path: String) -> UInt32 {
    var info = stat()
    return lstat(path, &info) == 0 ? UInt32(info.st_mode) & 0o7777 : 0
}

@Suite struct `A socket at a path` {
    /// Opens a socket and closes it again.
    private func listen(_ path: String) throws {
        _ = try FileDescriptor.listening(atPath: path, mode: 0o600)
    }

    private func accepts(_ listener: borrowing FileDescriptor) throws -> Bool {
        guard let accepted = try listener.accept() else { return false }
        return accepted.peer == nil
    }

    private let folder: SocketFolder
    private var path: String { folder.path + "/s" }

    init() throws { folder = try SocketFolder() }

    @Test(arguments: [0o600, 0o660, 0o666] as [UInt32])
    func `has the permission bits it was given, and takes connections`(mode: UInt32) throws {
        let listener = try FileDescriptor.listening(atPath: path, mode: mode)
        #expect(bits(path) == mode)
        let client = try FileDescriptor.connected(toPath: path, timeoutMilliseconds: 1_000)
        guard let accepted = try listener.accept() else {
            Issue.record("nothing to accept")
            return
        }
        #expect(accepted.peer == nil)
        _ = try Array("hello".utf8).withUnsafeBytes { try client.send($0) }
        let server = accepted.take()
        #expect(try server.waitReadable(timeoutMilliseconds: 5_000))
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(try buffer.withUnsafeMutableBytes { try server.read(into: $0) } == .bytes(5))
    }

    @Test func `takes the place of one whose server is gone`() throws {
        try listen(path)
        #expect(throws: Errno.connectionRefused) {
            _ = try FileDescriptor.connected(toPath: path, timeoutMilliseconds: 1_000)
        }
        let listener = try FileDescriptor.listening(atPath: path, mode: 0o600)
        let client = try FileDescriptor.connected(toPath: path, timeoutMilliseconds: 1_000)
        #expect(try accepts(listener))
        #expect(client.number >= 0)
    }

    @Test func `leaves a server alone, also one too busy to take connections`() throws {
        let listener = try FileDescriptor.listening(atPath: path, mode: 0o600, backlog: 0)
        for _ in 0..<3 {
            #expect(throws: Errno.addressInUse) { try listen(path) }
        }
        #expect(try accepts(listener))
    }

    //   first server         second server
    //   lock
    //   bind                 waits for the lock
    //   listen
    //   unlock               sees a server that listens
    @Test func `is not taken from a server that has bound it and does not listen yet`() throws {
        let path = self.path
        let lock = open(path + ".moonlet-lock", O_RDWR | O_CREAT, 0o600)
        #expect(flock(lock, LOCK_EX) == 0)
        let first = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(first) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(first, $0, size) }
        }
        #expect(bound == 0)
        let file = try #require(SocketFile(path: path))

        let outcome = Locked<Errno?>(nil)
        let second = PosixThread(name: "second") {
            do throws(Errno) {
                _ = try FileDescriptor.listening(atPath: path, mode: 0o600)
            } catch {
                outcome.update { $0 = error }
            }
        }
        try waitForLock(path + ".moonlet-lock")
        #expect(Glibc.listen(first, 8) == 0)
        unlink(path + ".moonlet-lock")
        close(lock)
        second.join()
        #expect(outcome.value == .addressInUse)
        #expect(SocketFile(path: path) == file)
    }

    /// Waits until another thread has the lock's file open: all it can do then is to wait.
    private func waitForLock(_ path: String) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
                .count {
                    (try? FileManager.default.destinationOfSymbolicLink(
                        atPath: "/proc/self/fd/\($0)"
                    )) == path
                }
            if open > 1 { return }
            sched_yield()
        }
        Issue.record("nobody waits for \(path)")
    }

    @Test func `is refused where another program keeps its lock`() throws {
        let lock = open(path + ".moonlet-lock", O_RDWR | O_CREAT, 0o600)
        #expect(flock(lock, LOCK_EX) == 0)
        #expect(throws: Errno.addressInUse) { try listen(path) }
        close(lock)
        try listen(path)
    }

    @Test func `is one server's, however many start at once where one died`() throws {
        let path = self.path
        for _ in 0..<50 {
            unlink(path)
            try listen(path)
            // The winner's socket lives until all have tried.
            let winners = Locked<[Int32]>([])
            let losers = Locked<[Errno]>([])
            let threads = (0..<4).map { _ in
                PosixThread(name: "starter") {
                    do throws(Errno) {
                        let socket = try FileDescriptor.listening(atPath: path, mode: 0o600)
                        let copy = dup(socket.number)
                        winners.update { $0.append(copy) }
                    } catch {
                        losers.update { $0.append(error) }
                    }
                }
            }
            for thread in threads { thread.join() }
            #expect(losers.value == Array(repeating: .addressInUse, count: 3))
            let client = try FileDescriptor.connected(toPath: path, timeoutMilliseconds: 1_000)
            #expect(client.number >= 0)
            for winner in winners.value { close(winner) }
        }
        #expect(access(path + ".moonlet-lock", F_OK) == -1)
    }

    @Test func `leaves a file alone that is none`() throws {
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: Errno.exists) { try listen(path) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test func `leaves a file alone that has the name of its lock`() throws {
        let lock = URL(fileURLWithPath: path + ".moonlet-lock")
        try Data("precious".utf8).write(to: lock)
        try listen(path)
        #expect(try String(contentsOf: lock, encoding: .utf8) == "precious")
    }

    @Test func `has a path that the kernel takes`() throws {
        let long = folder.path + "/" + String(repeating: "x", count: 107 - folder.path.utf8.count)
        #expect(throws: Errno.nameTooLong) { try listen(long) }
        let longest = String(long.dropLast())
        try listen(longest)
        #expect(bits(longest) == 0o600)
        #expect(throws: Errno.noSuchFile) { try listen(folder.path + "/none/s") }
        for path in ["", "a\0b"] {
            #expect(throws: Errno.invalidArgument) { try listen(path) }
        }
    }

    @Test func `is removed by its own server only`() throws {
        try listen(path)
        let old = try #require(SocketFile(path: path))
        // The old file keeps its inode, so that the new one gets another.
        try FileManager.default.moveItem(atPath: path, toPath: path + "old")
        let listener = try FileDescriptor.listening(atPath: path, mode: 0o600)
        old.remove()
        #expect(bits(path) == 0o600)
        try #require(SocketFile(path: path)).remove()
        #expect(SocketFile(path: path) == nil)
        #expect(listener.number >= 0)
    }
}

@Suite struct `An inherited socket` {
    private let folder: SocketFolder

    init() throws { folder = try SocketFolder() }

    @Test func `is told by what it is`() throws {
        let address = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
        let internet = try FileDescriptor.listening(on: address)
        #expect(try InheritedSocket(internet.number) == .internet(internet.localAddress()))
        let file = try FileDescriptor.listening(atPath: folder.path + "/s", mode: 0o600)
        #expect(try InheritedSocket(file.number) == .unix)
    }

    @Test func `that does not listen is refused`() throws {
        let address = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
        let listener = try FileDescriptor.listening(on: address)
        let client = try FileDescriptor.connected(
            to: listener.localAddress(),
            timeoutMilliseconds: 1_000
        )
        #expect(throws: Errno.invalidArgument) { try InheritedSocket(client.number) }
        let null = try FileDescriptor.reading(path: "/dev/null")
        #expect(throws: Errno.notSocket) { try InheritedSocket(null.number) }
        #expect(throws: Errno.badDescriptor) { try InheritedSocket(1_000_000) }
        #expect(throws: Errno.badDescriptor) { try InheritedSocket(-1) }
        let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(datagrams) }
        #expect(throws: Errno.invalidArgument) { try InheritedSocket(datagrams) }
    }

    @Test func `is taken over, nonblocking and not for children`() throws {
        let number = try FileDescriptor.listening(atPath: folder.path + "/s", mode: 0o600)
            .duplicate().leak()
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) & ~O_NONBLOCK)
        _ = fcntl(number, F_SETFD, 0)
        let taken = try FileDescriptor.inherited(number)
        #expect(taken.number == number)
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
        #expect(try taken.accept() == nil)
    }
}

extension FileDescriptor {
    /// The number of an open copy that nobody owns.
    fileprivate consuming func leak() -> Int32 { dup(number) }
}
