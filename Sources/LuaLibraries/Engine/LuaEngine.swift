package import Payload
package import ProcessRuntime

/// What an app offers, ready to be run: entries, hosts, and how a process of them is made.
package final class LuaEngine: Sendable {
    package let runtime: Runtime
    package let entries: [EntryInfo]
    package let hosts: [HostInfo]

    package struct EntryInfo: Sendable {
        package var id: String
        /// "process.lua", "library.lua" or "process.service".
        package var kind: String
        package var method: String
        /// Free-form; JSON-shaped.
        package var meta: Payload
    }

    package struct HostInfo: Sendable {
        package var id: String
        /// Zero for no limit.
        package var processesMax: Int
        package var limits: ProcessLimits
    }

    package init(runtime: Runtime, entries: [EntryInfo], hosts: [HostInfo]) {
        self.runtime = runtime
        self.entries = entries
        self.hosts = hosts
    }

    /// What a spawn from outside asks for.
    package struct SpawnOrder: Sendable {
        package var entry: String
        /// nil: the app's only host.
        package var host: String?
        package var arguments: [Payload] = []
        package var name: String?
        /// A table, or nil.
        package var context: Payload?
        package var messages: [(topic: String, payload: Payload)] = []
        package var limits = LimitsOrder()

        package init(entry: String) {
            self.entry = entry
        }
    }

    /// Limits a caller wants instead of the host's; nil keeps the host's.
    package struct LimitsOrder: Sendable {
        package var memoryBytes: Int?
        package var mailboxMessages: Int?
        package var mailboxBytes: Int?
        package var cpuMilliseconds: Int?
        package var lifetimeMilliseconds: Int?
        package init() {}
    }

    /// Why a spawn made nothing.
    package enum SpawnFault: Error, Equatable, Sendable {
        case hostNotFound(String)
        /// No host was named and the app has none, or several.
        case hostNeeded(available: [String])
        case entryNotFound(String)
        /// The entry is a library or a service: it can't be spawned.
        case notAProcess(String)
        /// The source doesn't compile; the message names the line.
        case badSource(String)
        case hostFull(String)
        case refused(RuntimeFault)
    }

    /// Makes a process from outside any process.
    package func spawn(_ order: SpawnOrder) throws(SpawnFault) -> PID {
        throw .entryNotFound(order.entry)
    }

    /// How many processes a host has now.
    package func processCount(ofHost id: String) -> Int {
        0
    }
}
