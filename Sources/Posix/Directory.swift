// A folder whose files can be opened, and nothing outside it.

import CLinux
import Glibc

/// An open directory: names are resolved beneath it, whatever they contain.
@safe
package struct Directory: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    /// Tests turn this off to run the fallback.
    private let usesOpenat2: Bool

    /// Opens a folder; throws `noSuchFile`, `notDirectory`, `accessDenied`.
    package init(path: String, usesOpenat2: Bool = true) throws(Errno) {
        descriptor = FileDescriptor(
            taking: try SystemCall.run {
                unsafe Glibc.open(path, cl_o_path | O_DIRECTORY | O_CLOEXEC)
            }
        )
        self.usesOpenat2 = usesOpenat2
    }

    /// Opens a file beneath the folder for reading.
    ///
    /// Symbolic links are followed as long as they stay beneath the folder. A path that leaves it,
    /// by `..`, by a link or by being absolute, throws `crossDevice`. Never blocks on a FIFO.
    ///
    /// Where the kernel (before 5.6) or a seccomp filter refuses openat2, the path is walked name
    /// by name with O_NOFOLLOW: then every link is refused (`symbolicLinkLoop` or `notDirectory`).
    /// Source: openat2(2).
    package func open(beneath path: String) throws(Errno) -> FileDescriptor {
        guard !path.utf8.contains(0) else { throw .invalidArgument }
        if usesOpenat2 {
            do {
                return try openat2(path)
            } catch {
                // EPERM is what seccomp filters that do not know the call answer.
                guard error == .notImplemented || error == .notPermitted else { throw error }
            }
        }
        return try walk(path)
    }

    private static let fileFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
    private static let folderFlags = cl_o_path | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW

    private func openat2(_ path: String) throws(Errno) -> FileDescriptor {
        let resolve = UInt64(RESOLVE_BENEATH) | UInt64(RESOLVE_NO_MAGICLINKS)
        // RESOLVE_BENEATH may answer EAGAIN when a rename races with it: bounded tries.
        for _ in 0..<8 {
            do {
                return FileDescriptor(
                    taking: try SystemCall.run {
                        unsafe cl_openat2(
                            descriptor.number,
                            path,
                            UInt64(Self.fileFlags),
                            0,
                            resolve
                        )
                    }
                )
            } catch {
                guard error == .wouldBlock else { throw error }
            }
        }
        throw .wouldBlock
    }

    private func walk(_ path: String) throws(Errno) -> FileDescriptor {
        let names = path.split(separator: "/")
        guard !path.hasPrefix("/"), !names.contains("..") else { throw .crossDevice }
        guard let last = names.last else { throw .isDirectory }
        var folder = try Self.step(descriptor.number, ".", Self.folderFlags)
        for name in names.dropLast() {
            folder = try Self.step(folder.number, String(name), Self.folderFlags)
        }
        return try Self.step(folder.number, String(last), Self.fileFlags | O_NOFOLLOW)
    }

    private static func step(
        _ folder: Int32,
        _ name: String,
        _ flags: Int32
    ) throws(Errno) -> FileDescriptor {
        FileDescriptor(taking: try SystemCall.run { unsafe openat(folder, name, flags) })
    }
}

/// What the file system says of an open file.
package struct FileStatus: Sendable, Equatable {
    package let isRegular: Bool
    package let isDirectory: Bool
    package let sizeBytes: Int
    package let modifiedNanoseconds: Int64
    package let inode: UInt64
}

extension FileDescriptor {
    /// Asks the file system about the open file; source: fstat(2).
    package func status() throws(Errno) -> FileStatus {
        var info = stat()
        try SystemCall.run { unsafe fstat(number, &info) }
        let modified = info.st_mtim
        return FileStatus(
            isRegular: info.st_mode & S_IFMT == S_IFREG,
            isDirectory: info.st_mode & S_IFMT == S_IFDIR,
            sizeBytes: Int(info.st_size),
            modifiedNanoseconds: Int64(modified.tv_sec) &* 1_000_000_000 &+ Int64(modified.tv_nsec),
            inode: UInt64(info.st_ino)
        )
    }

    /// Reads to the end; throws `fileTooLarge` once there are more than `bytesMax`.
    package func readToEnd(bytesMax: Int) throws(Errno) -> [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(min(bytesMax, max(0, try status().sizeBytes)))
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let transfer = try unsafe chunk.withUnsafeMutableBufferPointer { buffer throws(Errno) in
                try unsafe read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            guard case .bytes(let count) = transfer, count > 0 else { return content }
            guard content.count + count <= bytesMax else { throw .fileTooLarge }
            content.append(contentsOf: chunk[..<count])
        }
    }
}
