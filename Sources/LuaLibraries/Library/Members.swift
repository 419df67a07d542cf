import LuaVM

/// One thing a script reads by name from a module or an object.
struct Member: Sendable {
    let name: String
    let value: Value

    enum Value: Sendable {
        case function(LuaFunction)
        case string(String)
        case integer(Int64)
        /// A read-only table of its own, by the name that `tostring` shows.
        case table(Members, String)
        /// What the closure pushes.
        case made(@Sendable (LuaThread) -> Void)
    }

    init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    /// A function; the closure captures nothing.
    @safe
    init(_ name: String, _ body: @escaping LuaBody) {
        self.init(name, .function(LuaFunction(body)))
    }

    fileprivate func push(_ thread: LuaThread, _ words: Vocabulary?) {
        switch value {
        case .function(let function): thread.push(body: function)
        case .string(let text): thread.push(text)
        case .integer(let number): thread.push(number)
        case .made(let push): push(thread)
        case .table(let members, let name):
            thread.push(members, words)
            thread.makeReadOnly(name)
        }
    }
}

/// The tables of members that scripts see, each a list that is the same in every state.
///
/// A state's table holds the members that its program's sources mention. The others are found by
/// `__index` of the table's own metatable when they are asked for all the same, by a name put
/// together, and kept from then on. Scripts get at neither: a module is a read-only view of its
/// table, methods lie behind a hidden metatable.
enum Members: Int64, Sendable {
    // Modules and the tables in them.
    case process = 1
    case processRegistry, processEvent, channel, errors, json, ctx, time, os
    // Methods.
    case channelMethods, errorMethods, spawnerMethods, loggerMethods
    case durationMethods, timeMethods, locationMethods, timerMethods, tickerMethods

    var list: [Member] {
        switch self {
        case .process: ProcessLibrary.members
        case .processRegistry: ProcessLibrary.registryMembers
        case .processEvent: ProcessLibrary.eventMembers
        case .channel: ChannelLibrary.members
        case .errors: ErrorsLibrary.members
        case .json: JSONLibrary.members
        case .ctx: ContextLibrary.members
        case .time: TimeLibrary.members
        case .os: OSLibrary.members
        case .channelMethods: ChannelLibrary.methods
        case .errorMethods: ErrorsLibrary.methods
        case .spawnerMethods: SpawnLibrary.spawnerMethods
        case .loggerMethods: LoggerLibrary.methods
        case .durationMethods: DurationObject.methods
        case .timeMethods: TimeObject.methods
        case .locationMethods: LocationObject.methods
        case .timerMethods: TimerLibrary.timerMethods
        case .tickerMethods: TimerLibrary.tickerMethods
        }
    }
}

extension LuaThread {
    /// Pushes a table of the members that are mentioned; with nil for words, of none yet.
    func push(_ members: Members, _ words: Vocabulary?) {
        let list = members.list
        let mentioned = list.filter { words?.mentions($0.name) ?? false }
        pushTable(pairs: mentioned.count)
        for member in mentioned {
            member.push(self, words)
            setField(-2, member.name)
        }
        guard mentioned.count < list.count else { return }
        pushTable(sequence: 1, pairs: 1)
        push(members.rawValue)
        setIndex(-2, 1)
        push(body: memberFinder)
        setField(-2, "__index")
        setMetatable(-2)
    }

    /// Adds the members that a table of them does not hold yet.
    fileprivate func complete(_ index: Int32) {
        let table = absolute(index)
        guard let members = members(of: table) else { return }
        for member in members.list {
            if getField(table, member.name) == .nothing {
                member.push(self, nil)
                setField(table, member.name)
            }
            pop()
        }
        pushNil()
        setMetatable(table)
    }

    /// Whose table it is, where it does not hold all members yet.
    private func members(of table: Int32) -> Members? {
        guard pushMetatable(table) else { return nil }
        getIndex(-1, 1)
        defer { pop(2) }
        return integer(-1).flatMap(Members.init(rawValue:))
    }

    /// `__index` of a table of members: table and name are the arguments.
    fileprivate func findMember() -> Int32 {
        guard kind(1) == .table, let name = unsafe bytes(2), let members = members(of: 1) else {
            return 0
        }
        let found = members.list.first { member in
            unsafe member.name.utf8.elementsEqual(name)
        }
        guard let found else { return 0 }
        pushValue(2)
        found.push(self, nil)
        pushValue(-1)
        insert(-3)
        rawSet(1)
        return 1
    }
}

private let memberFinder = LuaFunction { raw, _ in unsafe LuaThread(raw).findMember() }

// MARK: Read-only views

extension LuaThread {
    /// Replaces the table on top by a read-only view of it: reads pass, writes raise.
    func makeReadOnly(_ name: String) {
        pushTable()
        pushTable(pairs: 6)
        pushValue(-3)
        setField(-2, "__index")
        push(name)
        setField(-2, "__name")
        push(false)
        setField(-2, "__metatable")
        push(body: refuseWrite)
        setField(-2, "__newindex")
        push(body: viewPairs)
        setField(-2, "__pairs")
        markReadOnly()
        setMetatable(-2)
        remove(-2)
    }

    /// `pairs` of a read-only view: `next`, a copy of the table behind it, nil.
    fileprivate func pairsOfView() -> Int32 {
        guard pushMetatable(1) else { return wrongType(1, "table") }
        getField(-1, "__index")
        let original = top
        complete(original)
        pushNext()
        pushTable()
        let copy = top
        pushNil()
        while next(original) {
            pushValue(-2)
            insert(-2)
            rawSet(copy)
        }
        pushNil()
        return 3
    }
}

private let refuseWrite = LuaFunction { raw, _ in
    unsafe LuaThread(raw).raise("this table is read-only")
}
private let viewPairs = LuaFunction { raw, _ in unsafe LuaThread(raw).pairsOfView() }

// MARK: Classes

extension LuaClass {
    /// A class whose objects have methods and answer to operators.
    init(
        _ key: LuaKey,
        _ name: String,
        methods: Members? = nil,
        operators: LibraryFunctions = []
    ) {
        self.init(key, name) { thread in
            if let methods {
                thread.push(methods, nil)
                thread.setField(-2, "__index")
            }
            for one in operators {
                thread.push(body: one.body)
                thread.setField(-2, one.name)
            }
        }
    }
}

extension LuaThread {
    /// Makes a class before its first object, with the methods that are mentioned.
    func openClass(_ key: LuaKey, methods: Members, _ words: Vocabulary) {
        pushClass(key)
        push(methods, words)
        setField(-2, "__index")
        pop()
    }
}
