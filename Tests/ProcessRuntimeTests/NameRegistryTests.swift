import Synchronization
import Testing

@testable import ProcessRuntime

@Suite struct NameRegistryTests {
    private let table = ProcessTable(capacity: 4)
    private let registry = NameRegistry()

    private func process(_ phase: ControlBlock.Phase = .alive) throws -> (PID, ControlBlock) {
        let block = try #require(table.take())
        let pid = PID(slot: block.slot, generation: 0)
        block.withLock {
            $0.pid = pid
            $0.phase = phase
        }
        return (pid, block)
    }

    private func names(_ block: ControlBlock) -> [String] {
        block.withLock { $0.names }
    }

    @Test func `a name of somebody alive is refused, of somebody dying it is taken over`() throws {
        let (a, first) = try process()
        let (b, second) = try process()
        #expect(try registry.claim("x", for: a, first, in: table))
        #expect(throws: RuntimeFault.nameTaken(a)) {
            try registry.claim("x", for: b, second, in: table)
        }
        first.withLock { $0.phase = .dying }
        #expect(try registry.claim("x", for: b, second, in: table))
        // The late exit of the first leaves the name where it is now.
        #expect(!registry.release("x", of: a))
        #expect(registry.find("x") == b)
    }

    @Test func `the dead get no name`() throws {
        for phase in [ControlBlock.Phase.dying, .free] {
            let (pid, block) = try process(phase)
            #expect(throws: RuntimeFault.processNotFound) {
                try registry.claim("x", for: pid, block, in: table)
            }
            #expect(registry.find("x") == nil && names(block) == [])
        }
    }

    @Test func `a process that is being made becomes routable with its name`() throws {
        let (pid, block) = try process(.starting)
        #expect(try registry.claim("x", for: pid, block, in: table))
        #expect(block.withLock { $0.phase } == .alive)
    }

    @Test func `revoking takes the name from both sides, once`() throws {
        let (pid, block) = try process()
        try registry.claim("x", for: pid, block, in: table)
        try registry.claim("y", for: pid, block, in: table)
        #expect(registry.revoke("x", of: pid, block))
        #expect(!registry.revoke("x", of: pid, block))
        #expect(names(block) == ["y"] && registry.find("x") == nil)
    }

    @Test func `a dying owner's name is left to its exit`() throws {
        let (pid, block) = try process()
        try registry.claim("x", for: pid, block, in: table)
        block.withLock { $0.phase = .dying }
        #expect(!registry.revoke("x", of: pid, block))
        #expect(names(block) == ["x"])
        #expect(registry.release("x", of: pid))
        #expect(registry.all().isEmpty)
    }
}
