import Testing

@testable import ProcessRuntime

/// Interleavings of those who wake a process and the one who has its turn.
///
///     waker                          turns
///     put mail                       look for mail
///     wake                           end, waiting
///                                    begin, if queued
///                                    look for mail
///                                    end, waiting
///
/// Each line is one atomic step on the same block; every order of the lines must leave the process
/// queued exactly once if it has mail it did not see, and at most once in any case.
@Suite struct RunStateTests {
    private enum Step: CaseIterable {
        case put, wake, begin, look, endWaiting, endPreempted
    }

    /// Every way to interleave the given sequences, each keeping its own order.
    private func interleavings(_ threads: [[Step]]) -> [[(thread: Int, step: Step)]] {
        guard threads.contains(where: { !$0.isEmpty }) else { return [[]] }
        var all: [[(thread: Int, step: Step)]] = []
        for (index, steps) in threads.enumerated() {
            guard let first = steps.first else { continue }
            var rest = threads
            rest[index] = Array(steps.dropFirst())
            all += interleavings(rest).map { [(index, first)] + $0 }
        }
        return all
    }

    private func runningBlock() -> ControlBlock {
        let block = ControlBlock(slot: 1)
        block.becomeStarting()
        block.becomeReady()
        #expect(block.beginTurn())
        return block
    }

    /// Plays one order; returns whether the process is queued, and what it has not seen.
    private func play(_ order: [(thread: Int, step: Step)]) -> (queued: Int, unseen: Int) {
        let block = runningBlock()
        var (queued, mail, hasTurn) = (0, 0, true)
        for (_, step) in order {
            switch step {
            case .put: mail += 1
            case .wake: if case .mustQueue = block.wake() { queued += 1 }
            case .begin:
                hasTurn = block.beginTurn()
                if hasTurn { queued -= 1 }
            case .look: if hasTurn { mail = 0 }
            case .endWaiting:
                if hasTurn && block.endTurnWaiting() { queued += 1 }
                hasTurn = false
            case .endPreempted:
                if hasTurn { block.endTurnPreempted() }
                if hasTurn { queued += 1 }
                hasTurn = false
            }
        }
        #expect((block.runState == .ready) == (queued > 0))
        #expect(block.beginTurn() == (queued > 0))
        return (queued, mail)
    }

    private static let twoTurns: [Step] = [.look, .endWaiting, .begin, .look, .endWaiting]

    @Test(arguments: 1...2)
    func `no order of wakers and a turn's end loses a wake-up`(_ wakers: Int) {
        var threads: [[Step]] = Array(repeating: [.put, .wake], count: wakers)
        threads.append(RunStateTests.twoTurns)
        for order in interleavings(threads) {
            let (queued, unseen) = play(order)
            #expect(queued <= 1)
            if unseen > 0 { #expect(queued == 1) }
        }
    }

    @Test func `a preempted process is queued once, whoever wakes it`() {
        for order in interleavings([[.put, .wake], [.put, .wake], [.look, .endPreempted]]) {
            #expect(play(order).queued == 1)
        }
    }

    /// The same check with the order that is wrong, to know that it can fail.
    @Test func `waking before the mail is there would lose it`() {
        let lost = interleavings([[.wake, .put], RunStateTests.twoTurns]).contains { order in
            let (queued, unseen) = play(order)
            return queued == 0 && unseen > 0
        }
        #expect(lost)
    }

    @Test func `only a ready process can get a turn, and only one`() {
        let block = ControlBlock(slot: 1)
        #expect(!block.beginTurn())
        block.becomeStarting()
        #expect(!block.beginTurn())
        guard case .nothingToDo = block.wake() else {
            Issue.record("a process being made can't be woken")
            return
        }
        block.becomeReady()
        guard case .nothingToDo = block.wake() else {
            Issue.record("a queued process is not queued again")
            return
        }
        #expect(block.beginTurn())
        #expect(!block.beginTurn())
        guard case .noted = block.wake() else {
            Issue.record("a running process notes a wake-up")
            return
        }
        #expect(block.endTurnWaiting())
        #expect(block.beginTurn())
        #expect(!block.endTurnWaiting())
        #expect(!block.beginTurn())
        guard case .mustQueue = block.wake() else {
            Issue.record("a waiting process must be queued")
            return
        }
        #expect(block.beginTurn())
        block.becomeFree()
        guard case .nothingToDo = block.wake() else {
            Issue.record("a free slot can't be woken")
            return
        }
        #expect(!block.beginTurn())
    }
}
