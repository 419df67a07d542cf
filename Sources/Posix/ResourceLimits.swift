// What the kernel lets this program have.

import Glibc

/// Limits of the whole program.
package enum ResourceLimits {
    private static let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    /// How many descriptors may be open: now, and how far `setOpenFiles` may go.
    ///
    /// Source: getrlimit(2), RLIMIT_NOFILE.
    package static func openFiles() throws(Errno) -> (soft: Int, hard: Int) {
        var limit = rlimit()
        try SystemCall.run { unsafe getrlimit(files, &limit) }
        return (Int(clamping: limit.rlim_cur), Int(clamping: limit.rlim_max))
    }

    /// Sets how many descriptors may be open; throws `invalidArgument` above the hard limit.
    package static func setOpenFiles(_ soft: Int) throws(Errno) {
        var limit = rlimit()
        limit.rlim_cur = rlim_t(clamping: soft)
        limit.rlim_max = rlim_t(clamping: try openFiles().hard)
        try SystemCall.run { unsafe setrlimit(files, &limit) }
    }
}
