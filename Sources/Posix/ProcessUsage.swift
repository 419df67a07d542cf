import CLinux
import Glibc

/// What this program uses of its machine, as its operating system says.
package struct ProcessUsage: Sendable {
    package var processorSeconds: Double = 0
    package var residentBytes = 0
    package var virtualBytes = 0
    package var openFiles = 0
    package var openFilesMax = 0
    package var threads = 0

    package init() {}

    /// What it uses now; what cannot be read stays zero.
    package static func now() -> ProcessUsage {
        var usage = ProcessUsage()
        usage.read(statistics: (try? contents(of: "/proc/self/stat")) ?? [])
        usage.openFiles = (try? openFiles(in: "/proc/self/fd")) ?? 0
        usage.openFilesMax = (try? ResourceLimits.openFiles().soft) ?? 0
        return usage
    }

    /// Reads the line of `/proc/pid/stat`.
    ///
    /// Source: proc_pid_stat(5); after the name, which is in brackets and may hold any of them, come
    /// utime and stime as the 12th and 13th field (clock ticks), num_threads as the 18th, vsize as the
    /// 21st (bytes) and rss as the 22nd (pages).
    mutating func read(statistics line: [UInt8]) {
        guard let bracket = line.lastIndex(of: UInt8(ascii: ")")) else { return }
        let fields = line[(bracket + 1)...].split(separator: UInt8(ascii: " ")).map {
            Int(String(decoding: $0, as: UTF8.self)) ?? 0
        }
        guard fields.count > 21 else { return }
        let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
        processorSeconds = Double(fields[11] + fields[12]) / ticks
        threads = fields[17]
        virtualBytes = fields[20]
        residentBytes = fields[21] * sysconf(Int32(_SC_PAGESIZE))
    }

    private static func contents(of path: String) throws(Errno) -> [UInt8] {
        let file = FileDescriptor(
            taking: try SystemCall.run { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        )
        return try file.readToEnd(bytesMax: 4_096)
    }

    /// How many descriptors are open.
    ///
    /// Since Linux 6.2 the folder's size says it; before, its entries are counted.
    private static func openFiles(in path: String) throws(Errno) -> Int {
        var info = stat()
        try SystemCall.run { unsafe stat(path, &info) }
        if info.st_size > 0 { return Int(info.st_size) }
        // SAFETY: the stream is used and closed in this function only.
        guard let folder = unsafe opendir(path) else { return 0 }
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        // Itself, and the two dots.
        return count - 3
    }
}
