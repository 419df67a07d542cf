import Payload

@testable import ProcessRuntime

/// One thing that happened in a run, as an outsider who sees everything writes it down.
///
/// A history is an array of these; a fact's index is its time. In a simulation each operation is
/// one step of the whole system, so the order is total and exact. The laws (RELIABILITY D) are
/// predicates over a history.
enum Fact {
    /// A spawn that returned a pid; `by` is the parent, nil for somebody outside.
    case spawned(PID, by: PID?, Ties, name: String?, ProcessLimits, at: UInt64)
    case spawnRefused(by: PID?, Ties, name: String?, RuntimeFault)
    /// A message with a number of its own; nil fault for a send that returned normally.
    case sent(Int, from: PID?, to: PID, RuntimeFault?)
    case cancelled(Int, from: PID?, to: PID, RuntimeFault?)
    /// The process took this out of its mailbox and looked at it.
    case received(PID, Mail)
    /// The process saw its mailbox empty.
    case emptied(PID)
    case monitored(PID, by: PID, RuntimeFault?)
    case unmonitored(PID, by: PID)
    case linked(PID, PID, RuntimeFault?)
    case unlinked(PID, PID)
    case trapping(PID, Bool)
    /// `isNew` is what a register that returned normally returned.
    case registered(String, PID, isNew: Bool, RuntimeFault?)
    /// `from` is who lost the name, nil when nobody had it.
    case unregistered(String, from: PID?)
    case lookedUp(String, PID?)
    /// Somebody ended `target`; false when it was dead.
    case killed(PID, Bool)
    case turn(PID)
    /// The body returned this reason.
    case returned(PID, ExitReason)
    /// The exit is carried out, once everybody was told.
    case ended(PID, ExitReason)
    case timerStarted(PID, Int, deadline: UInt64)
    case timerStopped(PID, Int, Bool)
    case terminateLater(PID, deadline: UInt64)
    /// The clock reads this many nanoseconds, and the timers due by then have run.
    case time(UInt64)
    /// No process is ready.
    case quiet
    /// Every live process at one moment, and the counters.
    case census([ProcessSnapshot], spawned: Int, exited: Int, live: Int)
    /// An event of the feed; these stand at the end of a history.
    case fed(UInt64, EventKind, PID)

    /// What a spawn put in place between parent and child.
    struct Ties: OptionSet {
        let rawValue: Int
        static let link = Ties(rawValue: 1)
        static let monitor = Ties(rawValue: 2)
    }
}

/// What a process finds in its mailbox.
enum Mail: Equatable {
    case message(Int, from: PID?)
    case exit(of: PID, Outcome)
    case linkDown(of: PID, error: String)
    case cancel(Int, from: PID?)
    case timer(Int)

    /// The two fields of an EXIT event.
    struct Outcome: Equatable {
        var result: Int?
        var error: String?
    }
}

extension Mail.Outcome {
    /// What an EXIT must say of a process that ended with `reason`.
    init(_ reason: ExitReason) {
        if case .normal(let payload) = reason {
            self.init(result: Mail.integer(payload), error: nil)
        } else {
            self.init(result: nil, error: reason.error?.message)
        }
    }
}

extension Mail {
    /// The integer that `payload` is; nil for nil.
    static func integer(_ payload: Payload) -> Int? {
        payload.withReader { reader in
            if case .integer(let value) = reader.next() { Int(value) } else { nil }
        }
    }

    /// Reads a signal; nil for a kind no process of these tests gets.
    init?(_ signal: borrowing Signal) {
        let sender = signal.sender
        let kind = signal.kind
        let read: Mail? = signal.withPayload { reader in
            switch kind {
            case .message: return .message(Mail.integer(&reader) ?? -1, from: sender)
            case .timer: return .timer(Mail.integer(&reader) ?? -1)
            case .cancel:
                reader.skip()
                return .cancel(Int(Mail.text(&reader) ?? "") ?? -1, from: sender)
            case .exit:
                guard let sender else { return nil }
                reader.skip()
                let result = Mail.integer(&reader)
                return .exit(of: sender, Outcome(result: result, error: Mail.error(&reader)))
            case .linkDown:
                guard let sender else { return nil }
                reader.skip()
                return .linkDown(of: sender, error: Mail.error(&reader) ?? "")
            case .reply: return nil
            }
        }
        guard let read else { return nil }
        self = read
    }

    private static func integer(_ reader: inout PayloadReader) -> Int? {
        if case .integer(let value) = reader.next() { Int(value) } else { nil }
    }

    private static func text(_ reader: inout PayloadReader) -> String? {
        guard case .string(let bytes) = reader.next() else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func error(_ reader: inout PayloadReader) -> String? {
        guard case .error = reader.next() else { return nil }
        return text(&reader)
    }
}
