import Dispatch
import ProcessRuntime
import Testing

@testable import ControlAPI

/// A publisher on another thread, and a reader that trusts its wake-ups alone.
struct ConcurrentStreamTests {
    /// The reader fills only after a wake, as a loop does. What must not lose an event:
    ///
    ///     reader                            publisher
    ///     reads the feed: nothing
    ///                                       appends; sees no sleeper
    ///     sleeps; reads again: finds it
    ///
    /// Events come in pairs: the first has the reader in `fill`, the second comes a little
    /// later each time, so that it falls into every part of the reader's way back to sleep. Nothing is
    /// published until both were read: no later event makes up for a lost wake-up.
    @Test func `no wake-up is lost between a read and a publish`() throws {
        let desk = Desk()
        let pid = try desk.process()
        let woken = DispatchSemaphore(value: 0)
        let reader = try StreamReader(desk, onWake: { woken.signal() })
        reader.fill()
        _ = reader.take()
        let pairs = 5_000
        let total = 2 * pairs
        let (runtime, api) = (desk.runtime, desk.api)
        let (fills, isOver) = (Box(0), Box(false))
        DispatchQueue.global().async {
            for pair in 0..<pairs {
                let before = fills.current
                _ = try? runtime.register("n", for: pid)
                while fills.current == before && api.renderingCount <= 2 * pair
                    && !isOver.current
                {}
                for _ in 0..<(pair * 7 % 20_000) { _ = isOver.current }
                runtime.unregister("n")
                while api.renderingCount < 2 * (pair + 1) && !isOver.current {}
            }
        }
        var seen = 0
        while seen < total {
            // A lost wake-up would wait here for ever: the limit only ends the test then.
            guard woken.wait(timeout: .now() + .seconds(20)) == .success else {
                Issue.record("no wake-up after \(seen) events")
                break
            }
            fills.update { $0 += 1 }
            seen += reader.events().count
        }
        isOver.update { $0 = true }
        #expect(seen == total)
    }
}
