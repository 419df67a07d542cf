// What went wrong, as a sentence.

import COpenSSL

/// Why a certificate cannot be used, or why a connection is none.
package struct TLSFault: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// The calling thread's queue of OpenSSL errors.
///
/// It must be empty before a call whose outcome `SSL_get_error` is asked about. Source:
/// SSL_get_error(3).
enum ErrorQueue {
    static func clear() { ERR_clear_error() }

    /// Empties the queue; answers the first reason in it, which is nearest to the cause.
    static func takeReason() -> String {
        let code = ERR_get_error()
        clear()
        // SAFETY: the reasons are constant strings of the library.
        guard code != 0, let text = unsafe ERR_reason_error_string(code) else {
            return "unknown error"
        }
        return unsafe String(cString: text)
    }
}
