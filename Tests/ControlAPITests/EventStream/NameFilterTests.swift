import ProcessRuntime
import Testing

@testable import ControlAPI

/// `name=`: events of whoever held the name when they were published.
struct NameFilterTests {
    /// A history with two holders, an interlude, and an exit while holding.
    ///
    ///     1 SPAWN a      2 SPAWN b     3 REGISTER n a   4 CANCEL a    5 CANCEL b
    ///     6 UNREGISTER n a             7 CANCEL a       8 REGISTER n b
    ///     9 CANCEL b    10 UNREGISTER n b              11 EXIT b     12 CANCEL a
    private func history(_ desk: Desk) throws {
        let (a, b) = (try desk.process(), try desk.process())
        func cancel(_ pid: PID) throws { try desk.runtime.cancel(pid, reason: "", from: nil) }
        _ = try desk.runtime.register("n", for: a)
        try cancel(a)
        try cancel(b)
        desk.runtime.unregister("n")
        desk.simulation.advance(by: 1)
        try cancel(a)
        _ = try desk.runtime.register("n", for: b)
        try cancel(b)
        desk.runtime.kill(b, .terminated)
        desk.settle()
        try cancel(a)
    }

    private static let about: [UInt64] = [3, 4, 6, 8, 9, 10, 11]

    private func found(_ desk: Desk, since: UInt64) throws -> [String] {
        try StreamReader(desk, "name=n&since=\(desk.id(since))").events().compactMap(\.id)
    }

    @Test(arguments: UInt64(0)...12)
    func `read from anywhere the same events are the name's`(_ since: UInt64) throws {
        let desk = Desk()
        try history(desk)
        #expect(desk.runtime.feed.latest == 12)
        let expected = NameFilterTests.about.filter { $0 > since }.map { desk.id($0) }
        #expect(try found(desk, since: since) == expected)
    }

    @Test func `read live they are the same`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk, "name=n")
        reader.fill()
        _ = reader.take()
        try history(desk)
        #expect(reader.events().compactMap(\.id) == NameFilterTests.about.map { desk.id($0) })
    }

    @Test func `a live reader knows who holds the name already`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "n")
        let reader = try StreamReader(desk, "name=n")
        try desk.runtime.cancel(pid, reason: "", from: nil)
        #expect(reader.events().map(\.event) == ["CANCEL"])
    }

    @Test func `a spawn with the name is the name's from its first event`() throws {
        let desk = Desk()
        let reader = try StreamReader(desk, "name=n")
        try desk.process(name: "n")
        try desk.process()
        #expect(reader.events().map(\.event) == ["SPAWN", "REGISTER"])
    }

    @Test func `an exit after the name was given up is not the name's`() throws {
        let desk = Desk()
        let pid = try desk.process(name: "n")
        let reader = try StreamReader(desk, "name=n")
        desk.runtime.unregister("n")
        desk.simulation.advance(by: 1)
        desk.runtime.kill(pid, .terminated)
        desk.settle()
        #expect(reader.events().map(\.event) == ["UNREGISTER"])
    }

    @Test func `after a gap the holder is found anew`() throws {
        var small = Desk.small
        small.eventsMax = 4
        let desk = Desk(runtime: small)
        let reader = try StreamReader(desk, "name=n")
        reader.fill()
        _ = reader.take()
        let (a, b) = (try desk.process(name: "n"), try desk.process())
        for _ in 0..<8 { try desk.runtime.cancel(b, reason: "", from: nil) }
        try desk.runtime.cancel(a, reason: "", from: nil)
        reader.fill()
        #expect(reader.take().map(\.event) == ["gap", "CANCEL"])
    }
}
