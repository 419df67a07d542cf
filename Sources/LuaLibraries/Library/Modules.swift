import LuaVM
import ProcessRuntime

/// Which names a program's sources mention: what they cannot name, they cannot reach.
///
/// Scripts have no `load`, so a global is reached by its name in the source, or through the table of
/// globals (`_G`, `_ENV`); a module also through `require`, which opens what is missing. So an idle
/// process holds only the libraries its program can use.
struct Vocabulary: Sendable {
    private let text: [UInt8]
    private let reachesAll: Bool

    /// Everything may be reached.
    static let everything = Vocabulary(text: [], reachesAll: true)

    private init(text: [UInt8], reachesAll: Bool) {
        self.text = text
        self.reachesAll = reachesAll
    }

    init(sources: [String]) {
        let text = Array(sources.joined(separator: "\n").utf8)
        let bare = Vocabulary(text: text, reachesAll: false)
        self.init(text: text, reachesAll: bare.mentions("_G") || bare.mentions("_ENV"))
    }

    /// Whether `name` stands anywhere in the sources, be it inside another word.
    func mentions(_ name: String) -> Bool {
        if reachesAll { return true }
        let wanted = Array(name.utf8)
        guard let first = wanted.first, text.count >= wanted.count else { return false }
        for start in 0...(text.count - wanted.count) where text[start] == first {
            if text[start..<start + wanted.count].elementsEqual(wanted) { return true }
        }
        return false
    }
}

/// Opens what a program can reach beyond Lua's base and strings (SEMANTICS 3 and 9).
enum Modules {
    private static let hosted = [
        "process", "channel", "errors", "json", "ctx", "time", "os", "logger",
    ]

    static func open(_ machine: LuaMachine, _ words: Vocabulary = .everything) {
        let thread = machine.main
        // Objects of these classes reach a script without its naming the module.
        ErrorsLibrary.openClass(machine, thread)
        ChannelLibrary.openClass(machine, thread)
        ProcessLibrary.openClass(machine, thread)
        RequireLibrary.open(thread)
        for name in hosted where words.mentions(name) { openHosted(name, machine, thread) }
        for library in LuaThread.Library.allCases where words.mentions(library.name) {
            openLuas(library, thread)
        }
        addGlobal("string", thread)
        if ["payload", "topic", "from"].contains(where: words.mentions) {
            machine.openMessageCalls()
        }
        thread.setTop(0)
    }

    /// Opens the module of that name, for `require`; false where there is none.
    static func openMissing(_ name: String, _ machine: LuaMachine, _ thread: LuaThread) -> Bool {
        if hosted.contains(name) {
            openHosted(name, machine, thread)
        } else if let library = LuaThread.Library.allCases.first(where: { $0.name == name }) {
            openLuas(library, thread)
        } else {
            return false
        }
        return true
    }

    private static func openHosted(_ name: String, _ machine: LuaMachine, _ thread: LuaThread) {
        switch name {
        case "process": ProcessLibrary.push(machine, thread)
        case "channel": ChannelLibrary.push(thread)
        case "errors": ErrorsLibrary.push(thread)
        case "json": JSONLibrary.push(thread)
        case "ctx": ContextLibrary.push(thread)
        case "time": TimeLibrary.push(machine, thread)
        case "os": OSLibrary.push(thread)
        default: LoggerLibrary.push(machine, thread)
        }
        if name != "logger" { thread.makeReadOnly(name) }
        thread.pushGlobals()
        thread.pushValue(-2)
        thread.setField(-2, name)
        thread.pop()
        RequireLibrary.add(name, thread)
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
