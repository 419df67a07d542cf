import LuaVM
import Synchronization

/// Puts a program's state together: libraries, chunks, main fiber.
///
/// Nothing of it runs.
enum StateBuilder {
    /// Boot chunk, chunk, method, aliases, libraries.
    static let valueCount: Int32 = 4

    /// Opens the libraries and returns the main fiber.
    ///
    /// On its stack are the boot chunk and `valueCount` arguments of it; those of the process follow.
    static func build(
        _ machine: LuaMachine,
        _ program: Program,
        _ boot: [UInt8]
    ) -> LuaThread {
        machine.openLibraries()
        Modules.open(machine, program.words)
        let main = machine.main
        let fiber = main.pushNewThread()
        main.setKey(LuaThread.registry, mainFiberKey)
        load(boot, "boot", machine, fiber)
        load(program.chunk, program.id, machine, fiber)
        fiber.push(program.method)
        pushAliases(program.imports, fiber)
        fiber.pushTable(sequence: program.libraries.count)
        for (number, library) in program.libraries.enumerated() {
            pushLibrary(library, machine, fiber)
            fiber.setIndex(-2, Int64(number + 1))
        }
        return fiber
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

/// Where the main fiber's thread is anchored in the registry.
private let mainFiberKey = LuaKey()

/// A program with the template its processes are forked from, made at the first spawn.
final class LoadedProgram: Sendable {
    let program: Program
    private let template = Mutex(TemplateState.untried)

    private enum TemplateState: Sendable {
        case untried
        case made(LuaTemplate)
        /// The program outgrows a template: its states are booted.
        case impossible
    }

    init(_ program: Program) {
        self.program = program
    }

    /// A fresh state and its main fiber; nil when the system has no memory left.
    func state(
        _ boot: [UInt8],
        memoryLimitBytes: Int,
        seed: UInt64,
        forks: Bool
    ) -> (LuaMachine, LuaThread)? {
        if forks, let template = template(boot) {
            return template.fork(memoryLimitBytes: memoryLimitBytes, seed: seed)
        }
        guard let machine = LuaMachine(memoryLimitBytes: memoryLimitBytes, seed: seed) else {
            return nil
        }
        return (machine, StateBuilder.build(machine, program, boot))
    }

    /// The template, made at the first call; nil for a program that has none.
    private func template(_ boot: [UInt8]) -> LuaTemplate? {
        template.withLock { state in
            switch state {
            case .made(let template): return template
            case .impossible: return nil
            case .untried: break
            }
            let chunks = [boot, program.chunk] + program.libraries.map(\.chunk)
            guard
                let made = LuaTemplate(
                    holding: chunks,
                    { StateBuilder.build($0, program, boot) }
                )
            else {
                state = .impossible
                return nil
            }
            state = .made(made)
            return made
        }
    }
}
