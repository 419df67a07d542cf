import Foundation
import LuaVM
import Synchronization

/// Kills one machine from another thread: the flag first, then interrupts until it is over.
final class Killer: Sendable {
    private let over = Atomic<Bool>(false)
    private let done = DispatchSemaphore(value: 0)

    /// Begins once the worker runs and `yields` more turns of the processor have passed.
    init(_ machine: LuaMachine, _ worker: LuaWorker, after yields: Int = 200) {
        let before = worker.serial
        Thread { [self] in
            while worker.serial == before, !over.load(ordering: .relaxed) { sched_yield() }
            for _ in 0..<yields { sched_yield() }
            machine.requestDeath()
            while !over.load(ordering: .relaxed) {
                let serial = worker.serial
                if serial % 2 == 1 { worker.interrupt(serial) }
                sched_yield()
            }
            done.signal()
        }.start()
    }

    /// Waits for the killing thread; call it after the run.
    func join() {
        over.store(true, ordering: .relaxed)
        done.wait()
    }
}
