import LuaVM
import ProcessRuntime
import Synchronization

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

    /// The entry's id.
    var id: String { program.id }

    init(_ program: Program) {
        self.program = program
    }

    /// A fresh state; nil when the system has no memory left.
    func state(memoryLimitBytes: Int, seed: UInt64, forks: Bool) -> LuaMachine? {
        if forks, let template = makeTemplate() {
            return template.fork(memoryLimitBytes: memoryLimitBytes, seed: seed)
        }
        guard let machine = LuaMachine(memoryLimitBytes: memoryLimitBytes, seed: seed) else {
            return nil
        }
        StateBuilder.build(machine, program)
        return machine
    }

    /// The template, made at the first call; nil for a program that has none.
    private func makeTemplate() -> LuaTemplate? {
        template.withLock { state in
            switch state {
            case .made(let template): return template
            case .impossible: return nil
            case .untried: break
            }
            let chunks = [program.chunk] + program.libraries.map(\.chunk)
            guard
                let made = LuaTemplate(
                    holding: chunks,
                    { StateBuilder.build($0, program) }
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
