import Access
import HTTP
import JSON
import LuaLibraries
import Payload
import ProcessRuntime

/// `/v1/entries` and `/v1/hosts`: what the app offers.
enum Inventory {
    /// What can be spawned; libraries and services are no answer to that.
    static func entries(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let entries = context.backend.entries.filter {
            $0.kind == "process.lua" && call.extent.covers($0.id)
        }
        return list(entries.sorted { $0.id < $1.id }, context) { entry, json in
            json.member("id", entry.id)
            json.member("kind", entry.kind)
            json.member("method", entry.method)
            json.object("meta", entry.meta)
        }
    }

    static func hosts(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        list(context.backend.hosts.sorted { $0.id < $1.id }, context) { host, json in
            json.member("id", host.id)
            json.member("processes", context.backend.processCount(host.id))
            json.member("max_processes", host.processesMax)
            json.object("meta", .nothing)
            json.limits("limits", host.limits)
        }
    }

    private static func list<Item>(
        _ items: [Item],
        _ context: Context,
        _ write: (Item, inout JSONWriter) -> Void
    ) -> Response {
        let position = context.position
        return .json { json in
            json.objects("items", items, write)
            json.member("position", position)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func limits(_ name: String, _ limits: ProcessLimits) {
        key(name)
        beginObject()
        member("memory_bytes", limits.memoryBytes)
        member("mailbox_messages", limits.mailboxMessages)
        member("mailbox_bytes", limits.mailboxBytes)
        member("cpu_ms", Int64(clamping: limits.cpuNanoseconds / 1_000_000))
        member("lifetime_ms", Int64(clamping: limits.lifetimeNanoseconds / 1_000_000))
        endObject()
    }
}
