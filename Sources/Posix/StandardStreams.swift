import Glibc

/// Descriptors 0, 1 and 2, which every program takes for granted.
package enum StandardStreams {
    /// Opens `/dev/null` on those of them that are closed; to be called before anything else is opened.
    ///
    /// Else a file or a socket of ours would get the number, and what is meant for the log would go
    /// there. Source: open(2), "the lowest-numbered file descriptor not currently open".
    package static func openClosed() {
        for number in Int32(0)...2 where fcntl(number, F_GETFD) == -1 {
            // Where there is no /dev there is nothing better to do.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
