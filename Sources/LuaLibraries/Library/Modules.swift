import LuaVM
import ProcessRuntime

/// Opens everything a script sees beyond Lua's own libraries (SEMANTICS 3 and 9).
enum Modules {
    static func open(_ machine: LuaMachine) {
        let thread = machine.main
        SpawnLibrary.openClass(machine, thread)
        thread.pushTable(pairs: 16)
        add("process", thread) { ProcessLibrary.push(machine, thread) }
        add("channel", thread) { ChannelLibrary.push(machine, thread) }
        add("errors", thread) { ErrorsLibrary.push(machine, thread) }
        add("json", thread) { JSONLibrary.push(thread) }
        add("ctx", thread) { ContextLibrary.push(thread) }
        add("time", thread) { TimeLibrary.push(machine, thread) }
        add("os", thread) { OSLibrary.push(thread) }
        LoggerLibrary.push(machine, thread)
        addPlain("logger", thread)
        thread.pushGlobals()
        thread.getField(-1, "coroutine")
        FiberLibrary.extend(thread)
        thread.pop(2)
        for name in ["coroutine", "string", "table", "math", "utf8"] {
            thread.pushGlobals()
            thread.getField(-1, name)
            thread.setField(-3, name)
            thread.pop()
        }
        RequireLibrary.open(thread)
        machine.openMessageCalls()
        thread.setTop(0)
    }

    /// Adds a read-only module to the table on top, and to the globals.
    private static func add(_ name: String, _ thread: LuaThread, _ push: () -> Void) {
        push()
        thread.makeReadOnly(name)
        addPlain(name, thread)
    }

    /// Pops a value into the table below it and into the globals.
    private static func addPlain(_ name: String, _ thread: LuaThread) {
        thread.pushGlobals()
        thread.pushValue(-2)
        thread.setField(-2, name)
        thread.pop()
        thread.setField(-2, name)
    }
}
