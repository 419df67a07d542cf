public import CLua
public import CLuaShim

/// One Lua thread's stack, as Swift touches it.
///
/// Every function here calls only API functions that cannot raise, or raise for memory alone
/// (manual marks `-` and `m`): memory is always granted while Swift code runs. Stack indices are
/// Lua's: 1-based from the bottom of the running function, or negative from the top. Callers keep
/// Lua's promise of 20 free slots, or call `ensure`.
@safe
public struct LuaThread {
    // SAFETY: a thread is alive while its process has the turn; LuaThread values are not kept past
    // it, except fibers that the process anchors in its registry.
    /// The `lua_State`.
    public let raw: OpaquePointer

    /// Wraps a `lua_State` of a live machine.
    @inlinable @inline(__always)
    public init(_ raw: OpaquePointer) {
        unsafe self.raw = unsafe raw
    }

    /// How many values the running function has on the stack.
    @inlinable @inline(__always)
    public var top: Int32 { unsafe lua_gettop(raw) }

    /// Drops values above `index`, or fills up with nil.
    @inlinable @inline(__always)
    public func setTop(_ index: Int32) { unsafe lua_settop(raw, index) }

    /// Drops the top `count` values.
    @inlinable @inline(__always)
    public func pop(_ count: Int32 = 1) { unsafe lua_settop(raw, -count - 1) }

    /// Makes sure that `count` more values fit; false when the stack cannot grow that far.
    @inlinable @inline(__always)
    public func ensure(_ count: Int32) -> Bool { unsafe lua_checkstack(raw, count) != 0 }

    /// Has the machine die, as over its memory limit, before any more of its Lua code runs.
    @inlinable @inline(__always)
    public func exhaust() { unsafe ml_machine_exhaust(ml_machine_of(raw)) }

    /// `index` counted from the bottom.
    @inlinable @inline(__always)
    public func absolute(_ index: Int32) -> Int32 { unsafe lua_absindex(raw, index) }

    // MARK: Reading

    /// The type of the value at `index`.
    @inlinable @inline(__always)
    public func kind(_ index: Int32) -> LuaKind {
        LuaKind(rawValue: unsafe lua_type(raw, index)) ?? .none
    }

    /// Whether there is no value at `index`, or nil.
    @inlinable @inline(__always)
    public func isNilOrNone(_ index: Int32) -> Bool { unsafe lua_type(raw, index) <= 0 }

    /// Whether the value at `index` counts as true.
    @inlinable @inline(__always)
    public func boolean(_ index: Int32) -> Bool { unsafe lua_toboolean(raw, index) != 0 }

    /// The integer at `index`; nil for anything but an integer or a float with an exact one.
    @inlinable @inline(__always)
    public func integer(_ index: Int32) -> Int64? {
        guard kind(index) == .number else { return nil }
        var isInteger: Int32 = 0
        let value = unsafe lua_tointegerx(raw, index, &isInteger)
        return isInteger != 0 ? value : nil
    }

    /// The number at `index`, which is of the integer subtype.
    @inlinable @inline(__always)
    public func integerOfNumber(_ index: Int32) -> Int64 {
        unsafe lua_tointegerx(raw, index, nil)
    }

    /// Whether the number at `index` is of the integer subtype.
    @inlinable @inline(__always)
    public func isInteger(_ index: Int32) -> Bool { unsafe lua_isinteger(raw, index) != 0 }

    /// The number at `index`, as a float; nil for other values.
    @inlinable @inline(__always)
    public func number(_ index: Int32) -> Double? {
        kind(index) == .number ? unsafe lua_tonumberx(raw, index, nil) : nil
    }

    /// The bytes of the string at `index` (not of numbers): valid while it stays on the stack.
    @inlinable @inline(__always)
    public func bytes(_ index: Int32) -> UnsafeRawBufferPointer? {
        guard unsafe lua_type(raw, index) == LUA_TSTRING else { return nil }
        var count = 0
        guard let start = unsafe lua_tolstring(raw, index, &count) else { return nil }
        return unsafe UnsafeRawBufferPointer(start: start, count: count)
    }

    /// The bytes of the value at `index`, which is a string.
    @inlinable @inline(__always)
    public func bytesOfString(_ index: Int32) -> UnsafeRawBufferPointer {
        var count = 0
        let start = unsafe lua_tolstring(raw, index, &count)
        return unsafe UnsafeRawBufferPointer(start: start, count: count)
    }

