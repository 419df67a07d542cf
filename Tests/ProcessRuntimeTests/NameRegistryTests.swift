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

    @Test func `names are the same only byte for byte`() throws {
        let (a, first) = try process()
        let (b, second) = try process()
        // To Unicode both are the letter é.
        let (composed, decomposed) = ("\u{E9}", "e\u{301}")
        #expect(try registry.claim(composed, for: a, first, in: table))
        #expect(registry.find(decomposed) == nil)
        #expect(try registry.claim(decomposed, for: b, second, in: table))
        #expect(registry.find(composed) == a && registry.find(decomposed) == b)
        #expect(try registry.claim(decomposed + "x", for: a, first, in: table))
        #expect(try registry.claim(composed + "x", for: a, first, in: table))
        #expect(registry.revoke(composed + "x", of: a, first))
        #expect(names(first).map { Array($0.utf8) } == [[0xC3, 0xA9], [0x65, 0xCC, 0x81, 0x78]])
        #expect(registry.release(decomposed + "x", of: a))
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
