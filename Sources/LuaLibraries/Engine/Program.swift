import LuaVM
package import Payload

/// A program ready to be started: its chunk and those of the libraries it imports, compiled.
package struct Program: Sendable {
    /// The entry's id; also its chunk's name.
    let id: String
    /// Which function of the chunk's table is called.
    let method: String
    /// The chunk's binary form.
    let chunk: [UInt8]
    /// What the chunk sees under which name: alias and place in `libraries`.
    let imports: [Import]
    /// Libraries in the order they are run: each after those it imports.
    let libraries: [Library]
    let limits: LuaEngine.LimitsOrder
    /// What its sources, the libraries' included, can name.
    let words: Vocabulary

    struct Import: Sendable {
        let alias: String
        /// Index into `libraries`.
        let library: Int
    }

    struct Library: Sendable {
        let id: String
        let chunk: [UInt8]
        let imports: [Import]
    }
}

/// An entry as an app gives it, before it is compiled.
package struct SourceEntry: Sendable {
    package var id: String
    package var isLibrary: Bool
    package var source: String
    package var method: String
    /// Alias and entry id.
    package var imports: [(alias: String, id: String)]
    package var limits = LuaEngine.LimitsOrder()
    package var meta: Payload = .nothing

    package init(
        id: String,
        isLibrary: Bool = false,
        source: String,
        method: String = "main",
        imports: [(alias: String, id: String)] = []
    ) {
        self.id = id
        self.isLibrary = isLibrary
        self.source = source
        self.method = method
        self.imports = imports
    }
}

/// Turns an app's entries into programs.
struct ProgramBuilder {
    private let entries: [String: SourceEntry]
    private var chunks: [String: Result<[UInt8], LuaEngine.SpawnFault>] = [:]

    init(_ entries: [SourceEntry]) {
        self.entries = Dictionary(entries.map { ($0.id, $0) }) { first, _ in first }
    }

    /// The program of `id` with its libraries, or why it can't be started.
    mutating func program(
        _ id: String,
        _ compile: (SourceEntry) -> Result<[UInt8], LuaEngine.SpawnFault>
    ) -> Result<Program, LuaEngine.SpawnFault> {
        guard let entry = entries[id] else { return .failure(.entryNotFound(id)) }
        var libraries: [Program.Library] = []
        var places: [String: Int] = [:]
        do throws(LuaEngine.SpawnFault) {
            let imports = try resolve(entry, &libraries, &places, [id], compile)
            return .success(
                Program(
                    id: id,
                    method: entry.method,
                    chunk: try chunk(entry, compile),
                    imports: imports,
                    libraries: libraries,
                    limits: entry.limits,
                    words: Vocabulary(
                        sources: [entry.source] + places.keys.compactMap { entries[$0]?.source }
                    )
                )
            )
        } catch {
            return .failure(error)
        }
    }

    private mutating func resolve(
        _ entry: SourceEntry,
        _ libraries: inout [Program.Library],
        _ places: inout [String: Int],
        _ path: [String],
        _ compile: (SourceEntry) -> Result<[UInt8], LuaEngine.SpawnFault>
    ) throws(LuaEngine.SpawnFault) -> [Program.Import] {
        var imports: [Program.Import] = []
        for wanted in entry.imports {
            if let known = places[wanted.id] {
                imports.append(Program.Import(alias: wanted.alias, library: known))
                continue
            }
            guard !path.contains(wanted.id) else {
                throw .badSource("\(entry.id) imports itself through \(wanted.id)")
            }
            guard let library = entries[wanted.id], library.isLibrary else {
                throw .badSource("\(entry.id) imports \(wanted.id), which is not a library")
            }
            let own = try resolve(library, &libraries, &places, path + [wanted.id], compile)
            libraries.append(
                Program.Library(
                    id: library.id,
                    chunk: try chunk(library, compile),
                    imports: own
                )
            )
            places[wanted.id] = libraries.count - 1
            imports.append(Program.Import(alias: wanted.alias, library: libraries.count - 1))
        }
        return imports
    }

    private mutating func chunk(
        _ entry: SourceEntry,
        _ compile: (SourceEntry) -> Result<[UInt8], LuaEngine.SpawnFault>
    ) throws(LuaEngine.SpawnFault) -> [UInt8] {
        let compiled = chunks[entry.id] ?? compile(entry)
        chunks[entry.id] = compiled
        return try compiled.get()
    }
}
