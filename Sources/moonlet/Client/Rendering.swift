// How single values of the server's JSON look to people.

import ProcessRuntime

/// A value as a table cell: strings as they are, all else as JSON, `-` for nothing.
func cell(_ value: JSONValue?) -> String {
    switch value {
    case nil, .null: "-"
    case .string(let text): Table.oneLine(text)
    case .some(let other): Table.oneLine(other.compactText)
    }
}

/// `2026-01-05T10:15:30.120Z` as `2026-01-05 10:15:30`.
func readableTime(_ timestamp: String) -> String {
    String(timestamp.prefix(19)).split(separator: "T").joined(separator: " ")
}

/// A Lua error (openapi.yaml, LuaError) as a sentence, with its traceback as lines below.
func describeError(_ error: JSONValue?) -> String {
    guard let error, case .object = error else { return "the process failed" }
    var text = error["message"].map { cell($0) } ?? "the process failed"
    if let kind = error["kind"]?.string, !kind.isEmpty { text += " (\(Table.oneLine(kind)))" }
    for line in error["traceback"]?.array ?? [] {
        text += "\n    " + cell(line)
    }
    return text
}

/// An exit record that is not a normal one, as a sentence.
func describeExit(_ record: JSONValue) -> String {
    let reason = record["reason"]?.string ?? "unknown"
    guard let error = record["error"], case .object = error else { return "exit: \(reason)" }
    return "exit: \(reason): " + describeError(error)
}

/// An event as one line: time, kind, process, and what its kind is about.
func describeEvent(_ event: ServerSentEvent) throws(CommandFailure) -> String {
    let json = try event.json()
    if event.kind == "gap" {
        return "-- gap: \(cell(json["missed"])) events missed (\(cell(json["reason"]))) --"
    }
    let time = String((json["at"]?.string ?? "").dropFirst(11).prefix(12))
    let kind = event.kind + String(repeating: " ", count: max(0, 10 - event.kind.count))
    let details = eventDetails(EventKind(rawValue: event.kind), json).filter { $0 != "-" }
    return ([time, kind, cell(json["from"])] + details).joined(separator: "  ")
}

/// The cells that follow time, kind and pid; `kind` is nil for one of a newer server's.
private func eventDetails(_ kind: EventKind?, _ json: JSONValue) -> [String] {
    switch kind {
    case .spawn:
        return [cell(json["entry"]), cell(json["host"]), cell(json["name"])]
    case .exit:
        let outcome = json["error"]?["message"] ?? json["result"]
        return [cell(json["entry"]), cell(json["reason"]), cell(outcome)]
    case .linkDown:
        return ["to " + cell(json["to"]), cell(json["error"]?["message"])]
    case .cancel: return [cell(json["reason"])]
    case .register, .unregister: return [cell(json["name"])]
    case .limit: return [cell(json["limit"])]
    case .restart, .upgrade, .stalled, .log, nil:
        let known: Set = ["id", "at", "kind", "from"]
        return json.members.filter { !known.contains($0.name) }
            .map { "\($0.name)=\(cell($0.value))" }
    }
}
