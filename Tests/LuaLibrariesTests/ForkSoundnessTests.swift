import CTestSupport
import Foundation
import LuaVM
import Posix
import ProcessRuntime
import Synchronization
import Testing

@testable import LuaLibraries

/// A fork is a state of its own: whatever is done to it, it is what a booted one would be.
///
/// In debug builds freed blocks are overwritten and the place a template was built at is never
/// mapped again, so a word that was not moved, or moved wrongly, is a crash or another digest.
/// `MOONLET_SEED=n` replays the run whose seed a failure names; `MOONLET_SEEDS=n` runs n of them.
@Suite struct ForkSoundnessTests {
    static let templates = 30
    static let forksPerTemplate = 70

    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    static let seeds: [UInt64] =
        setting("MOONLET_SEED").map { [$0] }
        ?? (0..<(setting("MOONLET_SEEDS") ?? 1)).map { $0 + 1 }

    @Test(arguments: seeds)
    func `forks that are changed at random stay what booted states are`(seed: UInt64) {
        let found = Mutex<[String]>([])
        let box = Findings(list: found)
        PosixThread(name: "forks") { ForkTrial(seed: seed).run { finding in box.add(finding) } }
            .join()
        for finding in box.all { Issue.record("MOONLET_SEED=\(seed): \(finding)") }
    }

    private final class Findings: Sendable {
        private let list: Mutex<[String]>
        init(list: consuming Mutex<[String]>) { self.list = list }
        func add(_ finding: String) { list.withLock { $0.append(finding) } }
        var all: [String] { list.withLock { $0 } }
    }
}

/// All of one seed's templates and forks, on a thread that is a worker.
private struct ForkTrial {
    /// Makes this thread one that machines run on.
    private let worker = LuaWorker()
    private var random: ProcessRuntime.SeededRandom

    init(seed: UInt64) {
        random = ProcessRuntime.SeededRandom(seed: seed)
    }

    /// A fork on its way, and what a booted state made of the same seed.
    private struct Fork {
        let machine: LuaMachine
        let seed: UInt64
        let expected: String
        var arguments: Int32
    }

    func run(_ report: (String) -> Void) {
        var trial = self
        for number in 0..<ForkSoundnessTests.templates {
            trial.compareForks(ofProgram: UInt64(number), report)
        }
    }

    private mutating func compareForks(ofProgram number: UInt64, _ report: (String) -> Void) {
        let chunk = Self.compiled(ForkMutations.program(number ^ random.next()))
        guard let template = LuaTemplate(holding: [chunk], { Self.build($0, chunk) }) else {
            report("program \(number) has no template")
            return
        }
        var live: [Fork] = []
        for _ in 0..<ForkSoundnessTests.forksPerTemplate {
            let seed = random.next()
            guard let machine = template.fork(memoryLimitBytes: 64 << 20, seed: seed) else {
                return report("no memory")
            }
            let arguments = Self.pushArguments(seed, machine.main)
            let expected = booted(chunk, seed)
            if Int(expected) == nil { report("program \(number), seed \(seed): \(expected)") }
            live.append(
                Fork(
                    machine: machine,
                    seed: seed,
                    expected: expected,
                    arguments: arguments
                )
            )
            // Several are under way at a time, so that they take over each other's memory; some never
            // get to their end.
            while live.count > 6 {
                let index = Int(random.next() % UInt64(live.count))
                if random.next() % 50 == 0 {
                    live.remove(at: index).machine.discard()
                } else if let result = advance(&live[index]) {
                    let fork = live.remove(at: index)
                    if result != fork.expected {
                        report(
                            "program \(number), seed \(fork.seed): \(result), not \(fork.expected)"
                        )
                    }
                }
            }
        }
    }

    /// The digest of a state made without forking.
    private func booted(_ chunk: [UInt8], _ seed: UInt64) -> String {
        guard let machine = LuaMachine(memoryLimitBytes: 64 << 20, seed: seed) else {
            return "no memory"
        }
        Self.build(machine, chunk)
        var fork = Fork(
            machine: machine,
            seed: seed,
            expected: "",
            arguments: Self.pushArguments(seed, machine.main)
        )
        while true {
            if let result = advance(&fork) { return result }
        }
    }

    /// Runs it until it lets others run; its digest, or what became of it, once it is over.
    private func advance(_ fork: inout Fork) -> String? {
        let arguments = fork.arguments
        fork.arguments = 0
        let outcome = fork.machine.resume(fork.machine.main, arguments: arguments)
        switch outcome {
        case .released: return nil
        case .ended(results: 1), .failed: return fork.machine.main.string(-1) ?? "\(outcome)"
        default: return "\(outcome)"
        }
    }

    private static func pushArguments(_ seed: UInt64, _ fiber: LuaThread) -> Int32 {
        fiber.push(Int64(bitPattern: seed))
        fiber.push(Int64(60))
        return 2
    }

    /// Every library, and the program's main on the stack of the main fiber.
    private static func build(_ machine: LuaMachine, _ chunk: [UInt8]) {
        Modules.open(machine)
        test_open_collectgarbage(machine.main.raw)
        load(chunk, isBinary: true, machine, machine.main)
    }

    /// The chunk in its binary form, with a call of its main: arguments go through.
    private static func compiled(_ source: String) -> [UInt8] {
        guard let machine = LuaMachine(memoryLimitBytes: 64 << 20, seed: 0) else { return [] }
        let whole = "local main = (function() \(source)\nend)() return main(...)"
        load(Array(whole.utf8), isBinary: false, machine, machine.main)
        return machine.dump(machine.main) ?? []
    }

    private static func load(
        _ bytes: [UInt8],
        isBinary: Bool,
        _ machine: LuaMachine,
        _ thread: LuaThread
    ) {
        do {
            try machine.load(bytes, name: "=mutations", isBinary: isBinary, onto: thread)
        } catch {
            preconditionFailure("our own program loads: \(error)")
        }
    }
}
