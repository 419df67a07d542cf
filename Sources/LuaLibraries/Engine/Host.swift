import ProcessRuntime
import Synchronization

/// A host at work: its limits, and how many processes it has now.
final class Host: Sendable {
    let id: String
    let limits: ProcessLimits
    /// Zero for no limit.
    private let processesMax: Int
    private let count = Atomic<Int>(0)

    init(_ info: LuaEngine.HostInfo) {
        id = info.id
        limits = info.limits
        processesMax = info.processesMax
    }

    var processCount: Int { count.load(ordering: .relaxed) }

    /// Takes the place of one more process; false when there is none.
    func takePlace() -> Bool {
        var known = count.load(ordering: .relaxed)
        while processesMax == 0 || known < processesMax {
            let (taken, found) = count.weakCompareExchange(
                expected: known,
                desired: known + 1,
                ordering: .relaxed
            )
            if taken { return true }
            known = found
        }
        return false
    }

    func givePlaceBack() {
        count.wrappingSubtract(1, ordering: .relaxed)
    }
}

/// Values by name, for names that are looked up at every spawn.
///
/// A few are compared one by one, which costs less than hashing; more are in a dictionary.
struct NameIndex<Value: Sendable>: Sendable {
    private let few: [(name: String, value: Value)]
    private let many: [String: Value]
    private static var fewMax: Int { 8 }

    /// The first of values with equal names counts.
    init(_ pairs: [(String, Value)]) {
        many = Dictionary(pairs) { first, _ in first }
        few = many.count <= Self.fewMax ? many.map { ($0.key, $0.value) } : []
    }

    subscript(_ name: String) -> Value? {
        if many.count > Self.fewMax { return many[name] }
        for one in few where one.name == name { return one.value }
        return nil
    }
}
