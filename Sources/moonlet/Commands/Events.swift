import ArgumentParser
import ProcessRuntime

struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what happened, or follow what happens.",
        discussion: """
            Without -f: what the server still remembers, then exit. With -f: what happens from now \
            on (or from --since on), through lost connections, until interrupted. One line for each \
            event; -o json prints the server's JSON lines.

            EXAMPLES:
              moonlet events
              moonlet events -f --kind EXIT,SPAWN
              moonlet events -f --entry 'app.test.process:*' --since oldest -o json
            """
    )

    @Flag(name: .shortAndLong, help: "Follow what happens.")
    var follow = false

    @Option(help: "Only these kinds, with commas between them: SPAWN,EXIT,LINK_DOWN,...")
    var kind: String?

    @Option(help: "Only events of this process.")
    var pid: String?

    @Option(help: "Only events of this entry; a trailing * matches any ending (with -f).")
    var entry: String?

    @Option(help: "Where to begin: oldest, now, or after an event id.")
    var since: String?

    @Option(help: "Stop after so many events.")
    var max: Int?

    @OptionGroup var client: ClientOptions

    func run() throws {
        if let max, max < 1 { throw CommandFailure.usage("--max must be at least 1.") }
        var shown = 0
        let filter = try follow ? EventFilter.everything : replayFilter()
        var follower = EventFollower(client: try client.client(), query: query())
        var end: EventEnd?
        try follower.follow { event throws(CommandFailure) in
            if event.kind == "hello", !follow, end == nil {
                end = try EventEnd(hello: event)
                return end?.isReached == true ? .enough : .goOn
            }
            if try filter.lets(event, as: client.output) {
                try show(event)
                if event.isHappening { shown += 1 }
            }
            end?.pass(event.lastEventID)
            return shown == max || end?.isReached == true ? .enough : .goOn
        }
    }

    /// What to ask for.
    ///
    /// A replay filters here, not there, so that its end is seen.
    private func query() -> [(String, String)] {
        guard follow else {
            let kinds = EventKind.allCases.map(\.rawValue).joined(separator: ",")
            return [("since", since ?? "oldest"), ("kind", kinds)]
        }
        let optional = [("kind", kind), ("pid", pid), ("entry", entry), ("since", since)]
        return optional.compactMap { name, value in value.map { (name, $0) } }
    }

    private func replayFilter() throws -> EventFilter {
        guard entry == nil else { throw CommandFailure.usage("--entry needs -f.") }
        let kinds = try kind?.split(separator: ",").map { word in
            guard let kind = EventKind(rawValue: String(word)) else {
                let known = EventKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandFailure.usage(
                    "there is no event kind \(word); the kinds are \(known)."
                )
            }
            return kind
        }
        return EventFilter(kinds: kinds ?? EventFilter.usualKinds, pid: pid)
    }

    private func show(_ event: ServerSentEvent) throws(CommandFailure) {
        switch client.output {
        case .json: Terminal.print(event.data + "\n")
        case .text: Terminal.print(try describeEvent(event) + "\n")
        }
    }
}
