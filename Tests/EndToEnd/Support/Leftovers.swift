import Foundation
import Glibc
import Synchronization

/// Servers and folders that would outlive the test run: what suites share is never let go of.
enum Leftovers {
    private struct State {
        var servers: Set<Int32> = []
        var folders: Set<String> = []
        var isArmed = false
    }

    private static let state = Mutex(State())

    static func add(server pid: Int32) { change { _ = $0.servers.insert(pid) } }
    static func remove(server pid: Int32) { change { _ = $0.servers.remove(pid) } }
    static func add(folder path: String) { change { _ = $0.folders.insert(path) } }

    static func remove(folder path: String) {
        change { _ = $0.folders.remove(path) }
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func change(_ body: (inout State) -> Void) {
        let isFirst = state.withLock { state in
            body(&state)
            defer { state.isArmed = true }
            return !state.isArmed
        }
        if isFirst { atexit { Leftovers.end() } }
    }

    private static func end() {
        let left = state.withLock { $0 }
        for pid in left.servers { kill(pid, SIGKILL) }
        for path in left.folders { try? FileManager.default.removeItem(atPath: path) }
    }
}
