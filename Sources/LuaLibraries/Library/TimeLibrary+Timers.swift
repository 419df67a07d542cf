import GoTime
import LuaVM
import Payload
import ProcessRuntime

/// Sleeping, and channels that deliver a Time when it is time (SEMANTICS 10).
///
/// A Timer or Ticker object is a userdata with its timer's present number; its user value 1 is its
/// channel. `stop` and `reset` also take back a Time that nobody received yet, so that what is
/// received afterwards is never from before (as in Go since 1.23).
enum TimerLibrary {
    /// The two classes of objects.
    enum Kind {
        case timer, ticker

        fileprivate var name: String { self == .timer ? "timer" : "ticker" }
        fileprivate var key: LuaKey { self == .timer ? timerKey : tickerKey }

        fileprivate func use(_ period: UInt64) -> TimerUse {
            self == .timer ? .timer : .ticker(period: period)
        }
    }

    private static let timerKey = LuaKey()
    private static let tickerKey = LuaKey()

    static let timerMethods: [Member] = [
        Member("channel") { unsafe TimerLibrary.channel(Call($0, $1), .timer) },
        Member("response") { unsafe TimerLibrary.channel(Call($0, $1), .timer) },
        Member("stop") { unsafe TimerLibrary.stop(Call($0, $1), .timer) },
        Member("reset") { unsafe TimerLibrary.reset(Call($0, $1), .timer) },
    ]

    static let tickerMethods: [Member] = [
        Member("channel") { unsafe TimerLibrary.channel(Call($0, $1), .ticker) },
        Member("response") { unsafe TimerLibrary.channel(Call($0, $1), .ticker) },
        Member("stop") { unsafe TimerLibrary.stop(Call($0, $1), .ticker) },
        Member("reset") { unsafe TimerLibrary.reset(Call($0, $1), .ticker) },
    ]

    // MARK: sleep

    /// Parks the fiber; nothing to wait for just lets the others run.
    static func sleep(_ call: Call) -> Int32 {
        let thread = call.thread
        var outcome: Int32?
        let duration = call.duration(1, &outcome)
        if let outcome { return outcome }
        let woken = LuaFunction { unsafe Call($0, $1).yes() }
        guard thread.canBlock else { return thread.blockOutcome(then: woken) }
        let fiber = call.process.currentFiber
        if duration.nanoseconds <= 0 {
            call.process.ready.append(fiber)
            return thread.blockOutcome(then: woken)
        }
        let wait = UInt64(duration.nanoseconds)
        guard let number = call.process.startTimer(after: wait, .sleeper(fiber)) else {
            return tooMany(call)
        }
        fiber.pointee.token = number
        return thread.blockOutcome(then: woken)
    }

    // MARK: Channels and objects

    /// A channel with one Time, then closed.
    static func after(_ call: Call) -> Int32 {
        var outcome: Int32?
        let wait = positive(call, 1, &outcome)
        if let outcome { return outcome }
        _ = Channel.push(.values, capacity: 1, onto: call.thread)
        guard start(call, wait, .after) != nil else { return tooMany(call) }
        return 1
    }

    static func make(_ call: Call, _ kind: Kind) -> Int32 {
        let thread = call.thread
        var outcome: Int32?
        let wait = positive(call, 1, &outcome)
        if let outcome { return outcome }
        let memory = unsafe thread.pushUserdata(
            bytes: MemoryLayout<Int64>.size,
            values: 1,
            class: kind.key
        )
        let object = thread.top
        _ = Channel.push(.values, capacity: 1, onto: thread)
        guard let number = start(call, wait, kind.use(wait)) else { return tooMany(call) }
        unsafe memory.storeBytes(of: number, as: Int64.self)
        thread.setUserValue(object, 1)
        return 1
    }

    static let classes = [
        LuaClass(timerKey, Kind.timer.name, methods: .timerMethods),
        LuaClass(tickerKey, Kind.ticker.name, methods: .tickerMethods),
    ]

    /// Starts a timer for the channel on top; its number, or nil at the limit.
    private static func start(_ call: Call, _ wait: UInt64, _ use: TimerUse) -> Int64? {
        guard let number = call.process.startTimer(after: wait, use) else { return nil }
        call.process.keepTimerChannel(number, at: -1, call.thread)
        return number
    }

    private static func tooMany(_ call: Call) -> Int32 {
        call.fail(.rateLimited, "timers limit exceeded (\(LuaProcess.timersMax))")
    }

    /// The duration argument `index` in nanoseconds; `outcome` gets what to answer without one.
    private static func positive(
        _ call: Call,
        _ index: Int32,
        _ outcome: inout Int32?
    ) -> UInt64 {
        let duration = call.duration(index, &outcome)
        if outcome != nil { return 0 }
        guard duration.nanoseconds > 0 else {
            outcome = call.fail(.invalid, "the duration must be positive, not \(duration)")
            return 0
        }
        return UInt64(duration.nanoseconds)
    }

    // MARK: Methods

    private static func memory(_ call: Call, _ kind: Kind) -> UnsafeMutableRawPointer? {
        unsafe call.thread.userdata(1, class: kind.key)
    }

    private static func channel(_ call: Call, _ kind: Kind) -> Int32 {
        guard unsafe memory(call, kind) != nil else { return call.thread.wrongType(1, kind.name) }
        call.thread.getUserValue(1, 1)
        return 1
    }

    /// Whether it was on: a Time was still to come, or there and not received.
    private static func stop(_ call: Call, _ kind: Kind) -> Int32 {
        guard let memory = unsafe memory(call, kind) else {
            return call.thread.wrongType(1, kind.name)
        }
        return call.answer(halt(call, unsafe memory.load(as: Int64.self)))
    }

    /// Stops the timer, leaves its channel empty and on top of the stack.
    private static func halt(_ call: Call, _ number: Int64) -> Bool {
        var wasOn = call.process.stopTimer(number)
        call.thread.getUserValue(1, 1)
        let place = call.thread.top
        guard let channel = Channel.at(place, of: call.thread) else { return wasOn }
        while case .value = call.process.tryReceive(channel, at: place, call.thread) {
            call.thread.pop()
            wasOn = true
        }
        return wasOn
    }

    /// Starts it anew; whether it was on.
    private static func reset(_ call: Call, _ kind: Kind) -> Int32 {
        guard let memory = unsafe memory(call, kind) else {
            return call.thread.wrongType(1, kind.name)
        }
        var outcome: Int32?
        let wait = positive(call, 2, &outcome)
        if let outcome { return outcome }
        let wasOn = halt(call, unsafe memory.load(as: Int64.self))
        guard let number = start(call, wait, kind.use(wait)) else { return tooMany(call) }
        unsafe memory.storeBytes(of: number, as: Int64.self)
        return call.answer(wasOn)
    }
}
