import LuaVM

/// Puts a program's state together: libraries, chunks, what the main fiber begins with.
///
/// Nothing of it runs.
enum StateBuilder {
    /// How many arguments boot.c gets before those of the process: chunk, method, aliases, libraries.
    static let valueCount: Int32 = 4

    /// Opens the libraries, and puts the boot function and its arguments on the main thread's stack.
    ///
    /// Those of the process follow.
    static func build(_ machine: LuaMachine, _ program: Program) {
        Modules.open(machine, program.words)
        let fiber = machine.main
        fiber.pushBoot()
        load(program.chunk, program.id, machine, fiber)
        fiber.push(program.method)
        pushAliases(program.imports, fiber)
        fiber.pushTable(sequence: program.libraries.count)
        for (number, library) in program.libraries.enumerated() {
            pushLibrary(library, machine, fiber)
            fiber.setIndex(-2, Int64(number + 1))
        }
    }

    private static func load(
        _ chunk: [UInt8],
        _ id: String,
        _ machine: LuaMachine,
        _ thread: LuaThread
    ) {
        do throws(LuaLoadFault) {
            try machine.load(chunk, name: "=" + id, isBinary: true, onto: thread)
        } catch {
            preconditionFailure("a chunk we compiled loads: \(error.message)")
        }
    }

    private static func pushAliases(_ imports: [Program.Import], _ thread: LuaThread) {
        thread.pushTable(pairs: imports.count)
        for one in imports {
            thread.push(Int64(one.library + 1))
            thread.setField(-2, one.alias)
        }
    }

    /// Pushes `{chunk, aliases, environment}`; the environment reads and writes through to globals.
    private static func pushLibrary(
        _ library: Program.Library,
        _ machine: LuaMachine,
        _ thread: LuaThread
    ) {
        thread.pushTable(sequence: 3)
        load(library.chunk, library.id, machine, thread)
        thread.pushTable(pairs: library.imports.count)
        thread.pushTable(pairs: 2)
        thread.pushGlobals()
        thread.setField(-2, "__index")
        thread.pushGlobals()
        thread.setField(-2, "__newindex")
        thread.setMetatable(-2)
        thread.pushValue(-1)
        thread.setEnvironment(-3)
        thread.setIndex(-3, 3)
        thread.setIndex(-2, 1)
        pushAliases(library.imports, thread)
        thread.setIndex(-2, 2)
    }
}
