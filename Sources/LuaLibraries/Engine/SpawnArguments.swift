import LuaVM
import Payload

/// What a spawn passes to the entry's method: encoded values, one behind the other.
struct SpawnArguments {
    /// More arguments a spawn does not take: each needs its place on the child's Lua stack.
    static let countMax = 250

    let bytes: [UInt8]
    let count: Int

    static let none = SpawnArguments(bytes: [], count: 0)

    init(bytes: [UInt8], count: Int) {
        self.bytes = bytes
        self.count = count
    }

    init(_ values: [Payload]) {
        bytes = values.flatMap(\.bytes)
        count = values.count
    }

    /// Why a spawn does not take so many.
    static func tooMany(_ count: Int) -> String {
        "a spawn takes at most \(countMax) arguments, not \(count)"
    }

    /// Pushes them onto the stack of a machine that has not run yet.
    ///
    /// False when they alone take more than `memoryLimitBytes`: the machine is of no use then.
    func push(onto machine: LuaMachine, memoryLimitBytes: Int) -> Bool {
        let thread = machine.main
        guard thread.ensure(Int32(count) + 20) else { return false }
        let before = machine.memoryBytes
        return unsafe bytes.withUnsafeBytes { raw in
            var reader = unsafe PayloadReader(raw)
            while !reader.isAtEnd {
                thread.pushPayload(&reader)
                if machine.memoryBytes - before > memoryLimitBytes { return false }
            }
            return true
        }
    }
}
