internal import Payload

/// Makes an `Application` from files.
///
/// All problems are found before any is reported: reading goes on past each, and everything read is
/// checked against everything else.
package enum AppLoader {
    /// Compiles a program without running it; nil where it compiles.
    ///
    /// The line counts from 1 in the entry's `sourceText`.
    package typealias SourceCheck = (AppEntry) -> (line: Int, message: String)?

    /// Loads the app in `folder`: every `_index.yaml` in it and below (SEMANTICS 2).
    ///
    /// Throws all that is wrong, warnings included, sorted by file and line. `sourceCheck` is asked
    /// about each program whose text could be read.
    package static func load(
        folder: String,
        sourceCheck: SourceCheck? = nil
    ) throws(AppProblems) -> Application {
        let log = ProblemLog()
        let files: AppFiles
        do {
            files = try AppFiles(folder: folder)
        } catch {
            log.error(error.reason, at: AppPlace(file: folder))
            throw AppProblems(problems: log.sorted)
        }
        var draft = IndexReader.Draft()
        let indexes = files.indexes(log)
        for index in indexes { read(index, files, &draft, log) }
        if indexes.isEmpty {
            let message = "expected a \(AppFiles.indexName) in the folder or below, found none"
            log.error(message, at: AppPlace(file: folder))
        } else if draft.hosts.isEmpty, !log.hasErrors {
            let message = "no entry of kind process.host: there is nowhere to run a process"
            log.warning(message, at: AppPlace(file: indexes[0]))
        }
        var services = draft.services
        References(draft: draft, log: log).check(&services)
        draft.services = services
        return try finish(draft, Sources(files, log), sourceCheck, log)
    }

    private static func read(
        _ index: String,
        _ files: AppFiles,
        _ draft: inout IndexReader.Draft,
        _ log: ProblemLog
    ) {
        do throws(AppFiles.FileFault) {
            let path = try files.resolve(index, from: "")
            let text = try files.text(of: path, bytesMax: YAML.bytesMax)
            var reader = IndexReader(FileReading(file: index, log: log), into: draft)
            reader.read(text)
            draft = reader.draft
        } catch {
            log.error(error.reason, at: AppPlace(file: index))
        }
    }

    private static func finish(
        _ draft: IndexReader.Draft,
        _ sources: Sources,
        _ sourceCheck: SourceCheck?,
        _ log: ProblemLog
    ) throws(AppProblems) -> Application {
        var sources = sources
        var entries = draft.entries
        for index in entries.indices where !entries[index].sourceText.isEmpty {
            guard sources.fill(&entries[index]) else { continue }
            compile(entries[index], sourceCheck, log)
        }
        guard !log.hasErrors else { throw AppProblems(problems: log.sorted) }
        return Application(
            entries: entries.sorted { $0.id < $1.id },
            hosts: draft.hosts.sorted { $0.id < $1.id },
            services: draft.services.sorted { $0.id < $1.id },
            warnings: log.sorted
        )
    }

    private static func compile(_ entry: AppEntry, _ check: SourceCheck?, _ log: ProblemLog) {
        guard let fault = check?(entry) else { return }
        let file = entry.sourcePath ?? entry.place.file
        let line = fault.line > 0 ? fault.line + entry.sourceLineOffset : 0
        log.error("\"\(entry.id)\": \(fault.message)", at: AppPlace(file: file, line: line))
    }

    // MARK: One file

    /// The app that is a single Lua file: entry `app:main` on host `app:processes`.
    package static func single(
        luaFile path: String,
        sourceCheck: SourceCheck? = nil
    ) throws(AppProblems) -> Application {
        let log = ProblemLog()
        let place = AppPlace(file: path)
        var text = ""
        do {
            text = try AppFiles.text(atPath: path, bytesMax: Sources.bytesMax)
        } catch {
            log.error(error.reason, at: place)
            throw AppProblems(problems: log.sorted)
        }
        let entry = AppEntry(
            id: "app:main",
            kind: .process,
            sourceText: Sources.withoutFirstLineForShell(text),
            sourcePath: path,
            sourceLineOffset: 0,
            sourcePlace: place,
            method: "main",
            modules: [],
            imports: [],
            limits: AppLimits(),
            meta: .nothing,
            place: place
        )
        compile(entry, sourceCheck, log)
        guard !log.hasErrors else { throw AppProblems(problems: log.sorted) }
        let host = AppHost(
            id: "app:processes",
            maxProcesses: nil,
            workers: nil,
            limits: AppLimits(),
            meta: .nothing,
            place: place
        )
        return Application(entries: [entry], hosts: [host], services: [], warnings: [])
    }
}
