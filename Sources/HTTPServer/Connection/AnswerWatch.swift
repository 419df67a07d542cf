/// What a handler wants to be told of before it has answered: the client's end, and the time.
struct AnswerWatch {
    private var onDisconnect: [@Sendable () -> Void] = []
    private var timers: [(at: UInt64, action: @Sendable () -> Void)] = []

    mutating func addDisconnect(_ action: @escaping @Sendable () -> Void) {
        onDisconnect.append(action)
    }

    mutating func addTimer(at: UInt64, _ action: @escaping @Sendable () -> Void) {
        timers.append((at, action))
    }

    /// When the first timer is due; `.max` without one.
    var earliest: UInt64 {
        timers.reduce(.max) { min($0, $1.at) }
    }

    /// Takes what is to be called now that the client is gone.
    mutating func takeDisconnects() -> [@Sendable () -> Void] {
        defer { onDisconnect = [] }
        return onDisconnect
    }

    /// Takes what is to be called because its time has come.
    mutating func takeDue(_ now: UInt64) -> [@Sendable () -> Void] {
        if timers.isEmpty { return [] }
        defer { timers.removeAll { $0.at <= now } }
        return timers.filter { $0.at <= now }.map(\.action)
    }

    /// Answered: nothing is called any more.
    mutating func clear() { self = AnswerWatch() }
}
