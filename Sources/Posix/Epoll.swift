// epoll(7): the kernel's readiness list.

import CLinux
import Glibc

/// A `Poller` on Linux's epoll, level-triggered.
///
/// Source: epoll(7), epoll_ctl(2), epoll_wait(2).
@safe
package final class Epoll: Poller {
    private let descriptor: FileDescriptor
    private var ready: [epoll_event]

    /// Opens an instance whose `wait` brings up to `batch` events; throws exhaustion.
    package init(batch: Int = 256) throws(Errno) {
        descriptor = FileDescriptor(
            taking: try SystemCall.run { epoll_create1(Int32(O_CLOEXEC)) }
        )
        unsafe ready = [epoll_event](repeating: epoll_event(), count: batch)
    }

    package func add(_ token: PollToken, _ interest: Readiness) throws(Errno) {
        try control(EPOLL_CTL_ADD, token, interest)
    }

    package func change(_ token: PollToken, _ interest: Readiness) throws(Errno) {
        try control(EPOLL_CTL_MOD, token, interest)
    }

    package func remove(_ token: PollToken) throws(Errno) {
        try control(EPOLL_CTL_DEL, token, Readiness(rawValue: 0))
    }

    package func wait(
        _ events: inout [PollEvent],
        timeoutMilliseconds: Int32
    ) throws(Errno) {
        events.removeAll(keepingCapacity: true)
        let descriptor = descriptor.number
        // SAFETY: the kernel writes at most `count` events into the array.
        let count = unsafe ready.withUnsafeMutableBufferPointer { buffer in
            unsafe epoll_wait(
                descriptor,
                buffer.baseAddress,
                Int32(buffer.count),
                timeoutMilliseconds
            )
        }
        guard count >= 0 else {
            let error = Errno.current
            // Not tried again: the caller's clock says how long is left.
            if error == .interrupted { return }
            SystemCall.check(error)
            throw error
        }
        for index in 0..<Int(count) {
            let event = unsafe ready[index]
            events.append(
                PollEvent(
                    token: PollToken(word: unsafe event.data.u64),
                    readiness: Self.readiness(unsafe event.events)
                )
            )
        }
    }

    private func control(
        _ operation: Int32,
        _ token: PollToken,
        _ interest: Readiness
    ) throws(Errno) {
        var event = unsafe epoll_event()
        unsafe event.events = Self.bits(interest)
        unsafe event.data.u64 = token.word
        let descriptor = descriptor.number
        try SystemCall.run { unsafe epoll_ctl(descriptor, operation, token.descriptor, &event) }
    }

    private static func bits(_ interest: Readiness) -> UInt32 {
        (interest.contains(.readable) ? cl_epoll_in : 0)
            | (interest.contains(.writable) ? cl_epoll_out : 0)
            | (interest.contains(.peerHungUp) ? cl_epoll_rdhup : 0)
    }

    private static func readiness(_ bits: UInt32) -> Readiness {
        // Not `[]`, which makes one by way of an unspecialised collection, on every event.
        var readiness = Readiness(rawValue: 0)
        if bits & cl_epoll_in != 0 { readiness.insert(.readable) }
        if bits & cl_epoll_out != 0 { readiness.insert(.writable) }
        if bits & cl_epoll_rdhup != 0 { readiness.insert(.peerHungUp) }
        if bits & (cl_epoll_hup | cl_epoll_err) != 0 { readiness.insert(.closed) }
        return readiness
    }
}
