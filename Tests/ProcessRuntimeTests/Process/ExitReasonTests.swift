import Payload
import Testing

@testable import ProcessRuntime

@Suite struct ExitReasonTests {
    static let reasons: [ExitReason] = [
        .normal(.nothing), .normal(Payload("result")), .error(ErrorValue(message: "broken")),
        .terminated, .linked(from: World.nobody), .limit(.memory), .limit(.cpu), .limit(.lifetime),
        .shutdown,
    ]

    /// SEMANTICS 8, as a table: every reason, trapping or not.
    @Test(arguments: reasons, [false, true])
    func `what a partner feels follows from reason and trapping`(
        _ reason: ExitReason,
        _ trapping: Bool
    ) {
        let effect = ExitRules.linkEffect(normal: reason.isNormal, trapping: trapping)
        switch (reason, trapping) {
        case (.normal, _): #expect(effect == .none)
        case (_, true): #expect(effect == .event)
        case (_, false): #expect(effect == .fail)
        }
        #expect((reason.error == nil) == reason.isNormal)
    }

    /// The same through the runtime: every reason x trapping x each set of relations.
    @Test(arguments: reasons, 0..<8)
    func `every end tells each kind of relation what is due`(
        _ reason: ExitReason,
        _ bits: Int
    ) throws {
        let (trapping, isLinked, isWatching) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)
        let bench = Bench()
        let partner = try bench.runtime.spawnIdle()
        bench.runtime.setTrapLinks(trapping, of: partner)
        var request = SpawnRequest.plain
        if isLinked { request.linkedTo = partner }
        if isWatching { request.monitoredBy = partner }
        let body = Puppet { _, _ in .ended(reason) }
        let pid = try bench.runtime.spawn(request, running: body)
        let runtime = bench.runtime
        // Only this process's turns: the partner's exit must not empty its mailbox before we look.
        while bench.runtime.isAlive(pid) { #expect(bench.simulation.step()) }
        var due: [Mail] = []
        if isWatching { due.append(.exit(of: pid, Outcome(reason))) }
        if isLinked, trapping, let error = reason.error {
            due.append(.linkDown(of: pid, error: error.message))
        }
        let fails = isLinked && !trapping && !reason.isNormal
        #expect(runtime.isAlive(partner) != fails)
        if !fails { #expect(runtime.takeMail(of: partner) == due) }
        bench.settle()
        #expect(runtime.exitRecord(of: partner)?.reason == (fails ? .linked(from: pid) : nil))
        #expect(runtime.exitRecord(of: pid)?.reason == reason)
    }

    private typealias Outcome = Mail.Outcome

    @Test func `everything of an error that may be large counts in its weight`() {
        let long = String(repeating: "x", count: 10_000)
        let errors = [
            ErrorValue(message: long), ErrorValue(message: "", kind: long),
            ErrorValue(message: "", details: Payload(long)),
            ErrorValue(message: "", traceback: [long]),
        ]
        for error in errors { #expect(error.weight > 10_000) }
    }

    @Test func `each reason has its word and message`() {
        #expect(
            ExitReasonTests.reasons.map(\.word) == [
                "normal", "normal", "error", "terminated", "linked", "limit", "limit", "limit",
                "shutdown",
            ]
        )
        #expect(
            ExitReasonTests.reasons.compactMap(\.error?.message) == [
                "broken", "process terminated", "linked process failed", "memory limit exceeded",
                "cpu limit exceeded", "lifetime limit exceeded", "shutting down",
            ]
        )
    }
}
