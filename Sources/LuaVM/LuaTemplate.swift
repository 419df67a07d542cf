import CLua
import CLuaShim

/// A Lua state made once, from which processes are forked.
///
/// See template.c for why a copy with adjusted addresses is a state of its own.
@safe
package final class LuaTemplate: @unchecked Sendable {
    // Sendable: nothing changes after `init`; forking only reads.
    private let template: OpaquePointer

    /// Builds a state with `build`; what it leaves on the main thread's stack, forks will run.
    ///
    /// `chunks` are the compiled programs it will load: the state is built at a place that no bytes
    /// of theirs could be taken for an address of. Nil when there is no such place, when the state
    /// needs more memory than a template has (2 MiB), or when the system has none.
    package init?(holding chunks: [[UInt8]], _ build: (LuaMachine) -> Void) {
        // Those that clash are kept until the end, so that the next one is elsewhere.
        var tried: [LuaMachine] = []
        for _ in 0..<Self.placesMax {
            guard let raw = unsafe ml_machine_new_template() else { return nil }
            let machine = unsafe LuaMachine(template: raw)
            tried.append(machine)
            let clashes = chunks.contains { chunk in
                unsafe chunk.withUnsafeBufferPointer { bytes in
                    guard let start = bytes.baseAddress else { return false }
                    return unsafe ml_template_clashes(raw, start, bytes.count)
                }
            }
            if clashes { continue }
            build(machine)
            guard let made = unsafe ml_template_new(raw) else { return nil }
            unsafe template = made
            return
        }
        return nil
    }

    /// A program whose bytes clash with this many places in a row was written to.
    private static let placesMax = 8

    deinit {
        unsafe ml_template_free(template)
    }

    /// A new machine that is a copy; nil when the system has no memory left.
    package func fork(memoryLimitBytes: Int, seed: UInt64) -> LuaMachine? {
        guard let raw = unsafe ml_template_fork(template, memoryLimitBytes, seed) else {
            return nil
        }
        return unsafe LuaMachine(owning: raw)
    }
}
