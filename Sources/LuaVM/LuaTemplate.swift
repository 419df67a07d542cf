import CLua
import CLuaShim

/// A Lua state made once, from which processes are forked.
///
/// See template.c for why a copy with adjusted addresses is a state of its own.
@safe
package final class LuaTemplate: @unchecked Sendable {
    // Sendable: nothing changes after `init`; forking only reads.
    private let template: OpaquePointer

    /// Builds a state with `build`, which returns the fiber that forks will run; nil when it needs
    /// more memory than a template has (2 MiB), or the system has none.
    package init?(_ build: (LuaMachine) -> LuaThread) {
        guard let raw = unsafe ml_machine_new_template() else { return nil }
        let machine = unsafe LuaMachine(template: raw)
        let fiber = build(machine)
        guard let made = unsafe ml_template_new(raw, fiber.raw) else { return nil }
        unsafe template = made
    }

    deinit {
        unsafe ml_template_free(template)
    }

    /// A new machine that is a copy, and its fiber; nil when the system has no memory left.
    package func fork(memoryLimitBytes: Int, seed: UInt64) -> (LuaMachine, LuaThread)? {
        var fiber: OpaquePointer?
        guard
            let raw = unsafe ml_template_fork(template, memoryLimitBytes, seed, &fiber),
            let fiber = unsafe fiber
        else { return nil }
        return unsafe (LuaMachine(owning: raw), LuaThread(fiber))
    }
}
