import Access
import HTTP
import JSON
import ProcessRuntime

/// `GET /v1/events`: reads the query; `EventStream` does the rest.
enum Events {
    static let parameters = ["kind", "pid", "name", "entry", "host", "since", "max_events"]
    private static let forms = [StreamForm.serverSent, .lines]

    static func get(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let offers = forms.map(\.rawValue)
        guard let offer = Accept(call.request.headers).best(of: offers),
            let form = StreamForm(rawValue: offer)
        else { throw .notAcceptable(offers) }
        let filter = try filter(call, context)
        let since = try since(call)
        let eventsMax = try call.integer("max_events", in: 1...Int.max)
        let headers = Headers([
            ("Content-Type", form.rawValue), ("Cache-Control", "no-cache, no-transform"),
            ("X-Accel-Buffering", "no"), ("Vary", "Accept"),
        ])
        if call.request.method == "HEAD" { return Response(status: 200, headers: headers) }
        guard context.hub.open() else {
            throw .streamLimit(context.configuration.streamsMax)
        }
        let feed = context.runtime.feed
        let start = StreamStart(
            since,
            epoch: context.runtime.pids.epoch,
            oldest: feed.oldest,
            latest: feed.latest
        )
        let order = EventStream.Order(
            start: start,
            filter: filter,
            form: form,
            eventsMax: eventsMax,
            farewell: farewell(call, context)
        )
        return Response(
            status: 200,
            headers: headers,
            body: .stream(EventStream(order, context.hub))
        )
    }

    /// Asks whether what let the client in still would: nil while it would.
    private static func farewell(_ call: Call, _ context: Context) -> (@Sendable () -> String?)? {
        guard let identity = call.identity, let authentication = context.authentication else {
            return nil
        }
        return { authentication.farewell(identity) }
    }

    private static func filter(_ call: Call, _ context: Context) throws(Problem) -> EventFilter {
        var filter = EventFilter()
        if let text = call.text("kind") { filter.kinds = try kinds(text) }
        if let text = call.text("pid") {
            guard isPlainWord(text, bytesMax: 64) else { throw .invalidQuery("pid must be a pid.") }
            filter.pid = context.runtime.pids.parse(text).map { .one($0) } ?? .foreign
        }
        if let name = call.text("name") {
            if name.isEmpty { throw .invalidQuery("name may not be empty.") }
            filter.name = NameWatch(name)
        }
        filter.entry = call.text("entry").map(Pattern.init)
        filter.host = call.text("host")
        // A name that is covered may be followed, whoever has it.
        let isNameCovered = call.text("name").map(call.extent.covers) ?? false
        if !isNameCovered { filter.allowed = call.extent }
        return filter
    }

    private static func kinds(_ text: String) throws(Problem) -> Set<EventKind> {
        var kinds: Set<EventKind> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let kind = EventKind(rawValue: String(word)) else {
                let known = EventKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalidQuery("kind must be some of \(known), with commas between.")
            }
            kinds.insert(kind)
        }
        return kinds
    }

    /// Where to begin: `Last-Event-ID` wins over `since`.
    ///
    /// An unreadable header is no error: a browser sends what it remembers, and would give up for
    /// good.
    private static func since(_ call: Call) throws(Problem) -> Since {
        var asked = Since.now
        if let text = call.text("since"), text != "now" {
            guard let since = text == "oldest" ? .oldest : EventID(text).map(Since.id) else {
                throw .invalidQuery("since must be now, oldest or the id of an event.")
            }
            asked = since
        }
        guard let last = call.request.headers["Last-Event-ID"], !last.isEmpty else { return asked }
        return EventID(last).map { .id($0) } ?? .unreadable(last)
    }
}
