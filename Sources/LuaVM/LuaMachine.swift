import CLua
import CLuaShim

/// One Lua state and its memory, as a Swift value that owns it.
///
/// `requestDeath` and `memoryBytes` may be used by any thread; everything else only by whoever has
/// the process's turn (or builds it). After `discard` only those two remain.
@safe
package final class LuaMachine: @unchecked Sendable {
    // Sendable: see above; what any thread may call is atomic inside.
    private let machine: OpaquePointer
    private var isTemplate = false

    /// Makes a machine with an empty state; nil when the system has no memory left.
    ///
    /// `seed` keys the ids that `tostring` shows instead of addresses.
    package init?(memoryLimitBytes: Int, seed: UInt64) {
        guard let made = unsafe ml_machine_new(memoryLimitBytes, seed) else { return nil }
        unsafe machine = made
    }

    /// Takes over a machine made by a fork.
    init(owning machine: OpaquePointer) {
        unsafe self.machine = unsafe machine
    }

    /// Takes over a machine that a template is built in.
    init(template machine: OpaquePointer) {
        unsafe self.machine = unsafe machine
        isTemplate = true
    }

    deinit {
        if isTemplate {
            unsafe ml_machine_free_template(machine)
        } else {
            unsafe ml_machine_free(machine)
        }
    }

    /// The main thread: runs a process's main fiber.
    package var main: LuaThread { unsafe LuaThread(ml_machine_state(machine)) }

    /// Makes the globals: of Lua's base and string libraries what the program can name.
    package func openLibraries(_ words: Vocabulary = .everything) {
        let status = unsafe words.withNames { names in
            unsafe ml_open_libraries(machine, names == nil ? nil : mentionsName, names)
        }
        precondition(status == LUA_OK, "the standard libraries open")
    }

    /// What bodies get as their context.
    package func setContext(_ context: UnsafeMutableRawPointer?) {
        unsafe ml_machine_set_context(machine, context)
    }

    /// Bytes Lua holds now.
    package var memoryBytes: Int { unsafe ml_machine_memory(machine) }

    /// Whether it holds more than its limit: it will die before any more of its code runs.
    package var isOverMemoryLimit: Bool { unsafe ml_machine_is_over(machine) }

    /// Asks the machine to die at its next safe point.
    ///
    /// Any thread.
    package func requestDeath() { unsafe ml_machine_kill(machine) }

    /// Gives all of Lua's memory back; no Lua code runs.
    package func discard() { unsafe ml_machine_discard(machine) }

    /// Memory that lives and dies with the machine, counted like Lua's own.
    package func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        unsafe ml_machine_allocate(machine, bytes)
    }

    package func free(_ block: UnsafeMutableRawPointer, bytes: Int) {
        unsafe ml_machine_release(machine, block, bytes)
    }

    // MARK: Running

    package enum RunOutcome: Equatable {
        /// The fiber returned; its results are on its stack.
        case ended(results: Int32)
        /// An error escaped; its value is on top of the fiber's stack.
        case failed
        /// A body answered "block".
        case blocked
        /// The slice is over.
        case preempted
        /// The fiber lets the others run (`coroutine.yield` outside any coroutine).
        case released
        /// The machine must not run again.
        case died(Death)
    }

    package enum Death: Equatable {
        case killed
        case memory
    }

    /// Runs `fiber` on the calling thread, which must be a worker's.
    package func resume(_ fiber: LuaThread, arguments: Int32) -> RunOutcome {
        var results: Int32 = 0
        let outcome = unsafe ml_resume(machine, fiber.raw, arguments, &results)
        switch Int(outcome) {
        case ML_ENDED: return .ended(results: results)
        case ML_FAILED: return .failed
        case ML_BLOCKED: return .blocked
        case ML_PREEMPTED: return .preempted
        case ML_RELEASED: return .released
        default:
            return .died(
                unsafe ml_machine_death(machine) == Int32(ML_DEATH_MEMORY) ? .memory : .killed
            )
        }
    }

    /// Gives values the calls that `msg:payload()` needs.
    package func openMessageCalls() {
        unsafe ml_open_message_calls(ml_machine_state(machine), CodecKeys.plainClass.address)
    }

    // MARK: Loading

    /// Loads a chunk; pushes its function, or nothing and throws the message.
    package func load(
        _ bytes: [UInt8],
        name: String,
        isBinary: Bool,
        onto thread: LuaThread
    ) throws(LuaLoadFault) {
        let status = unsafe (bytes + [0]).withUnsafeBytes { raw in
            guard let start = raw.baseAddress else { return Int32(LUA_ERRSYNTAX) }
            return unsafe ml_load(
                thread.raw,
                start.assumingMemoryBound(to: CChar.self),
                bytes.count,
                name,
                isBinary
            )
        }
        if status == LUA_OK { return }
        let message = thread.string(-1) ?? "cannot be loaded"
        thread.pop()
        throw LuaLoadFault(message: message)
    }

    /// The binary form of the function on top of `thread`, which stays there.
    package func dump(_ thread: LuaThread) -> [UInt8]? {
        var count = 0
        guard let bytes = unsafe ml_dump(thread.raw, &count) else { return nil }
        defer { unsafe bytes.deallocate() }
        return unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    }
}

/// Why a chunk was not loaded: Lua's message, which names chunk and line.
package struct LuaLoadFault: Error, Equatable {
    package let message: String
}

/// The part of a worker thread that runs machines and can be interrupted.
@safe
package final class LuaWorker: @unchecked Sendable {
    // Sendable: `serial` and `interrupt` are made for other threads; `raw` runs on its own only.
    let raw: OpaquePointer

    /// Makes the calling thread a worker.
    ///
    /// Its stack must have at least 1 MiB.
    package init() {
        unsafe raw = ml_worker_new()
    }

    deinit {
        unsafe ml_worker_free(raw)
    }

    package var serial: UInt64 { unsafe ml_worker_serial(raw) }

    package func interrupt(_ serial: UInt64) { unsafe ml_worker_interrupt(raw, serial) }

    /// Installs the signal handler that interrupts need; once for the program.
    package static func installSignalHandler() { ml_install_signal_handler() }

    /// Has malloc give memory back to the system that processes leave; once for the program.
    package static func tuneMalloc() { ml_tune_malloc() }

    /// Whether kills can end a machine that is inside liblua's C code.
    package static var knowsLuaText: Bool { ml_knows_lua_text() }
}

/// What scripts' output and text conversions call.
package enum LuaHost {
    /// Sets what `print` calls: context, text, and the caller's line.
    package static func setPrintSink(
        _ sink: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>, Int, Int32) -> Void
    ) {
        unsafe ml_set_print_sink(sink)
    }

    /// Sets what pushes the text of a message's sender, whose number it is given.
    package static func setSenderText(
        _ writer: @convention(c) (OpaquePointer, UnsafeMutableRawPointer?, UInt64) -> Void
    ) {
        unsafe ml_set_sender_text(writer)
    }

    /// Sets which userdata string functions take as text: pushes it and returns true, or false.
    package static func setTextOfUserdata(
        _ reader: @convention(c) (OpaquePointer, Int32) -> Bool
    ) {
        unsafe ml_set_text_of_userdata(reader)
    }
}
