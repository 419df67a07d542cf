import CLinux
import Glibc

/// One number for each thread; zero until the thread sets it.
///
/// Source: pthread_getspecific(3), two loads on Linux.
package struct ThreadNumber: Sendable {
    private let key: pthread_key_t

    /// Makes a number of its own; there may be about a thousand in a program, and none is given back.
    package init() {
        var key = pthread_key_t()
        let status = unsafe pthread_key_create(&key, nil)
        precondition(status == 0, "the system has thread keys left")
        self.key = key
    }

    /// The calling thread's number.
    package var value: Int { Int(bitPattern: unsafe pthread_getspecific(key)) }

    /// Sets the calling thread's number.
    package func set(_ value: Int) {
        unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: value))
    }
}
