import Foundation
import LuaVM
import Synchronization

/// Runs `body` on a thread of its own, with the stack a worker must have.
func onWorker<Result: Sendable>(_ body: @escaping @Sendable (LuaWorker) -> Result) -> Result {
    LuaWorker.installSignalHandler()
    let done = DispatchSemaphore(value: 0)
    let slot = Slot<Result>()
    let thread = Thread {
        // The threads of tests block signals, and this one inherits that.
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGURG)
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
        slot.value.withLock { $0 = body(LuaWorker()) }
        done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    done.wait()
    guard let result = slot.value.withLock({ $0 }) else { fatalError("the body returned a result") }
    return result
}

private final class Slot<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}

/// Interrupts a worker's runs again and again, until it is stopped.
final class Interrupter: Sendable {
    private let stopping = Atomic<Bool>(false)
    private let done = DispatchSemaphore(value: 0)

    /// Begins; `pauses` yields of the processor lie between two interrupts.
    init(_ worker: LuaWorker, pauses: Int = 20) {
        Thread { [self] in
            while !stopping.load(ordering: .relaxed) {
                let serial = worker.serial
                if serial % 2 == 1 { worker.interrupt(serial) }
                for _ in 0..<pauses { sched_yield() }
            }
            done.signal()
        }.start()
    }

    /// Ends it; no interrupt is sent after this returns.
    func stop() {
        stopping.store(true, ordering: .relaxed)
        done.wait()
    }
}

extension LuaMachine {
    /// A machine with the libraries.
    static func fresh(limit: Int = 64 << 20, seed: UInt64 = 7) -> LuaMachine {
        guard let machine = LuaMachine(memoryLimitBytes: limit, seed: seed) else {
            fatalError("the system has no memory")
        }
        machine.openLibraries()
        for library in LuaThread.Library.allCases { machine.main.open(library) }
        return machine
    }

    /// A fiber about to run `source`, anchored on the main thread's stack.
    func fiber(_ source: String) -> LuaThread {
        let fiber = main.pushNewThread()
        do {
            try load(Array(source.utf8), name: "=test", isBinary: false, onto: fiber)
        } catch {
            fatalError("\(error): \(source)")
        }
        return fiber
    }

    /// Runs `fiber` once on `worker`, which is the calling thread.
    func resume(_ fiber: LuaThread, arguments: Int32, on worker: LuaWorker) -> RunOutcome {
        withExtendedLifetime(worker) { resume(fiber, arguments: arguments) }
    }

    /// Runs `fiber` to its end, through every preemption; how often it was preempted.
    func runThrough(
        _ fiber: LuaThread,
        arguments: Int32 = 0,
        on worker: LuaWorker
    ) -> (outcome: RunOutcome, preemptions: Int) {
        var preemptions = 0
        var outcome = resume(fiber, arguments: arguments, on: worker)
        while outcome == .preempted || outcome == .released {
            preemptions += 1
            outcome = resume(fiber, arguments: 0, on: worker)
        }
        return (outcome, preemptions)
    }
}
