/// Checks that what an app's entries name is there and is of the right kind.
struct References {
    let draft: IndexReader.Draft
    let log: ProblemLog

    /// Checks everything, and gives services without a host the app's only one.
    func check(_ services: inout [AppService]) {
        warnOfSkipped()
        for entry in draft.entries {
            for link in entry.imports {
                let reference = AppReference(id: link.id, place: link.place)
                expect(reference, kind: "library.lua", "import \"\(link.alias)\"")
            }
        }
        for index in services.indices {
            check(&services[index])
        }
        let imports = draft.entries.filter { $0.kind == .library }.map { entry in
            let links = entry.imports.map { AppReference(id: $0.id, place: $0.place) }
            return (entry.id, links)
        }
        refuseCycles(imports, "imports")
        refuseCycles(services.map { ($0.id, $0.lifecycle.requires) }, "requires")
    }

    private func warnOfSkipped() {
        for (kind, found) in draft.skipped {
            let shown = found.ids.prefix(5).joined(separator: ", ")
            let rest = found.ids.count > 5 ? " and \(found.ids.count - 5) more" : ""
            let known = ["process.lua", "library.lua", "process.host", "process.service"]
            log.warning(
                "entries of kind \"\(kind)\" are skipped: \(shown)\(rest)"
                    + suggestion(for: kind, among: known),
                at: found.place
            )
        }
    }

    private func check(_ service: inout AppService) {
        if !service.process.id.isEmpty {
            expect(service.process, kind: "process.lua", "process")
        }
        if !service.host.id.isEmpty {
            expect(service.host, kind: "process.host", "host")
        } else if draft.hosts.count == 1 {
            service.host.id = draft.hosts[0].id
        } else {
            let message = "service \"\(service.id)\": host is missing; expected the id of a host"
            log.error(message, at: service.host.place)
        }
        for required in service.lifecycle.requires {
            // A host runs as long as the server does, so requiring one asks for nothing more.
            if draft.declared[required.id]?.kind == "process.host" { continue }
            expect(required, kind: "process.service", "requires")
        }
    }

    private func expect(_ reference: AppReference, kind: String, _ role: String) {
        guard let found = draft.declared[reference.id] else {
            let candidates = draft.declared.filter { $0.value.kind == kind }.keys
            log.error(
                "\(role): there is no entry \"\(reference.id)\""
                    + suggestion(for: reference.id, among: candidates),
                at: reference.place
            )
            return
        }
        if found.kind != kind {
            let message = "\(role): expected a \(kind), but \"\(reference.id)\" is a \(found.kind)"
            log.error(message, at: reference.place)
        }
    }

    // MARK: Cycles

    private enum Visit {
        case open
        case done
    }

    /// Notes each cycle once, at the reference that closes it.
    private func refuseCycles(_ graph: [(id: String, links: [AppReference])], _ word: String) {
        let links = Dictionary(graph.map { ($0.id, $0.links) }) { first, _ in first }
        var visits: [String: Visit] = [:]
        for node in graph.map(\.id).sorted() where visits[node] == nil {
            search(from: node, links, &visits, word)
        }
    }

    /// Walks depth first with a path of its own: a chain of imports may be as long as the app.
    private func search(
        from start: String,
        _ links: [String: [AppReference]],
        _ visits: inout [String: Visit],
        _ word: String
    ) {
        var path = [(id: start, next: 0)]
        visits[start] = .open
        while let (id, next) = path.last {
            let onward = links[id] ?? []
            guard next < onward.count else {
                visits[id] = .done
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            let link = onward[next]
            switch visits[link.id] {
            case .done: break
            case .open:
                let cycle = path.map(\.id).drop { $0 != link.id } + [link.id]
                let message = "\(word) form a cycle: \(cycle.joined(separator: " -> "))"
                log.error(message, at: link.place)
            case nil:
                visits[link.id] = .open
                path.append((link.id, 0))
            }
        }
    }
}
