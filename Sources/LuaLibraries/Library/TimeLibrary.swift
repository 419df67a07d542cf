import LuaVM
import ProcessRuntime

/// The `time` module (SEMANTICS 10).
enum TimeLibrary {
    static func push(_ machine: LuaMachine, _ thread: LuaThread) {
        thread.pushFunctions([])
    }
}

/// The harmless part of `os` (SEMANTICS 9).
enum OSLibrary {
    static func push(_ thread: LuaThread) {
        thread.pushFunctions([])
    }
}

extension LuaProcess {
    /// Pushes a Time object for `wall` (nanoseconds since 1970).
    func pushTime(_ wall: UInt64, _ thread: LuaThread) {
        thread.push(Double(wall) / 1e9)
    }
}
