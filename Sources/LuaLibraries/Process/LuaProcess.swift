import LuaVM
import Payload
package import ProcessRuntime
import Synchronization

/// One Lua process: a machine, its fibers, its side of the mailbox, its timers.
///
/// Who may touch what: `requestDeath`, `memoryBytes` and `describe` any thread; the rest only
/// whoever has the process's turn (or builds it, before it is spawned). Bodies that Lua calls find
/// their process through the machine's context.
package final class LuaProcess: Runnable, @unchecked Sendable {
    // Sendable: see above; the runtime hands the turn from thread to thread with acquire/release.
    let machine: LuaMachine
    let engine: LuaEngine
    let program: LoadedProgram
    let host: Host
    /// Inherited by children; a table, or nil.
    let context: Payload
    let runtime: Runtime
    private var bornAs: PID?
    private var bornIn: ControlBlock?

    var ready = FiberList()
    /// The fiber whose code runs now.
    private(set) var currentFiber: Record<Fiber>
    private var mainFiber: Record<Fiber>
    private var fiberCount = 1
    var mailbox = Mailbox()
    var timers = TimerTable()
    /// Fibers parked for a reply, by token.
    private var pendingReplies: [Int64: Record<Fiber>] = [:]
    /// Numbers timers and replies.
    var nextToken: Int64 = 0
    /// A value thrown out of the process, and the last fiber, which asks its `__tostring` for text.
    private var reporting: (error: ErrorValue, fiber: Record<Fiber>)?
    private let description = Mutex(RunnableDescription())
    /// Changes with every waiter that comes and goes: equal sums, equal waiters (but for chance).
    var parkSignature: UInt64 = 0
    private var publishedSignature: ParkSignature?

    /// What a description depends on, cheap to compare at the end of each turn.
    private struct ParkSignature: Equatable {
        var waiters: UInt64
        var fibers: Int
        var hasTimers: Bool
        var hasReplies: Bool
        var handlesEvents: Bool
    }
    var logLimiter = LogLimiter()
    private var helper: LuaThread?
    private static let helperKey = LuaKey()

    /// Makes a process of `program`; `spawned` must follow before its first turn.
    init(
        machine: LuaMachine,
        arguments: Int32,
        engine: LuaEngine,
        program: LoadedProgram,
        host: Host,
        context: Payload
    ) {
        self.machine = machine
        self.engine = engine
        runtime = engine.runtime
        self.program = program
        self.host = host
        self.context = context
        mainFiber = machine.makeRecord(
            Fiber(
                thread: machine.main,
                parkedThread: machine.main,
                arguments: arguments
            )
        )
        currentFiber = mainFiber
        ready.append(mainFiber)
        unsafe machine.setContext(Unmanaged.passUnretained(self).toOpaque())
    }

    package func spawned(as pid: PID, in block: ControlBlock) {
        bornAs = pid
        bornIn = block
    }

    var pid: PID {
        guard let bornAs else { preconditionFailure("Lua runs only in a spawned process") }
        return bornAs
    }

    var block: ControlBlock {
        guard let bornIn else { preconditionFailure("Lua runs only in a spawned process") }
        return bornIn
    }

    /// The process whose Lua code called a body.
    ///
    /// SAFETY: a body runs inside a turn, during which the runtime holds the process.
    static func of(_ context: UnsafeMutableRawPointer?) -> LuaProcess {
        guard let context = unsafe context else {
            preconditionFailure("a machine that runs has its process as context")
        }
        return unsafe Unmanaged<LuaProcess>.fromOpaque(context).takeUnretainedValue()
    }

    // MARK: Runnable

    package var memoryBytes: Int { machine.memoryBytes }

    package func requestDeath() { machine.requestDeath() }

    package func discard() {
        stopAllTimers()
        mailbox.close()
        machine.discard()
        host.givePlaceBack()
    }

    package func describe() -> RunnableDescription {
        description.withLock { $0 }
    }

    package func run(
        _ process: ControlBlock,
        on worker: (any WorkerContext)?
    ) -> TurnOutcome {
        let start = process.turnStart
        drainSignals()
        var switches = 0
        while true {
            guard let fiber = ready.popFirst() else {
                drainSignals()
                if !ready.isEmpty { continue }
                // Timers that nobody waits for ring on, but in slices like everything else.
                let isRinging = timers.ringsUntil != nil
                if isRinging, !isSliceOver(since: start) { continue }
                publishDescription()
                return isRinging ? .preempted : .waiting
            }
            // Nothing else of the process runs any more.
            if let reporting, fiber != reporting.fiber { continue }
            if let outcome = resume(fiber) { return outcome }
            switches += 1
            if switches % 16 == 0, isSliceOver(since: start) {
                publishDescription()
                return .preempted
            }
        }
    }

    private func isSliceOver(since start: UInt64) -> Bool {
        runtime.clock.now() &- start > TimeSlice.nanoseconds
    }

    /// Runs a fiber once; what ends the turn, or nil to go on with the next fiber.
    private func resume(_ fiber: Record<Fiber>) -> TurnOutcome? {
        currentFiber = fiber
        let arguments = fiber.pointee.arguments
        fiber.pointee.arguments = 0
        switch machine.resume(fiber.pointee.thread, arguments: arguments) {
        case .blocked:
            // Only a timer or a reply can wake the last fiber: with neither it is over.
            if let reporting, timers.pending.isEmpty, pendingReplies.isEmpty {
                return .ended(.error(reporting.error))
            }
            return nil
        case .released:
            // With no other fiber to let run, it is other processes that it lets run.
            let isAlone = ready.isEmpty
            ready.append(fiber)
            return isAlone ? .preempted : nil
        case .preempted:
            ready.prepend(fiber)
            return .preempted
        case .ended(let results):
            if reporting != nil { return .ended(.error(reported(fiber.pointee.thread))) }
            if fiber == mainFiber { return .ended(result(of: fiber.pointee.thread, results)) }
            end(fiber)
            return nil
        case .failed: return failed(fiber)
        case .died(.memory): return .ended(.limit(.memory))
        case .died(.killed): return .ended(.terminated)
        }
    }

    // MARK: Fibers

    /// Makes a fiber that will call the function on top of `thread`; pops the function.
    func makeFiber(_ thread: LuaThread) -> Record<Fiber> {
        let own = thread.pushNewThread()
        let fiber = machine.makeRecord(Fiber(thread: own, parkedThread: own))
        thread.setAnchor(LuaThread.registry, fiber)
        thread.move(1, to: own)
        fiberCount += 1
        return fiber
    }

    /// A thread that never runs, for values on their way to a place that is no fiber's stack.
    ///
    /// Most processes need none.
    var helperThread: LuaThread {
        if let helper { return helper }
        let made = machine.main.pushNewThread()
        machine.main.setKey(LuaThread.registry, Self.helperKey)
        helper = made
        return made
    }

    private func end(_ fiber: Record<Fiber>) {
        let thread = fiber.pointee.thread
        // What it returned would pass for a function that waits to be run, and its stack for that
        // of a coroutine that is suspended.
        thread.setTop(0)
        thread.pushNil()
        thread.setAnchor(LuaThread.registry, fiber)
        if let spare = fiber.pointee.spareWaiter { machine.free(spare) }
        machine.free(fiber)
        fiberCount -= 1
    }

    /// Has the running fiber wait for a reply; call before returning "block".
    func parkForReply(_ thread: LuaThread) -> Int64 {
        nextToken += 1
        currentFiber.pointee.parkedThread = thread
        currentFiber.pointee.token = nextToken
        pendingReplies[nextToken] = currentFiber
        return nextToken
    }

    /// A reply came: its values go onto the parked thread, and their number in `wokenCase`.
    func replied(_ signal: borrowing Signal) {
        runtime.consumedReply(block, bytes: signal.byteCount)
        signal.withPayload { reader in
            guard case .integer(let token) = reader.next(),
                let fiber = pendingReplies.removeValue(forKey: token)
            else { return }
            fiber.pointee.token = 0
            var count: Int32 = 0
            while !reader.isAtEnd {
                // Memory is granted here: what others brought may be over the limit already.
                guard !machine.isOverMemoryLimit, fiber.pointee.parkedThread.ensure(1) else {
                    fiber.pointee.parkedThread.exhaust()
                    break
                }
                fiber.pointee.parkedThread.pushPayload(&reader)
                count += 1
            }
            fiber.pointee.wokenCase = count
            ready.append(fiber)
        }
    }

    // MARK: Ends

    /// The exit reason after main returned `count` values (SEMANTICS 8).
    private func result(of thread: LuaThread, _ count: Int32) -> ExitReason {
        guard thread.ensure(20) else { return .limit(.memory) }
        let first = thread.top - count + 1
        if count >= 2, let error = errorValue(thread, first + 1, acceptsAny: false) {
            return .error(error)
        }
        guard count >= 1 else { return .normal(.nothing) }
        do throws(UnsendableFault) {
            return .normal(try thread.payload(first, root: "result"))
        } catch {
            return .error(ErrorValue(message: error.message, kind: "Invalid"))
        }
    }

    private func failed(_ fiber: Record<Fiber>) -> TurnOutcome? {
        let thread = fiber.pointee.thread
        if let reporting { return .ended(.error(reporting.error)) }
        // Nothing is promised about the stack after an error; one that overflowed has spare room.
        guard thread.ensure(20) else { return .ended(.limit(.memory)) }
        let trace = thread.traceback(of: thread, from: 0)
        var error =
            errorValue(thread, -1, acceptsAny: true)
            ?? ErrorValue(message: "unknown error")
        error.traceback += lines(trace)
        if askForText(fiber, error) { return nil }
        return .ended(.error(error))
    }

    /// Lua's own frames of a traceback, a line each, without its headline.
    private func lines(_ traceback: String) -> [String] {
        ErrorText.start(of: traceback, bytesMax: ErrorText.frameBytesMax)
            .split(separator: "\n").dropFirst().prefix(ErrorText.frameLinesMax)
            .map { line in String(line.drop { $0 == "\t" || $0 == " " }) }
    }

    /// A thrown value with a `__tostring` is asked for its text by a last fiber of its own, so that
    /// it can be preempted and killed like any code of the script.
    private func askForText(_ fiber: Record<Fiber>, _ error: ErrorValue) -> Bool {
        let thread = fiber.pointee.thread
        guard thread.kind(-1) == .table, thread.pushMetatable(-1) else { return false }
        let asks = thread.getField(-1, "__tostring") == .function
        guard asks else {
            thread.pop(2)
            return false
        }
        // Stack: value, metatable, __tostring.
        let own = thread.pushNewThread()
        thread.pushValue(-2)
        thread.pushValue(-5)
        thread.move(2, to: own)
        let reporter = machine.makeRecord(
            Fiber(thread: own, parkedThread: own, arguments: 1)
        )
        thread.setAnchor(LuaThread.registry, reporter)
        reporting = (error, reporter)
        stopAllTimers()
        pendingReplies = [:]
        ready = FiberList()
        ready.append(reporter)
        return true
    }

    private func reported(_ thread: LuaThread) -> ErrorValue {
        var error = reporting?.error ?? ErrorValue(message: "unknown error")
        if thread.top > 0, let text = thread.text(-1, bytesMax: ErrorText.messageBytesMax) {
            error.message = text
        }
        return error
    }

    private func publishDescription() {
        let signature = ParkSignature(
            waiters: parkSignature,
            fibers: fiberCount,
            hasTimers: !timers.pending.isEmpty,
            hasReplies: !pendingReplies.isEmpty,
            handlesEvents: mailbox.eventChannel != nil
        )
        guard signature != publishedSignature else { return }
        publishedSignature = signature
        var now = RunnableDescription()
        now.fibers = fiberCount
        now.waitingFor = waitingWords()
        now.handlesEvents = mailbox.eventChannel != nil
        description.withLock { $0 = now }
    }

    private func waitingWords() -> [String] {
        var words: [String] = []
        if let inbox = mailbox.inbox, !inbox.pointee.receivers.isEmpty { words.append("inbox") }
        if let events = mailbox.eventChannel, !events.pointee.receivers.isEmpty {
            words.append("events")
        }
        var next = mailbox.firstTopic
        while let topic = next {
            if !topic.pointee.receivers.isEmpty {
                words.append("topic:" + topic.pointee.topicText)
            }
            next = topic.pointee.nextTopic
        }
        if !timers.pending.isEmpty { words.append("timer") }
        if !pendingReplies.isEmpty { words.append("reply") }
        return words
    }
}

extension LuaThread {
    /// Pops a value into the table at `index`, under a record's address.
    func setAnchor<Value: ~Copyable>(_ index: Int32, _ record: Record<Value>) {
        let address = unsafe Int64(Int(bitPattern: record.address))
        setIndex(index, address)
    }

    /// Pushes what is anchored under a record's address in the table at `index`.
    func getAnchor<Value: ~Copyable>(_ index: Int32, _ record: Record<Value>) {
        let address = unsafe Int64(Int(bitPattern: record.address))
        getIndex(index, address)
    }
}
