// One at a time at a path, among programs.

import CLinux
import Glibc

/// The right to decide what is at a path, which one program has at a time.
///
/// It is a lock on a file beside the path, which is made for it and removed while it is held. Who
/// waited for a file that was removed meanwhile holds nothing that counts, and begins again.
struct PathLock: ~Copyable {
    /// Others hold it for as long as binding takes: whoever has it for longer is no server.
    private static let patienceNanoseconds: UInt64 = 3_000_000_000
    private static let pauseNanoseconds: UInt64 = 5_000_000

    private let file: String
    private let descriptor: FileDescriptor

    /// Waits for the right, as long as others take to bind a socket, and runs `body` with it.
    ///
    /// Throws what it throws, `addressInUse` where another program does not let go of it, and
    /// `noSuchFile` where there is no folder, `accessDenied`, exhaustion.
    static func hold(_ path: String, _ body: () throws(Errno) -> Void) throws(Errno) {
        let lock = try PathLock(path)
        defer { lock.giveBack() }
        try body()
    }

    /// Source: flock(2).
    private init(_ path: String) throws(Errno) {
        file = path + ".moonlet-lock"
        let deadline = SystemTime.monotonicNanoseconds() + Self.patienceNanoseconds
        while true {
            let descriptor = try Self.open(file)
            guard try Self.take(descriptor) else {
                if SystemTime.monotonicNanoseconds() >= deadline { throw .addressInUse }
                Parker().park(until: SystemTime.monotonicNanoseconds() + Self.pauseNanoseconds)
                continue
            }
            if try descriptor.status().inode == Self.inode(at: file) {
                self.descriptor = descriptor
                return
            }
        }
    }

    /// Takes the lock; false where another has it.
    private static func take(_ descriptor: borrowing FileDescriptor) throws(Errno) -> Bool {
        let number = descriptor.number
        do throws(Errno) {
            try SystemCall.run { flock(number, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            guard error == .wouldBlock else { throw error }
            return false
        }
    }

    /// Removes the file while the lock is held and it is ours still; closing gives the lock back.
    ///
    /// A file with something in it is somebody else's, who happened to choose the name.
    private func giveBack() {
        guard let status = try? descriptor.status(), status.sizeBytes == 0 else { return }
        _ = unsafe unlink(file)
    }

    private static func open(_ path: String) throws(Errno) -> FileDescriptor {
        FileDescriptor(
            taking: try SystemCall.run {
                unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            }
        )
    }

    private static func inode(at path: String) -> UInt64? {
        var info = stat()
        return unsafe lstat(path, &info) == 0 ? UInt64(info.st_ino) : nil
    }
}
