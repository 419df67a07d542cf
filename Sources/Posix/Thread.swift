import CLinux
import Glibc

/// A plain OS thread with a stack of its own size.
///
/// Runs one closure and ends. Workers need 8 MiB and a guard page (the pthread default keeps one):
/// nested C calls of liblua use up to 512 KiB.
package struct PosixThread: Sendable {
    private let handle: pthread_t

    /// Starts a thread, which the system must allow.
    ///
    /// `name` is cut to 15 bytes, the kernel's limit. All signals but SIGURG are blocked in it, so
    /// that termination signals reach the thread that waits for them.
    package init(
        name: String,
        stackBytes: Int = 8 << 20,
        _ body: @escaping @Sendable () -> Void
    ) {
        guard let started = PosixThread(ifAllowed: name, stackBytes: stackBytes, body) else {
            preconditionFailure("the system refuses a thread: raise its limit on processes")
        }
        self = started
    }

    /// Starts a thread; nil when the system refuses one more.
    package init?(
        ifAllowed name: String,
        stackBytes: Int = 8 << 20,
        _ body: @escaping @Sendable () -> Void
    ) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, stackBytes)
        let box = unsafe Unmanaged.passRetained(Body(name: name, run: body))
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            &attributes,
            { raw in
                guard let raw = unsafe raw else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(raw).takeRetainedValue()
                PosixThread.prepare(named: body.name)
                body.run()
                return nil
            },
            box.toOpaque()
        )
        unsafe pthread_attr_destroy(&attributes)
        guard status == 0 else {
            unsafe box.release()
            return nil
        }
        handle = thread
    }

    /// Waits until the thread's closure has returned.
    package func join() {
        pthread_join(handle, nil)
    }

    private static func prepare(named name: String) {
        let short = String(decoding: name.utf8.prefix(15), as: UTF8.self)
        unsafe cl_name_this_thread(short)
        var mask = sigset_t()
        unsafe sigfillset(&mask)
        unsafe sigdelset(&mask, SIGURG)
        for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF] {
            unsafe sigdelset(&mask, fault)
        }
        unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
    }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
}

/// The processors this program may use.
package enum Processors {
    /// How many CPUs we may keep busy: those the scheduler may place us on, but no more than the
    /// control groups give us time for; at least one.
    ///
    /// Source: sched_getaffinity(2), and `ProcessorQuota`.
    package static var allowed: Int {
        let placed = Int(cl_allowed_processors())
        let timed = ProcessorQuota.processors { path in
            (try? FileDescriptor.reading(path: path))?.shortText()
        }
        return min(placed, timed ?? placed)
    }
}
