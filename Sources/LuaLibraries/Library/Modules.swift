import LuaVM
import ProcessRuntime

/// Opens what a program can reach beyond Lua's base and strings (SEMANTICS 3 and 9).
enum Modules {
    private static let hosted = [
        "process", "channel", "errors", "json", "ctx", "time", "os", "logger",
    ]

    /// The classes of objects that reach a script, be it without its naming a module.
    private static let classes: Void = LuaClass.declare(
        [
            ErrorsLibrary.luaClass, ProcessLibrary.messageClass, SpawnLibrary.luaClass,
            LoggerLibrary.luaClass, TimeObject.luaClass, DurationObject.luaClass,
            LocationObject.luaClass,
        ] + ChannelLibrary.classes + TimerLibrary.classes
    )

    static func open(_ machine: LuaMachine, _ words: Vocabulary = .everything) {
        _ = classes
        machine.openLibraries(words)
        let thread = machine.main
        if words.mentions("require") { RequireLibrary.open(thread) }
        for name in hosted where words.mentions(name) { openHosted(name, words, thread) }
        for library in LuaThread.Library.allCases where words.mentions(library.name) {
            openLuas(library, thread)
        }
        if words.mentions("require") { addGlobal("string", thread) }
        // What most programs use at once is made here, not in each process.
        let channels = ["listen", "inbox", "events", "channel", "after", "timer", "ticker"]
        if channels.contains(where: words.mentions) {
            thread.openClass(Channel.key, methods: .channelMethods, words)
        }
        if ["inbox", "message"].contains(where: words.mentions) {
            thread.pushClass(CodecKeys.message)
        }
        if ["payload", "topic", "from"].contains(where: words.mentions) {
            machine.openMessageCalls()
        }
        thread.setTop(0)
    }

    /// Opens the module of that name, for `require`; false where there is none.
    static func openMissing(_ name: String, _ thread: LuaThread) -> Bool {
        if hosted.contains(name) {
            openHosted(name, nil, thread)
        } else if let library = LuaThread.Library.allCases.first(where: { $0.name == name }) {
            openLuas(library, thread)
        } else {
            return false
        }
        return true
    }

    private static func openHosted(
        _ name: String,
        _ words: Vocabulary?,
        _ thread: LuaThread
    ) {
        if let members = members(of: name) {
            thread.push(members, words)
            thread.makeReadOnly(name)
        } else {
            LoggerLibrary.push(thread)
        }
        thread.pushGlobals()
        thread.pushValue(-2)
        thread.setField(-2, name)
        thread.pop()
        RequireLibrary.add(name, thread)
    }

    private static func members(of module: String) -> Members? {
        switch module {
        case "process": .process
        case "channel": .channel
        case "errors": .errors
        case "json": .json
        case "ctx": .ctx
        case "time": .time
        case "os": .os
        default: nil
        }
    }

    private static func openLuas(_ library: LuaThread.Library, _ thread: LuaThread) {
        thread.open(library)
        if library == .coroutine {
            thread.pushGlobals()
            thread.getField(-1, "coroutine")
            FiberLibrary.extend(thread)
            thread.pop(2)
        }
        addGlobal(library.name, thread)
    }

    /// Makes a global known to `require`.
    private static func addGlobal(_ name: String, _ thread: LuaThread) {
        thread.pushGlobals()
        thread.getField(-1, name)
        RequireLibrary.add(name, thread)
        thread.pop()
    }
}
