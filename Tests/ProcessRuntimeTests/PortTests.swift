import Payload
import Synchronization
import Testing

@testable import ProcessRuntime

@Suite struct PortTests {
    /// A port that writes down what it gets, and how often it was closed.
    private final class Logbook: Sendable {
        private let state = Mutex((mail: [Mail](), closes: 0))
        var mail: [Mail] { state.withLock { $0.mail } }
        var closes: Int { state.withLock { $0.closes } }

        /// Closes after `count` messages.
        func open(
            _ runtime: Runtime,
            closingAfter count: Int = .max,
            limits: ProcessLimits = ProcessLimits()
        ) throws -> PID {
            let port = Port(runtime, entry: "test:port", limits: limits) { signal in
                let mail = Mail(signal)
                return self.state.withLock { state in
                    if let mail { state.mail.append(mail) }
                    return state.mail.count >= count ? .normal(.nothing) : nil
                }
            } onClose: {
                self.state.withLock { $0.closes += 1 }
            }
            return try runtime.open(port)
        }
    }

    @Test func `is sent to, monitors and links like a process, and gets it all in order`() throws {
        let bench = Bench()
        let runtime = bench.runtime
        let book = Logbook()
        let port = try book.open(runtime)
        let partner = try runtime.spawnIdle()
        try runtime.monitor(partner, by: port)
        try runtime.link(port, partner)
        #expect(runtime.send(1, from: partner, to: port))
        bench.settle()
        #expect(runtime.send(2, from: partner, to: port))
        runtime.kill(partner, .error(ErrorValue(message: "broken")))
        bench.settle()
        #expect(
            book.mail == [
                .message(1, from: partner), .message(2, from: partner),
                .exit(of: partner, Mail.Outcome(result: nil, error: "broken")),
                .linkDown(of: partner, error: "broken"),
            ]
        )
        // It traps links: it is still there.
        #expect(runtime.isAlive(port) && book.closes == 0)
    }

    @Test func `is in no list and no count, has no events and leaves no record`() throws {
        let bench = Bench()
        let runtime = bench.runtime
        let before = runtime.counts
        let port = try Logbook().open(runtime)
        #expect(runtime.snapshots().isEmpty)
        #expect(runtime.snapshot(port)?.entry == "test:port")
        runtime.kill(port, .terminated)
        bench.settle()
        let after = runtime.counts
        #expect(before == after)
        #expect(runtime.feed.latest == 0)
        #expect(runtime.exitRecord(of: port) == nil && !runtime.isAlive(port))
        // The next tenant of its slot is a process again.
        let pid = try runtime.spawnIdle()
        #expect(pid.slot == port.slot && pid != port)
        #expect(runtime.snapshots().map(\.pid) == [pid] && runtime.counts.live == 1)
        runtime.kill(pid, .terminated)
        bench.settle()
        #expect(runtime.exitRecord(of: pid)?.reason == .terminated)
    }

    @Test(arguments: [false, true])
    func `closes once, by its receiver or by a kill, and its watchers learn of it`(
        byKill: Bool
    ) throws {
        let bench = Bench()
        let runtime = bench.runtime
        let book = Logbook()
        let port = try book.open(runtime, closingAfter: 1)
        let watcher = try runtime.spawnIdle()
        try runtime.monitor(port, by: watcher)
        if byKill {
            #expect(runtime.kill(port, .terminated))
            #expect(!runtime.kill(port, .terminated))
        } else {
            #expect(runtime.send(1, to: port))
        }
        bench.settle()
        #expect(book.closes == 1)
        #expect(!runtime.send(2, to: port))
        let outcome = Mail.Outcome(result: nil, error: byKill ? "process terminated" : nil)
        #expect(runtime.takeMail(of: watcher) == [.exit(of: port, outcome)])
    }

    @Test func `holds no more than its limits, and takes more once it was received`() throws {
        let bench = Bench()
        let runtime = bench.runtime
        var limits = ProcessLimits()
        limits.mailboxMessages = 1
        let book = Logbook()
        let port = try book.open(runtime, limits: limits)
        #expect(runtime.send(1, to: port))
        #expect(!runtime.send(2, to: port))
        bench.settle()
        #expect(runtime.send(3, to: port))
        bench.settle()
        #expect(book.mail == [.message(1, from: nil), .message(3, from: nil)])
    }

    @Test func `is refused where there is no slot, and once the server is stopping`() throws {
        let bench = Bench { $0.processesMax = 1 }
        let port = try Logbook().open(bench.runtime)
        #expect(throws: RuntimeFault.processLimit) { try Logbook().open(bench.runtime) }
        bench.runtime.kill(port, .terminated)
        bench.settle()
        bench.runtime.beginDraining()
        #expect(throws: RuntimeFault.draining) { try Logbook().open(bench.runtime) }
    }

    @Test func `several values are one array, and none is nil`() throws {
        func value(_ write: (inout PayloadWriter) -> Void) -> Payload {
            var writer = PayloadWriter(headerBytes: Signal.headerBytes)
            write(&writer)
            return Signal(.message, from: nil, written: writer).value
        }
        #expect(value { _ in } == .nothing)
        #expect(value { $0.write("one") } == Payload("one"))
        let several = value { writer in
            writer.write(Int64(1))
            writer.write("two")
        }
        several.withReader { reader in
            guard case .table(.array, sequence: 2, pairs: 0) = reader.next(),
                case .integer(1) = reader.next(), case .string = reader.next()
            else {
                Issue.record("not an array of two")
                return
            }
            #expect(reader.isAtEnd)
        }
    }
}
