import Payload
import Posix
import Synchronization
import Testing

@testable import ProcessRuntime

/// 100,000 links at once: time stays linear and the stack flat (RELIABILITY A10, law L8).
@Suite(.serialized) struct ExitStormTests {
    #if TSAN
        private static let (count, secondsMax) = (10_000, 60.0)
    #elseif DEBUG
        // Unoptimised code is some twenty times slower; what must show is a square, not a factor.
        private static let (count, secondsMax) = (100_000, 40.0)
    #else
        private static let (count, secondsMax) = (100_000, 2.0)
    #endif

    private enum Shape: CaseIterable {
        case chain, star, starFromLeaf
    }

    private func tie(_ runtime: Runtime, _ shape: Shape) throws -> PID {
        var first: PID?
        var last: PID?
        for _ in 0..<ExitStormTests.count {
            var request = SpawnRequest.plain
            request.linkedTo = shape == .chain ? last : first
            last = try runtime.spawn(request, running: Puppet())
            if first == nil { first = last }
        }
        return try #require(shape == .starFromLeaf ? last : first)
    }

    @Test(arguments: Shape.allCases)
    private func `a hundred thousand linked processes are gone in time`(_ shape: Shape) throws {
        try Crew.with(workers: 2, processes: ExitStormTests.count + 1) { crew in
            let victim = try tie(crew.runtime, shape)
            let start = SystemTime.monotonicNanoseconds()
            crew.runtime.kill(victim, .terminated)
            #expect(crew.everybodyEnds(within: ExitStormTests.secondsMax * 3))
            let seconds = Double(SystemTime.monotonicNanoseconds() - start) / 1e9
            #expect(seconds < ExitStormTests.secondsMax, "\(shape) took \(seconds) s")
        }
    }

    /// Each member ends well, one after the other, and must be found among 100,000 each time.
    @Test func `leaving a star of a hundred thousand costs each member the same`() throws {
        try Crew.with(workers: 2, processes: ExitStormTests.count + 1) { crew in
            let runtime = crew.runtime
            let center = try runtime.spawn(.plain, running: Listener(runtime))
            let start = SystemTime.monotonicNanoseconds()
            for _ in 0..<ExitStormTests.count {
                var request = SpawnRequest.plain
                request.linkedTo = center
                request.monitoredBy = center
                let body = Listener(runtime) { _ in
                    .goOn
                } onMail: { _, _ in
                    .end(.normal(.nothing))
                }
                _ = try runtime.spawn(request, running: body)
            }
            for pid in runtime.allPIDs() where pid != center { runtime.send(1, to: pid) }
            // The center hears of each end after that one has left the counters.
            #expect(
                wait(within: ExitStormTests.secondsMax * 3) {
                    let left = runtime.snapshot(center)
                    return left?.links == [] && left?.monitors == []
                }
            )
            let seconds = Double(SystemTime.monotonicNanoseconds() - start) / 1e9
            #expect(seconds < ExitStormTests.secondsMax * 2, "it took \(seconds) s")
        }
    }

    /// R16: a chain that failed by recursion would need megabytes; this thread has 128 KiB.
    @Test func `a chain of failures needs no stack`() {
        let survivors = Atomic<Int>(-1)
        let thread = PosixThread(name: "small", stackBytes: 128 << 10) {
            let bench = Bench { $0.processesMax = 20_000 }
            var last: PID?
            var first: PID?
            for _ in 0..<20_000 {
                var request = SpawnRequest.plain
                request.linkedTo = last
                last = try? bench.runtime.spawnIdle(request)
                if first == nil { first = last }
            }
            if let first { bench.runtime.kill(first, .terminated) }
            bench.settle()
            survivors.store(bench.runtime.counts.live, ordering: .releasing)
        }
        thread.join()
        let left = survivors.load(ordering: .acquiring)
        #expect(left == 0)
    }
}
