import GoTime
import LuaVM
import Payload
import ProcessRuntime

/// Duration objects: a number of nanoseconds with methods.
///
/// Wherever a duration is wanted, a string such as "1.5s", an integer of nanoseconds, or an object
/// will do (SEMANTICS 10).
enum DurationObject {
    fileprivate static let key = LuaKey()

    static let methods: [Member] = [
        Member("hours") { unsafe DurationObject.float(Call($0, $1)) { $0.hours } },
        Member("minutes") { unsafe DurationObject.float(Call($0, $1)) { $0.minutes } },
        Member("seconds") { unsafe DurationObject.float(Call($0, $1)) { $0.seconds } },
        Member("milliseconds") { unsafe DurationObject.integer(Call($0, $1)) { $0.milliseconds } },
        Member("microseconds") { unsafe DurationObject.integer(Call($0, $1)) { $0.microseconds } },
        Member("nanoseconds") { unsafe DurationObject.integer(Call($0, $1)) { $0.nanoseconds } },
        Member("round") {
            unsafe DurationObject.combined(Call($0, $1)) { $0.rounded(to: $1) }
        },
        Member("truncate") {
            unsafe DurationObject.combined(Call($0, $1)) { $0.truncated(to: $1) }
        },
        Member("abs") { unsafe DurationObject.changed(Call($0, $1)) { $0.magnitude } },
    ]

    private static let operators: LibraryFunctions = [
        ("__tostring", LuaFunction { unsafe DurationObject.text(Call($0, $1)) }),
        (
            "__add",
            LuaFunction {
                unsafe DurationObject.operated(Call($0, $1)) { call, left, right in
                    call.answer(left.adding(right))
                }
            }
        ),
        (
            "__sub",
            LuaFunction {
                unsafe DurationObject.operated(Call($0, $1)) { call, left, right in
                    call.answer(left.subtracting(right))
                }
            }
        ),
        (
            "__unm",
            LuaFunction {
                unsafe DurationObject.changed(Call($0, $1)) {
                    GoDuration(nanoseconds: 0).subtracting($0)
                }
            }
        ),
        ("__eq", LuaFunction { unsafe DurationObject.equal(Call($0, $1)) }),
        (
            "__lt",
            LuaFunction {
                unsafe DurationObject.operated(Call($0, $1)) { $0.answer($1 < $2) }
            }
        ),
        (
            "__le",
            LuaFunction {
                unsafe DurationObject.operated(Call($0, $1)) { $0.answer($1 <= $2) }
            }
        ),
    ]

    static let luaClass = LuaClass(
        key,
        "duration",
        methods: .durationMethods,
        operators: operators
    )

    /// The duration object at `index`, or nil for any other value.
    static func at(_ index: Int32, of thread: LuaThread) -> GoDuration? {
        guard let memory = unsafe thread.userdata(index, class: key) else { return nil }
        return GoDuration(nanoseconds: unsafe memory.load(as: Int64.self))
    }

    // MARK: Methods

    private static func float(_ call: Call, _ value: (GoDuration) -> Double) -> Int32 {
        guard let duration = at(1, of: call.thread) else {
            return call.thread.wrongType(1, "duration")
        }
        call.thread.push(value(duration))
        return 1
    }

    private static func integer(_ call: Call, _ value: (GoDuration) -> Int64) -> Int32 {
        guard let duration = at(1, of: call.thread) else {
            return call.thread.wrongType(1, "duration")
        }
        call.thread.push(value(duration))
        return 1
    }

    private static func changed(_ call: Call, _ change: (GoDuration) -> GoDuration) -> Int32 {
        guard let duration = at(1, of: call.thread) else {
            return call.thread.wrongType(1, "duration")
        }
        return call.answer(change(duration))
    }

    private static func combined(
        _ call: Call,
        _ combine: (GoDuration, GoDuration) -> GoDuration
    ) -> Int32 {
        guard let duration = at(1, of: call.thread) else {
            return call.thread.wrongType(1, "duration")
        }
        var outcome: Int32?
        let other = call.duration(2, &outcome)
        return outcome ?? call.answer(combine(duration, other))
    }

    private static func text(_ call: Call) -> Int32 {
        guard let duration = at(1, of: call.thread) else {
            return call.thread.wrongType(1, "duration")
        }
        call.thread.push("\(duration)")
        return 1
    }

    // MARK: Operators

    /// An operator has one result, so what is no duration is raised.
    private static func operated(
        _ call: Call,
        _ answer: (Call, GoDuration, GoDuration) -> Int32
    ) -> Int32 {
        do throws(TimeFault) {
            guard let left = try call.thread.duration(1) else {
                return call.thread.wrongType(1, "duration")
            }
            guard let right = try call.thread.duration(2) else {
                return call.thread.wrongType(2, "duration")
            }
            return answer(call, left, right)
        } catch {
            return call.thread.raise(error.message)
        }
    }

    /// Lua asks only about two userdata; one of another class is never equal.
    private static func equal(_ call: Call) -> Int32 {
        guard let left = at(1, of: call.thread), let right = at(2, of: call.thread) else {
            return call.answer(false)
        }
        return call.answer(left == right)
    }
}

extension LuaThread {
    /// The duration that the value at `index` means; nil for a value of a wrong type.
    ///
    /// Throws for numbers with a fraction and for strings that are no duration.
    func duration(_ index: Int32) throws(TimeFault) -> GoDuration? {
        switch kind(index) {
        case .number:
            guard let nanoseconds = integer(index) else {
                throw TimeFault("durations are strings like \"10ms\" or integer nanoseconds")
            }
            return GoDuration(nanoseconds: nanoseconds)
        case .string:
            guard let text = unsafe bytes(index) else { return nil }
            return try unsafe GoDuration(parsing: text)
        default: return DurationObject.at(index, of: self)
        }
    }
}

extension Call {
    /// The duration argument `index`, or in `outcome` that of a type error or of `nil, err`.
    func duration(_ index: Int32, _ outcome: inout Int32?) -> GoDuration {
        do throws(TimeFault) {
            if let duration = try thread.duration(index) { return duration }
            outcome = thread.wrongType(index, "duration")
        } catch {
            outcome = fail(.invalid, error.message)
        }
        return GoDuration(nanoseconds: 0)
    }

    func answer(_ duration: GoDuration) -> Int32 {
        let memory = unsafe thread.pushUserdata(
            bytes: MemoryLayout<Int64>.size,
            values: 0,
            class: DurationObject.key
        )
        unsafe memory.storeBytes(of: duration.nanoseconds, as: Int64.self)
        return 1
    }

    func answer(_ truth: Bool) -> Int32 {
        thread.push(truth)
        return 1
    }
}
