internal import Payload
internal import Yams

/// Reads one `_index.yaml` into what it declares; what that refers to is checked elsewhere.
struct IndexReader {
    let reading: FileReading
    /// What all files so far declared.
    private(set) var draft: Draft

    /// What an app's files declare, before anything is looked up.
    struct Draft {
        var entries: [AppEntry] = []
        var hosts: [AppHost] = []
        var services: [AppService] = []
        /// Each id, with its kind as written and where it was first declared.
        var declared: [String: (kind: String, place: AppPlace)] = [:]
        /// The ids of each kind this program knows nothing of, and where the first is.
        var skipped: [String: (ids: [String], place: AppPlace)] = [:]
    }

    init(_ reading: FileReading, into draft: Draft) {
        self.reading = reading
        self.draft = draft
    }

    mutating func read(_ text: String) {
        let root: Node?
        do {
            root = try YAML.parse(text, file: reading.file)
        } catch {
            reading.log.error(error.message, at: error.place)
            return
        }
        guard let root, let fields = Fields(root, "the index", reading) else {
            if root == nil {
                let message = "the file is empty; expected version, namespace and entries"
                reading.log.error(message, at: AppPlace(file: reading.file))
            }
            return
        }
        fields.finish(known: ["version", "namespace", "meta", "entries"])
        checkVersion(fields)
        let namespace = namespace(fields)
        for node in fields.list("entries") {
            readEntry(node, namespace)
        }
    }

    private func checkVersion(_ fields: Fields) {
        guard let node = fields.required("version", "\"1.0\""),
            let version = fields.text("version"), version != "1.0", version != "1"
        else { return }
        reading.error("version: expected \"1.0\", found \"\(version)\"", at: node)
    }

    private func namespace(_ fields: Fields) -> String? {
        guard let node = fields.required("namespace", "a name such as \"app\""),
            let namespace = fields.text("namespace")
        else { return nil }
        guard AppName.isName(namespace) else {
            reading.error("namespace \"\(namespace)\": expected \(AppName.nameRule)", at: node)
            return nil
        }
        return namespace
    }

    // MARK: Entries

    private mutating func readEntry(_ node: Node, _ namespace: String?) {
        let name = node.mapping?["name"]?.scalar?.string
        let subject = name.map { "entry \"\($0)\"" } ?? "entry"
        guard let fields = Fields(node, subject, reading) else { return }
        let id = declare(fields, namespace)
        guard let kind = fields.required("kind", "one such as \"process.lua\""),
            let kindName = fields.text("kind")
        else { return }
        // An entry without a usable id is still read, for the other problems it may have.
        let place = fields.place
        let header = EntryHeader(
            id: id ?? "",
            meta: fields["meta"].map(reading.payload) ?? .nothing,
            place: place
        )
        switch kindName {
        case AppEntry.Kind.process.rawValue, AppEntry.Kind.library.rawValue:
            let kind = AppEntry.Kind(rawValue: kindName) ?? .process
            let entry = program(fields, header, kind)
            if id != nil { draft.entries.append(entry) }
        case "process.host":
            let host = host(fields, header)
            if id != nil { draft.hosts.append(host) }
        case "process.service":
            let service = service(fields, header)
            if id != nil { draft.services.append(service) }
        default:
            skip(kindName, id ?? fields.subject, at: reading.place(of: kind))
        }
    }

    /// The entry's id, once it is known to be a good one and the first of its kind.
    private mutating func declare(_ fields: Fields, _ namespace: String?) -> String? {
        guard let node = fields.required("name", "a name"), let name = fields.text("name") else {
            return nil
        }
        guard AppName.isName(name) else {
            reading.error("name \"\(name)\": expected \(AppName.nameRule)", at: node)
            return nil
        }
        guard let namespace else { return nil }
        let id = "\(namespace):\(name)"
        let place = reading.place(of: node)
        if let first = draft.declared[id] {
            let message = "\"\(id)\" is declared already at \(first.place.file):\(first.place.line)"
            reading.log.error(message, at: place)
            return nil
        }
        draft.declared[id] = (fields["kind"]?.scalar?.string ?? "", place)
        return id
    }

    private mutating func skip(_ kind: String, _ id: String, at place: AppPlace) {
        draft.skipped[kind, default: ([], place)].ids.append(id)
    }
}

/// What every kind of entry has.
struct EntryHeader {
    let id: String
    let meta: Payload
    let place: AppPlace
}
