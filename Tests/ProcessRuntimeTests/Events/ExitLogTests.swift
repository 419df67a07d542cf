import Payload
import Testing

@testable import ProcessRuntime

@Suite struct ExitLogTests {
    private func record(
        _ slot: Int,
        at: UInt64,
        _ reason: ExitReason = .terminated
    ) -> ExitRecord {
        ExitRecord(
            pid: PID(slot: slot, generation: 0),
            entry: "e",
            host: "h",
            reason: reason,
            startedAt: 0,
            at: at
        )
    }

    @Test(arguments: [1, 2, 10, 3_000])
    func `it keeps the newest, exactly as many as it may`(_ capacity: Int) {
        let log = ExitLog(capacity: capacity)
        let count = 2 * capacity + 2_100
        for slot in 1...count { log.add(record(slot, at: 5)) }
        for slot in 1...count {
            let found = log.find(PID(slot: slot, generation: 0), now: 5)
            #expect((found != nil) == (slot > count - capacity))
        }
    }

    @Test(arguments: [false, true])
    func `large results and tracebacks push old records out, the newest stays`(_ failed: Bool) {
        let log = ExitLog(bytesMax: 1 << 20)
        let text = String(repeating: "x", count: 400_000)
        let slots = 1...10
        for slot in slots {
            let error = ErrorValue(message: "m", traceback: [text])
            log.add(record(slot, at: 5, failed ? .error(error) : .normal(Payload(text))))
        }
        for slot in slots {
            #expect((log.find(PID(slot: slot, generation: 0), now: 5) != nil) == (slot > 8))
        }
        log.add(record(11, at: 5, .normal(Payload(String(repeating: "x", count: 4 << 20)))))
        #expect(log.find(PID(slot: 11, generation: 0), now: 5) != nil)
        #expect(log.find(PID(slot: 10, generation: 0), now: 5) == nil)
    }

    @Test func `a record is kept for its time, to the nanosecond`() {
        let log = ExitLog(capacity: 10, ageNanoseconds: 100)
        log.add(record(1, at: 1_000))
        let pid = PID(slot: 1, generation: 0)
        #expect(log.find(pid, now: 1_100) != nil)
        #expect(log.find(pid, now: 1_101) == nil)
        // The wall clock may step back.
        #expect(log.find(pid, now: 5) != nil)
        log.add(record(2, at: 2_000))
        #expect(log.find(pid, now: 5) == nil)
        #expect(log.find(PID(slot: 2, generation: 0), now: 2_000) != nil)
    }

    @Test func `another generation of the slot has another record`() {
        let log = ExitLog()
        log.add(record(1, at: 5))
        #expect(log.find(PID(slot: 1, generation: 1), now: 5) == nil)
    }
}
