package import Payload

/// An app as its folder describes it, checked: what can be run, where, and what runs by itself.
///
/// Everything in it holds together: each reference names something that is there, each source is
/// text from inside the folder. What Lua makes of a source is the engine's business.
package struct Application: Sendable {
    /// Sorted by id, as are the others.
    package var entries: [AppEntry]
    package var hosts: [AppHost]
    package var services: [AppService]
    /// What was odd but did not stop the app from loading, sorted by place.
    package var warnings: [Problem]
}

/// A program: something to spawn, or something other programs import.
package struct AppEntry: Sendable {
    package enum Kind: String, Sendable {
        case process = "process.lua"
        case library = "library.lua"
    }

    /// `namespace:name`.
    package var id: String
    package var kind: Kind
    /// The Lua program.
    package var sourceText: String
    /// The program's file, relative to the app's folder; nil where it stands in the YAML itself.
    package var sourcePath: String?
    /// What line 1 of `sourceText` adds to, to be a line of the file it is from.
    package var sourceLineOffset: Int
    /// Where the YAML holds the program, or the name of its file.
    package var sourcePlace: AppPlace
    /// The function of the program's table that a process runs; unused in a library.
    package var method: String
    /// Built-in modules it wants as globals, each once.
    package var modules: [String]
    package var imports: [AppImport]
    package var limits: AppLimits
    package var meta: Payload
    package var place: AppPlace
}

/// A library under the name its importer knows it by.
package struct AppImport: Sendable, Equatable {
    package var alias: String
    package var id: String
    package var place: AppPlace
}

/// Where processes run.
package struct AppHost: Sendable {
    package var id: String
    /// Zero for no limit.
    package var maxProcesses: Int?
    package var workers: Int?
    /// For the processes that run here, unless their entry says otherwise.
    package var limits: AppLimits
    package var meta: Payload
    package var place: AppPlace
}

/// A process the server keeps running.
package struct AppService: Sendable {
    package var id: String
    package var process: AppReference
    package var host: AppReference
    /// The arguments of each start.
    package var input: [Payload]
    package var lifecycle: AppLifecycle
    package var meta: Payload
    package var place: AppPlace
}

/// An id, and where it was written.
package struct AppReference: Sendable, Equatable {
    package var id: String
    package var place: AppPlace
}

/// What a process may use; nil where nothing was said, zero for no limit.
package struct AppLimits: Sendable, Equatable {
    package var memoryBytes: Int?
    package var mailboxMessages: Int?
    package var mailboxBytes: Int?
    package var cpuMilliseconds: Int?
    package var lifetimeMilliseconds: Int?

    package init() {}
}

/// When a service starts, stops and is started again (SEMANTICS 11).
package struct AppLifecycle: Sendable, Equatable {
    package var autoStart = false
    /// Services that must run first.
    package var requires: [AppReference] = []
    package var startTimeoutNanoseconds: Int64 = 10_000_000_000
    package var stopTimeoutNanoseconds: Int64 = 10_000_000_000
    /// A run of at least this length counts as a success.
    package var stableThresholdNanoseconds: Int64 = 5_000_000_000
    package var restart = AppRestart()

    package init() {}
}

/// How long a failed service waits before it is started again.
package struct AppRestart: Sendable, Equatable {
    package var initialDelayNanoseconds: Int64 = 1_000_000_000
    package var maxDelayNanoseconds: Int64 = 90_000_000_000
    /// What each delay is multiplied by to give the next.
    package var backoffFactor = 2.0
    /// The part of a delay that is random, 0 to 1.
    package var jitter = 0.1
    /// Zero for endless.
    package var maxAttempts = 0

    package init() {}
}

/// A place in a file of the app.
package struct AppPlace: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Relative to the app's folder.
    package var file: String
    /// Counted from 1; zero where the file as a whole is meant.
    package var line: Int
    /// Counted from 1; zero where the line as a whole is meant.
    package var column: Int

    package init(file: String, line: Int = 0, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String {
        switch (line, column) {
        case (0, _): file
        case (_, 0): "\(file):\(line)"
        default: "\(file):\(line):\(column)"
        }
    }

    package static func < (left: AppPlace, right: AppPlace) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}