    /// The string at `index`, with bytes that are not UTF-8 replaced; nil for other values.
    @inlinable @inline(__always)
    public func string(_ index: Int32) -> String? {
        guard let bytes = unsafe bytes(index) else { return nil }
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    /// The name of the type of the value at `index`.
    @inlinable @inline(__always)
    public func typeName(_ index: Int32) -> String {
        guard let name = unsafe lua_typename(raw, lua_type(raw, index)) else { return "no value" }
        return unsafe String(cString: name)
    }

    /// Whether two values are equal, metamethods left out.
    @inlinable @inline(__always)
    public func rawEqual(_ one: Int32, _ other: Int32) -> Bool {
        unsafe lua_rawequal(raw, one, other) != 0
    }

    /// The length of the table, string or userdata at `index`, metamethods left out.
    @inlinable @inline(__always)
    public func rawLength(_ index: Int32) -> Int { Int(unsafe lua_rawlen(raw, index)) }

    /// Whether the value at `index` is the integer `number`, as an integer.
    @inlinable @inline(__always)
    public func integer(_ index: Int32, is number: Int64) -> Bool {
        unsafe lua_isinteger(raw, index) != 0 && lua_tointegerx(raw, index, nil) == number
    }

    /// Whether the value at `index` is the light userdata `key`.
    public func isKey(_ index: Int32, _ key: LuaKey) -> Bool {
        guard kind(index) == .lightUserdata else { return false }
        return unsafe lua_touserdata(raw, index) == key.address
    }

    // MARK: Pushing

    /// Pushes nil.
    @inlinable @inline(__always)
    public func pushNil() { unsafe lua_pushnil(raw) }
    /// Pushes a boolean.
    @inlinable
    public func push(_ value: Bool) { unsafe lua_pushboolean(raw, value ? 1 : 0) }
    /// Pushes an integer.
    @inlinable @inline(__always)
    public func push(_ value: Int64) { unsafe lua_pushinteger(raw, value) }
    /// Pushes a float.
    @inlinable
    public func push(_ value: Double) { unsafe lua_pushnumber(raw, value) }

    /// Pushes a string.
    @inlinable @inline(__always)
    public func push(_ value: String) {
        var copy = value
        copy.withUTF8 { unsafe push(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Pushes a string of these bytes.
    @inlinable @inline(__always)
    public func push(bytes: UnsafeRawBufferPointer) {
        _ = unsafe lua_pushlstring(
            raw,
            bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
            bytes.count
        )
    }

    /// Pushes a string of these bytes.
    @inlinable @inline(__always)
    public func push(bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe push(bytes: $0) }
    }

    /// Pushes a copy of the value at `index`.
    @inlinable @inline(__always)
    public func pushValue(_ index: Int32) { unsafe lua_pushvalue(raw, index) }

    /// Pushes a Lua function that calls `body` through the trampoline.
    @inlinable @inline(__always)
    public func push(body function: LuaFunction) { unsafe ml_push_function(raw, function.body) }

    /// Pushes the function every process begins with; see boot.c for the arguments it takes.
    public func pushBoot() { unsafe ml_push_boot(raw) }

    /// Pushes Lua's own `next`, whatever a script made of the global.
    public func pushNext() { unsafe ml_push_stock_next(raw) }

    /// Pushes a key as a light userdata.
    @inlinable @inline(__always)
    public func pushKey(_ key: LuaKey) { unsafe lua_pushlightuserdata(raw, key.address) }

    /// Moves the top value to `index`, shifting up what is above.
    @inlinable @inline(__always)
    public func insert(_ index: Int32) { unsafe lua_rotate(raw, index, 1) }

    /// Removes the value at `index`, shifting down what is above.
    @inlinable @inline(__always)
    public func remove(_ index: Int32) {
        unsafe lua_rotate(raw, index, -1)
        pop()
    }

    /// Pops a value and puts it at `index`.
    @inlinable @inline(__always)
    public func replace(_ index: Int32) {
        unsafe lua_copy(raw, -1, index)
        pop()
    }

    /// Moves the top `count` values to another thread of the same process.
    @inlinable @inline(__always)
    public func move(_ count: Int32, to other: LuaThread) {
        unsafe lua_xmove(raw, other.raw, count)
    }

    // MARK: Tables, raw (no metamethods)

    /// Pushes a new table with room for that many elements.
    @inlinable @inline(__always)
    public func pushTable(sequence: Int = 0, pairs: Int = 0) {
        unsafe lua_createtable(
            raw,
            Int32(clamping: sequence),
            Int32(clamping: pairs)
        )
    }

    /// Pops a value and stores it under `name` in the table at `index`.
    @inlinable @inline(__always)
    public func setField(_ index: Int32, _ name: String) {
        let table = absolute(index)
        push(name)
        insert(-2)
        unsafe lua_rawset(raw, table)
    }

    /// Pushes the field `name` of the table at `index`.
    @inlinable @inline(__always)
    @discardableResult
    public func getField(_ index: Int32, _ name: String) -> LuaKind {
        let table = absolute(index)
        push(name)
        return LuaKind(rawValue: unsafe lua_rawget(raw, table)) ?? .none
    }

    /// Pops a value and stores it at `position` of the table at `index`.
    @inlinable @inline(__always)
    public func setIndex(_ index: Int32, _ position: Int64) {
        unsafe lua_rawseti(raw, index, position)
    }

    /// Pushes what is at `position` of the table at `index`.
    @inlinable @inline(__always)
    @discardableResult
    public func getIndex(_ index: Int32, _ position: Int64) -> LuaKind {
        LuaKind(rawValue: unsafe lua_rawgeti(raw, index, position)) ?? .none
    }

    /// Pops value and key and stores them in the table at `index`; the key is neither nil nor NaN.
    @inlinable @inline(__always)
    public func rawSet(_ index: Int32) { unsafe lua_rawset(raw, index) }

    /// Pops a value and stores it under `key` in the table at `index`.
    @inlinable @inline(__always)
    public func setKey(_ index: Int32, _ key: LuaKey) {
        unsafe lua_rawsetp(raw, index, key.address)
    }

    /// Pushes what is under `key` in the table at `index`.
    @inlinable @inline(__always)
    @discardableResult
    public func getKey(_ index: Int32, _ key: LuaKey) -> LuaKind {
        LuaKind(rawValue: unsafe lua_rawgetp(raw, index, key.address)) ?? .none
    }

    /// The pseudo-index of the registry, where scripts cannot reach.
    @inlinable @inline(__always)
    public static var registry: Int32 { ml_registry_index() }

    /// Pushes the table of globals.
    @inlinable @inline(__always)
    public func pushGlobals() {
        _ = unsafe lua_rawgeti(raw, Self.registry, Int64(LUA_RIDX_GLOBALS))
    }

    /// Has `rawset` refuse the tables whose metatable is on top.
    public func markReadOnly() { unsafe ml_mark_read_only(raw) }

    /// Pops a metatable and gives it to the value at `index`.
    @inlinable @inline(__always)
    public func setMetatable(_ index: Int32) { _ = unsafe lua_setmetatable(raw, index) }

    /// Pushes the metatable of the value at `index`; false (nothing pushed) where it has none.
    @inlinable @inline(__always)
    public func pushMetatable(_ index: Int32) -> Bool {
        unsafe lua_getmetatable(raw, index) != 0
    }

    /// Steps a traversal: pops a key, pushes the next key and value; false at the end.
    ///
    /// `lua_next` raises only for a key that is not in the table; this one comes from the traversal.
    @inlinable @inline(__always)
    public func next(_ index: Int32) -> Bool { unsafe ml_raw_next(raw, index) != 0 }

    /// Lua's libraries that are opened only where a program can reach them.
    public enum Library: Int32, CaseIterable, Sendable {
        case table = 1
        case math = 2
        case utf8 = 4
        case coroutine = 8

        /// Its global's name.
        public var name: String {
            switch self {
            case .table: "table"
            case .math: "math"
            case .utf8: "utf8"
            case .coroutine: "coroutine"
            }
        }
    }

    /// Opens one of them into the globals.
    @inlinable @inline(__always)
    public func open(_ library: Library) {
        let status = unsafe ml_open_more(raw, library.rawValue)
        precondition(status == LUA_OK, "a library of Lua opens")
    }

    /// Pops a table and makes it the environment of the function at `index`.
    @inlinable @inline(__always)
    public func setEnvironment(_ index: Int32) { unsafe ml_set_environment(raw, index) }

    /// Pushes a new thread.
    @inlinable @inline(__always)
    public func pushNewThread() -> LuaThread {
        guard let made = unsafe lua_newthread(raw) else {
            preconditionFailure("lua_newthread returns a thread or does not return")
        }
        return unsafe LuaThread(made)
    }

    // MARK: Userdata

    /// Pushes a userdata of `bytes` bytes with `values` user values, of the class `key`.
    @inlinable @inline(__always)
    public func pushUserdata(
        bytes: Int,
        values: Int32,
        class key: LuaKey
    ) -> UnsafeMutableRawPointer {
        unsafe ml_push_userdata(raw, key.address, bytes, values)
    }

    /// The memory of the userdata of class `key` at `index`, or nil for any other value.
    @inlinable @inline(__always)
    public func userdata(_ index: Int32, class key: LuaKey) -> UnsafeMutableRawPointer? {
        unsafe ml_test_userdata(raw, index, key.address)
    }

    /// Pops a value and makes it user value `number` of the userdata at `index`.
    @inlinable @inline(__always)
    public func setUserValue(_ index: Int32, _ number: Int32) {
        _ = unsafe lua_setiuservalue(raw, index, number)
    }

    /// Pushes user value `number` of the userdata at `index`.
    @inlinable @inline(__always)
    @discardableResult
    public func getUserValue(_ index: Int32, _ number: Int32) -> LuaKind {
        LuaKind(rawValue: unsafe lua_getiuservalue(raw, index, number)) ?? .none
    }

    // MARK: Context and outcomes

    /// Pushes "chunk:line:" of the function `level` levels up, "" where that is not Lua code.
    public func pushWhere(_ level: Int32) { unsafe ml_push_where(raw, level) }

    /// The line that runs in the function `level` levels up; zero where it has none.
    public func currentLine(_ level: Int32) -> Int32 { unsafe ml_current_line(raw, level) }

    /// The stack of `other` as text, a frame a line, from `level` on.
    public func traceback(of other: LuaThread, from level: Int32) -> String {
        unsafe ml_push_traceback(raw, other.raw, level)
        defer { pop() }
        return string(-1) ?? ""
    }

    /// The text of the value at `index` as `tostring` shows it, metamethods left out.
    public func rawText(_ index: Int32) -> String {
        unsafe ml_push_raw_text(raw, index)
        defer { pop() }
        return string(-1) ?? ""
    }

    /// Whether the running call chain can be suspended.
    @inlinable @inline(__always)
    public var canBlock: Bool { unsafe ml_can_block(raw) }

    /// Names the body that goes on after `LuaOutcome.block`.
    public func blockOutcome(then continuation: LuaFunction) -> Int32 {
        canBlock ? block(then: continuation) : refuseToBlock()
    }

    /// The outcome "block"; only where the chain can be suspended (`canBlock`).
    public func block(then continuation: LuaFunction) -> Int32 {
        unsafe ml_block(ml_machine_of(raw), continuation.body)
        return LuaOutcome.block
    }

    /// The outcome of blocking where the chain cannot be suspended: an error.
    public func refuseToBlock() -> Int32 {
        raise("attempt to yield across a C-call boundary")
    }

    /// The outcome "bad argument #index: message".
    public func badArgument(_ index: Int32, _ message: String) -> Int32 {
        unsafe ml_set_arg(ml_machine_of(raw), index)
        push(message)
        return LuaOutcome.raiseArgument
    }

    /// The outcome "bad argument #index: wanted expected, got ...".
    public func wrongType(_ index: Int32, _ expected: String) -> Int32 {
        unsafe ml_set_arg(ml_machine_of(raw), index)
        push(expected)
        return LuaOutcome.raiseType
    }

    /// The outcome of `error(message)` at the caller's line.
    public func raise(_ message: String) -> Int32 {
        push(message)
        return LuaOutcome.raiseHere
    }
}

/// A Swift function that Lua calls through a trampoline.
///
/// Takes the calling thread and the machine's context; returns the number of results on top of the
/// stack, or one of `LuaOutcome`. It must return: no Lua error ever passes over it.
public typealias LuaBody =
    @Sendable @convention(c) (OpaquePointer, UnsafeMutableRawPointer?) -> Int32

/// A body as a value to pass around.
@safe
public struct LuaFunction: Sendable {
    @usableFromInline let body: LuaBody

    /// Wraps a closure that captures nothing.
    @safe
    public init(_ body: @escaping LuaBody) {
        unsafe self.body = unsafe body
    }
}

/// What a body can answer instead of a number of results.
public enum LuaOutcome {
    /// Raises the value on top as it is.
    public static let raise = Int32(ML_RAISE)
    /// Raises the string on top with the caller's position in front.
    public static let raiseHere = Int32(ML_RAISE_HERE)
    static let raiseArgument = Int32(ML_RAISE_ARG)
    static let raiseType = Int32(ML_RAISE_TYPE)
    static let block = Int32(ML_BLOCK)
}

/// Lua's types.
public enum LuaKind: Int32, Sendable {
    case none = -1
    case nothing = 0
    case boolean = 1
    case lightUserdata = 2
    case number = 3
    case string = 4
    case table = 5
    case function = 6
    case userdata = 7
    case thread = 8
}

/// An address that names something in a registry: unique as long as the key is never freed.
@safe
public struct LuaKey: Hashable, @unchecked Sendable {
    // Sendable: an address that is compared, never followed.
    @usableFromInline let address: UnsafeMutableRawPointer

    /// Makes a key; keys are made once each and live for ever.
    public init() {
        unsafe address = .allocate(byteCount: 1, alignment: 1)
    }

    /// The key at an address that C was told.
    init(at address: UnsafeRawPointer) {
        unsafe self.address = unsafe UnsafeMutableRawPointer(mutating: address)
    }

    /// Whether they are the same address.
    public static func == (left: LuaKey, right: LuaKey) -> Bool {
        unsafe left.address == right.address
    }

    /// Feeds the address to `hasher`.
    public func hash(into hasher: inout Hasher) {
        unsafe hasher.combine(address)
    }
}
