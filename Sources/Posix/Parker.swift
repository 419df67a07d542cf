import CLinux
import Glibc

/// Where one thread waits until another wakes it: a token, as in java's LockSupport.
///
/// `unpark` leaves one token; `park` takes it, waiting until there is one. A token left before the
/// wait begins is not lost. Synchronization's Mutex has no condition variable, hence pthread's.
@safe
package final class Parker: @unchecked Sendable {
    // SAFETY: every access to `token` is between lock and unlock of `mutex`, both of which live in
    // memory that stays put until deinit.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var token = false

    package init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Leaves a token and wakes the thread that waits for one.
    package func unpark() {
        unsafe pthread_mutex_lock(mutex)
        token = true
        unsafe pthread_cond_signal(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits for a token and takes it.
    package func park() {
        unsafe pthread_mutex_lock(mutex)
        while !token { unsafe pthread_cond_wait(condition, mutex) }
        token = false
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits for a token until `deadline` (monotonic nanoseconds); takes it if it came.
    ///
    /// Returns whether there was one.
    @discardableResult
    package func park(until deadline: UInt64) -> Bool {
        var time = timespec()
        time.tv_sec = Int(deadline / 1_000_000_000)
        time.tv_nsec = Int(deadline % 1_000_000_000)
        unsafe pthread_mutex_lock(mutex)
        var status: Int32 = 0
        while !token && status != ETIMEDOUT {
            status = unsafe pthread_cond_timedwait(condition, mutex, &time)
        }
        let woken = token
        token = false
        unsafe pthread_mutex_unlock(mutex)
        return woken
    }
}
