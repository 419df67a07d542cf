import Foundation

/// A server under strace, which writes down the system calls of each thread.
final class TracedServer {
    let server: RunningServer
    private let folder: URL

    init(_ app: String, _ flags: [String]) throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("moonlet-e2e-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        Leftovers.add(folder: folder.path)
        let output = folder.appendingPathComponent("thread").path
        // -D: the server is the child, not strace, so that it is the server that is stopped.
        server = try RunningServer(
            app,
            flags,
            launcher: ["/usr/bin/strace", "-D", "-ff", "-o", output]
        )
    }

    deinit {
        Leftovers.remove(folder: folder.path)
    }

    /// How many system calls a thread made for one of the `times` that `body` does something.
    func calls(
        ofThread name: String,
        times: Int,
        _ body: () throws -> Void
    ) throws -> Double {
        let before = try count(name)
        try body()
        return Double(try count(name) - before) / Double(times)
    }

    /// The calls so far: a line each in the file of the thread that gave itself this name.
    private func count(_ name: String) throws -> Int {
        let files = try FileManager.default.contentsOfDirectory(
            at: folder,
            includingPropertiesForKeys: nil
        )
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            guard text.contains("PR_SET_NAME, \"\(name)\"") else { continue }
            // Signals and the thread's end are told in lines that begin otherwise.
            return text.split(separator: "\n").count { $0.first?.isLetter == true }
        }
        throw ServerTrouble(description: "strace saw no thread \(name)")
    }
}

extension RunningServer {
    /// How often a thread gave up its processor by itself so far; nil where there is no such thread.
    func waits(ofThread name: String) -> Int? {
        let tasks = "/proc/\(pid)/task"
        for task in (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? [] {
            let status = try? String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8)
            let lines = (status ?? "").split(separator: "\n")
            guard lines.first?.hasSuffix("\t\(name)") == true else { continue }
            let line = lines.first { $0.hasPrefix("voluntary_ctxt_switches:") }
            return line?.split(separator: "\t").last.flatMap { Int($0) }
        }
        return nil
    }
}
