import Access
import HTTP
import JSON
import ProcessRuntime

/// `/v1/names`: the registry.
enum Names {
    static func list(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let position = context.position
        let names = call.shown(context.runtime.allNames(), context)
        return .json { json in
            json.objects("items", names) { entry, json in
                json.member("name", entry.name)
                json.member("pid", context.text(entry.pid))
            }
            json.member("position", position)
        }
    }

    static func get(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let name = call.path("name")
        let position = context.position
        guard let pid = context.runtime.lookup(name) else { throw .nameNotFound(name) }
        try call.checkTarget(pid, named: name, context)
        return snapshot(name, pid, position, context)
    }

    /// `PUT /v1/names/{name}`: 201 when the name is new, 200 when the process had it already.
    static func put(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let name = call.path("name")
        let text = try call.body { $0.nonEmptyString("pid", "a pid may not be empty") }
        guard let pid = context.runtime.pids.parse(text) else { throw .processNotFound(text) }
        // Both: with the name alone anything could be given a name that is covered.
        try call.checkName(name)
        try call.checkTarget(pid, named: text, context)
        let position = context.position
        let isNew: Bool
        do throws(RuntimeFault) {
            isNew = try context.runtime.register(name, for: pid)
        } catch {
            // The name is in the path, so the mistake is at no place of the body.
            throw context.problem(error, of: pid, named: text, giving: (name, at: ""))
        }
        var response = snapshot(name, pid, position, context)
        if isNew {
            response.status = 201
            response.headers.append("Location", "/v1/names/\(PercentCoding.encode(name))")
        }
        return response
    }

    static func delete(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let name = call.path("name")
        if call.extent != .full {
            guard let pid = context.runtime.lookup(name) else { throw .nameNotFound(name) }
            try call.checkTarget(pid, named: name, context)
        }
        if context.runtime.unregister(name) == nil { throw .nameNotFound(name) }
        return .done
    }

    private static func snapshot(
        _ name: String,
        _ pid: PID,
        _ position: String,
        _ context: Context
    ) -> Response {
        .json { json in
            json.member("name", name)
            json.member("pid", context.text(pid))
            json.member("position", position)
        }
    }
}
