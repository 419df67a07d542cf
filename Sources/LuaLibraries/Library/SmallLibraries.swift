import JSON
import LuaVM
import Payload
import ProcessRuntime

/// `ctx`: values inherited from whoever spawned the process (SEMANTICS 5).
enum ContextLibrary {
    static let members: [Member] = [
        Member("get") { unsafe ContextLibrary.get(Call($0, $1)) },
        Member("all") { unsafe ContextLibrary.all(Call($0, $1)) },
    ]

    private static func get(_ call: Call) -> Int32 {
        var outcome: Int32?
        let key = call.string(1, &outcome)
        if let outcome { return outcome }
        if key.isEmpty { return call.fail(.invalid, "empty key") }
        call.thread.push(call.process.context)
        if call.thread.kind(-1) == .table, call.thread.getField(-1, key) != .nothing { return 1 }
        return call.fail(.notFound, "key not found: \(key)")
    }

    private static func all(_ call: Call) -> Int32 {
        call.thread.push(call.process.context)
        if call.thread.kind(-1) != .table { call.thread.pushTable() }
        return 1
    }
}

/// `json` (SEMANTICS 10).
enum JSONLibrary {
    static let members: [Member] = [
        Member("encode") { unsafe JSONLibrary.encode(Call($0, $1)) },
        Member("decode") { unsafe JSONLibrary.decode(Call($0, $1)) },
        Member("array") { unsafe JSONLibrary.mark(Call($0, $1), .array) },
        Member("object") { unsafe JSONLibrary.mark(Call($0, $1), .object) },
        Member("null", .made { $0.pushKey(CodecKeys.null) }),
    ]

    private static func encode(_ call: Call) -> Int32 {
        if call.count == 0 { return call.thread.badArgument(1, "value expected") }
        do throws(UnsendableFault) {
            let payload = try call.thread.payload(1, root: "value")
            do throws(PathFault) {
                call.thread.push(bytes: try PayloadJSON.encode(payload, .script))
                return 1
            } catch {
                return call.fail(.invalid, "\(error)")
            }
        } catch {
            return call.fail(.invalid, error.message)
        }
    }

    private static func decode(_ call: Call) -> Int32 {
        guard let bytes = unsafe call.thread.bytes(1) else {
            return call.thread.wrongType(1, "string")
        }
        let text = unsafe [UInt8](bytes)
        do throws(PayloadJSON.DecodingFault) {
            call.thread.push(try PayloadJSON.decode(text.span, .script))
            return 1
        } catch {
            return call.fail(.invalid, "\(error)")
        }
    }

    /// Marks a table, in place, as the JSON shape it is to have; returns it.
    private static func mark(_ call: Call, _ mark: TableMark) -> Int32 {
        if call.thread.isNilOrNone(1) {
            call.thread.setTop(0)
            call.thread.pushTable()
        }
        guard call.thread.kind(1) == .table else { return call.thread.wrongType(1, "table") }
        call.thread.setTop(1)
        if call.thread.pushMetatable(1) {
            if call.thread.getField(-1, "__metatable") != .nothing {
                return call.thread.raise("cannot change a protected metatable")
            }
            call.thread.setTop(1)
        }
        call.thread.setMark(mark)
        return 1
    }
}

/// `coroutine.spawn`: concurrent fibers (SEMANTICS 7).
enum FiberLibrary {
    /// Adds `spawn` to the table on top.
    static func extend(_ thread: LuaThread) {
        thread.push(body: LuaFunction { unsafe FiberLibrary.spawn(Call($0, $1)) })
        thread.setField(-2, "spawn")
    }

    /// The child runs first, to its first blocking point; then the caller goes on.
    private static func spawn(_ call: Call) -> Int32 {
        let thread = call.thread
        guard thread.kind(1) == .function else { return thread.wrongType(1, "function") }
        let outcome = thread.blockOutcome(
            then: LuaFunction { unsafe FiberLibrary.spawned(Call($0, $1)) }
        )
        guard thread.canBlock else { return outcome }
        let count = call.count
        guard thread.ensure(count + 20) else { return thread.raise("too many arguments") }
        thread.pushValue(1)
        let child = call.process.makeFiber(thread)
        if count > 1 {
            guard child.pointee.thread.ensure(count) else {
                return thread.raise("too many arguments")
            }
            for index in 2...count { thread.pushValue(index) }
            thread.move(count - 1, to: child.pointee.thread)
            child.pointee.arguments = count - 1
        }
        call.process.ready.prepend(call.process.currentFiber)
        call.process.ready.prepend(child)
        return outcome
    }

    private static func spawned(_ call: Call) -> Int32 { 0 }
}

/// `require`: built-in modules by name; imports are added by boot.c (SEMANTICS 3).
enum RequireLibrary {
    static let modules = LuaKey()

    /// Makes an empty table of modules and sets the global `require`.
    static func open(_ thread: LuaThread) {
        thread.pushTable()
        thread.setKey(LuaThread.registry, modules)
        thread.pushGlobals()
        thread.push(body: LuaFunction { unsafe RequireLibrary.require(Call($0, $1)) })
        thread.setField(-2, "require")
        thread.pop()
    }

    /// Pops a module and makes it known under `name`, where the program can name `require`.
    static func add(_ name: String, _ thread: LuaThread) {
        guard thread.getKey(LuaThread.registry, modules) == .table else { return thread.pop(2) }
        thread.insert(-2)
        thread.setField(-2, name)
        thread.pop()
    }

    private static func require(_ call: Call) -> Int32 {
        var outcome: Int32?
        let name = call.string(1, &outcome)
        if let outcome { return outcome }
        call.thread.getKey(LuaThread.registry, modules)
        if call.thread.getField(-1, name) != .nothing { return 1 }
        call.thread.pop()
        if Modules.openMissing(name, call.thread) {
            call.thread.getField(-1, name)
            return 1
        }
        return call.thread.raise("module '\(name)' not found")
    }
}
