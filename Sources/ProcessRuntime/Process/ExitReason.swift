package import Payload
import Synchronization

/// Why a process ended.
package enum ExitReason: Sendable, Equatable {
    /// Its main function returned; the value.
    case normal(Payload)
    /// An error of its own.
    case error(ErrorValue)
    /// Somebody terminated it.
    case terminated
    /// A linked process failed and it did not trap links.
    case linked(from: PID)
    /// It went over a limit of its own.
    case limit(Limit)
    /// The server is stopping.
    case shutdown

    package enum Limit: String, Sendable {
        case memory = "memory limit exceeded"
        case cpu = "cpu limit exceeded"
        case lifetime = "lifetime limit exceeded"
    }

    package var isNormal: Bool {
        if case .normal = self { true } else { false }
    }

    /// The word of an exit record.
    package var word: String {
        switch self {
        case .normal: "normal"
        case .error: "error"
        case .terminated: "terminated"
        case .linked: "linked"
        case .limit: "limit"
        case .shutdown: "shutdown"
        }
    }

    /// The error others see, or nil after a normal exit.
    package var error: ErrorValue? {
        switch self {
        case .normal: nil
        case .error(let value): value
        case .terminated: ErrorValue(message: "process terminated", kind: "Canceled")
        case .linked: ErrorValue(message: "linked process failed", kind: "Canceled")
        case .limit(let limit): ErrorValue(message: limit.rawValue, kind: "RateLimited")
        case .shutdown: ErrorValue(message: "shutting down", kind: "Canceled")
        }
    }
}

/// An error as data: what an error object carries between processes (SEMANTICS 10).
package struct ErrorValue: Sendable, Equatable, Error {
    package var message: String
    /// One of the kinds of SEMANTICS 10, `""` for unknown.
    package var kind: String
    /// nil where nobody said.
    package var retryable: Bool?
    /// Any value, nil where there is none.
    package var details: Payload
    /// One line per frame or context, innermost first.
    package var traceback: [String]

    package init(
        message: String,
        kind: String = "",
        retryable: Bool? = nil,
        details: Payload = .nothing,
        traceback: [String] = []
    ) {
        self.message = message
        self.kind = kind
        self.retryable = retryable
        self.details = details
        self.traceback = traceback
    }

    /// About its size in memory.
    var weight: Int {
        let lines = traceback.reduce(0) { $0 + 16 + $1.utf8.count }
        return 100 + message.utf8.count + kind.utf8.count + details.bytes.count + lines
    }

    /// Writes this as an error object.
    package func write(to writer: inout PayloadWriter) {
        writer.beginError()
        writer.write(message)
        writer.write(kind)
        if let retryable { writer.write(retryable) } else { writer.writeNil() }
        writer.writeEncoded(details)
        writer.write(traceback.joined(separator: "\n"))
    }
}

/// What is kept of a process that ended (openapi.yaml, ExitRecord).
package struct ExitRecord: Sendable {
    package let pid: PID
    package let entry: String
    package let host: String
    package let reason: ExitReason
    /// Nanoseconds since 1970.
    package let startedAt: UInt64
    package let at: UInt64

    /// About its size in memory.
    var weight: Int {
        switch reason {
        case .normal(let result): 300 + result.bytes.count
        case .error(let error): 300 + error.weight
        default: 300
        }
    }
}

/// The rules of exits as pure functions of what is known (SEMANTICS 8).
package enum ExitRules {
    package enum LinkEffect: Equatable {
        /// The link just vanishes.
        case none
        /// The partner gets a LINK_DOWN event.
        case event
        /// The partner fails at once.
        case fail
    }

    /// What a linked partner feels when a process ends.
    package static func linkEffect(normal: Bool, trapping: Bool) -> LinkEffect {
        if normal { return .none }
        return trapping ? .event : .fail
    }
}

/// How many processes ended for each reason.
struct ExitCounts: ~Copyable, Sendable {
    private let normal = Atomic<UInt64>(0)
    private let error = Atomic<UInt64>(0)
    private let terminated = Atomic<UInt64>(0)
    private let linked = Atomic<UInt64>(0)
    private let limit = Atomic<UInt64>(0)
    private let shutdown = Atomic<UInt64>(0)

    func add(_ reason: ExitReason) {
        switch reason {
        case .normal: normal.wrappingAdd(1, ordering: .relaxed)
        case .error: error.wrappingAdd(1, ordering: .relaxed)
        case .terminated: terminated.wrappingAdd(1, ordering: .relaxed)
        case .linked: linked.wrappingAdd(1, ordering: .relaxed)
        case .limit: limit.wrappingAdd(1, ordering: .relaxed)
        case .shutdown: shutdown.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// Each reason's word and count.
    var all: [(reason: String, count: UInt64)] {
        [
            ("normal", normal.load(ordering: .relaxed)), ("error", error.load(ordering: .relaxed)),
            ("terminated", terminated.load(ordering: .relaxed)),
            ("linked", linked.load(ordering: .relaxed)), ("limit", limit.load(ordering: .relaxed)),
            ("shutdown", shutdown.load(ordering: .relaxed)),
        ]
    }

    var total: UInt64 { all.reduce(0) { $0 &+ $1.count } }
}
