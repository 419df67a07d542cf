import GoTime
import LuaVM
import Payload
import ProcessRuntime

/// Which zone a time or a location means, as its userdata stores it.
///
/// Zones that all processes share have a number; for a fixed one the userdata holds the offset here
/// and the name as its user value 1.
struct ZoneReference: Equatable {
    var number: Int32
    /// Seconds east of UTC; zero for shared zones.
    var offsetSeconds: Int32 = 0

    static let fixed: Int32 = -1

    init(of zone: Zone) {
        if let shared = ZoneStore.number(of: zone) {
            number = shared
        } else {
            number = Self.fixed
            offsetSeconds = Int32(zone.lookup(0).offsetSeconds)
        }
    }

    var isFixed: Bool { number == Self.fixed }

    /// The zone; `index` is where the userdata is.
    func zone(at index: Int32, of thread: LuaThread) -> Zone {
        guard isFixed else { return ZoneStore.zone(number) }
        thread.getUserValue(index, 1)
        let name = thread.string(-1) ?? ""
        thread.pop()
        do throws(TimeFault) {
            return try Zone(fixed: name, offsetSeconds: Int64(offsetSeconds))
        } catch {
            preconditionFailure("a zone that was made once can be made again: \(error.message)")
        }
    }
}

/// Location objects: time zones.
enum LocationObject {
    fileprivate static let key = LuaKey()

    static let methods: [Member] = [
        Member("string") { unsafe LocationObject.name(Call($0, $1)) }
    ]

    private static let operators: LibraryFunctions = [
        ("__tostring", LuaFunction { unsafe LocationObject.name(Call($0, $1)) }),
        ("__eq", LuaFunction { unsafe LocationObject.equal(Call($0, $1)) }),
    ]

    static let luaClass = LuaClass(
        key,
        "location",
        methods: .locationMethods,
        operators: operators
    )

    /// The zone of the location at `index`, or nil for any other value.
    static func at(_ index: Int32, of thread: LuaThread) -> Zone? {
        reference(index, of: thread)?.zone(at: index, of: thread)
    }

    private static func reference(_ index: Int32, of thread: LuaThread) -> ZoneReference? {
        guard let memory = unsafe thread.userdata(index, class: key) else { return nil }
        return unsafe memory.load(as: ZoneReference.self)
    }

    private static func name(_ call: Call) -> Int32 {
        guard let zone = at(1, of: call.thread) else {
            return call.thread.wrongType(1, "location")
        }
        call.thread.push(zone.name)
        return 1
    }

    /// The same shared zone, or fixed ones with the same name and offset.
    private static func equal(_ call: Call) -> Int32 {
        let thread = call.thread
        guard let left = reference(1, of: thread), let right = reference(2, of: thread),
            left == right
        else { return call.answer(false) }
        guard left.isFixed else { return call.answer(true) }
        thread.getUserValue(1, 1)
        thread.getUserValue(2, 1)
        return call.answer(thread.rawEqual(-1, -2))
    }
}

extension LuaThread {
    /// Pushes a location object.
    func push(_ zone: Zone) {
        let reference = ZoneReference(of: zone)
        let memory = unsafe pushUserdata(
            bytes: MemoryLayout<ZoneReference>.size,
            values: 1,
            class: LocationObject.key
        )
        unsafe memory.storeBytes(of: reference, as: ZoneReference.self)
        if reference.isFixed {
            push(zone.name)
            setUserValue(-2, 1)
        }
    }
}

extension Call {
    /// The zone of the location argument `index`; nil where it is left out.
    ///
    /// `outcome` gets the outcome of a type error; what it holds already stays.
    func location(_ index: Int32, _ outcome: inout Int32?) -> Zone? {
        if outcome != nil || thread.isNilOrNone(index) { return nil }
        if let zone = LocationObject.at(index, of: thread) { return zone }
        outcome = thread.wrongType(index, "location")
        return nil
    }

    func answer(_ zone: Zone) -> Int32 {
        thread.push(zone)
        return 1
    }
}
