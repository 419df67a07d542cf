import LuaVM
package import Payload
import ProcessRuntime

/// One line a process logs.
package struct LogLine: Sendable {
    package enum Level: String, Sendable {
        case debug, info, warn, error
    }
    package var level: Level
    package var message: String
    package var pid: String
    package var entry: String
    /// Where in the source; zero where unknown.
    package var line: Int
    /// The logger's name, `""` for none.
    package var logger: String
    /// A table, or nil.
    package var fields: Payload
    /// Whether `print` wrote it.
    package var isPrint = false
}

/// `logger` and `print` (SEMANTICS 9 and 10).
enum LoggerLibrary {
    private static let key = LuaKey()
    /// User values of a logger: fields (table or nil), name (string or nil).
    static let methods: [Member] = [
        Member("debug") { unsafe LoggerLibrary.write(Call($0, $1), .debug) },
        Member("info") { unsafe LoggerLibrary.write(Call($0, $1), .info) },
        Member("warn") { unsafe LoggerLibrary.write(Call($0, $1), .warn) },
        Member("error") { unsafe LoggerLibrary.write(Call($0, $1), .error) },
        Member("with") { unsafe LoggerLibrary.with(Call($0, $1)) },
        Member("named") { unsafe LoggerLibrary.named(Call($0, $1)) },
    ]

    /// Pushes the root logger.
    static func push(_ thread: LuaThread) {
        _ = unsafe thread.pushUserdata(bytes: 0, values: 2, class: key)
    }

    static let luaClass = LuaClass(key, "logger", methods: .loggerMethods)

    private static func isLogger(_ thread: LuaThread) -> Bool {
        unsafe thread.userdata(1, class: key) != nil
    }

    private static func write(_ call: Call, _ level: LogLine.Level) -> Int32 {
        let thread = call.thread
        guard isLogger(thread) else { return thread.wrongType(1, "logger") }
        var outcome: Int32?
        if unsafe thread.userdata(2, class: CodecKeys.error) != nil {
            thread.getUserValue(2, 1)
            thread.replace(2)
        }
        let message = call.string(2, &outcome)
        if let outcome { return outcome }
        if !thread.isNilOrNone(3), thread.kind(3) != .table {
            return thread.wrongType(3, "table")
        }
        thread.setTop(3)
        pushMerged(thread, 3)
        let fields = (try? thread.payload(-1)) ?? .nothing
        thread.getUserValue(1, 2)
        call.process.log(
            level,
            message,
            line: Int(thread.currentLine(1)),
            logger: thread.string(-1) ?? "",
            fields: fields
        )
        return 0
    }

    /// Pushes a table of the logger's fields and those at `index`; nil when there are none.
    private static func pushMerged(_ thread: LuaThread, _ index: Int32) {
        let hasOwn = thread.getUserValue(1, 1) == .table
        let own = thread.top
        if !hasOwn && thread.kind(index) != .table { return }
        thread.pushTable()
        let merged = thread.top
        for source in [own, index] where thread.kind(source) == .table {
            thread.pushNil()
            while thread.next(source) {
                thread.pushValue(-2)
                thread.insert(-2)
                thread.rawSet(merged)
            }
        }
    }

    private static func with(_ call: Call) -> Int32 {
        let thread = call.thread
        guard isLogger(thread) else { return thread.wrongType(1, "logger") }
        guard thread.kind(2) == .table else { return thread.wrongType(2, "table") }
        thread.setTop(2)
        pushMerged(thread, 2)
        _ = unsafe thread.pushUserdata(bytes: 0, values: 2, class: key)
        thread.insert(-2)
        thread.setUserValue(-2, 1)
        thread.getUserValue(1, 2)
        thread.setUserValue(-2, 2)
        return 1
    }

    private static func named(_ call: Call) -> Int32 {
        let thread = call.thread
        guard isLogger(thread) else { return thread.wrongType(1, "logger") }
        guard thread.kind(2) == .string else { return thread.wrongType(2, "string") }
        thread.setTop(2)
        _ = unsafe thread.pushUserdata(bytes: 0, values: 2, class: key)
        thread.getUserValue(1, 1)
        thread.setUserValue(-2, 1)
        thread.pushValue(2)
        thread.setUserValue(-2, 2)
        return 1
    }

    /// Has `print` log for the process that calls it; once for the program.
    static func installPrint() {
        unsafe LuaHost.setPrintSink { context, text, count, line in
            let process = unsafe LuaProcess.of(context)
            let bytes = unsafe UnsafeRawBufferPointer(start: text, count: count)
            let message = unsafe String(
                decoding: bytes.prefix(LogLimiter.lineBytesMax),
                as: UTF8.self
            )
            process.log(
                .info,
                message,
                line: Int(line),
                logger: "",
                fields: .nothing,
                isPrint: true
            )
        }
    }
}

extension LuaProcess {
    /// Logs one line, unless the process logs too much.
    func log(
        _ level: LogLine.Level,
        _ message: String,
        line: Int,
        logger: String,
        fields: Payload,
        isPrint: Bool = false
    ) {
        let bytes = message.utf8.count + fields.bytes.count
        guard
            case .pass(let dropped) = logLimiter.admit(bytes: bytes, now: runtime.clock.now())
        else { return }
        var text = String(message.prefix(LogLimiter.lineBytesMax))
        if dropped > 0 { text += " (\(dropped) lines before this one were left out)" }
        runtime.publishLog(of: pid, level: level.rawValue, message: text, line: line)
        engine.log(
            LogLine(
                level: level,
                message: text,
                pid: runtime.pids.text(pid),
                entry: program.id,
                line: line,
                logger: logger,
                fields: fields.bytes.count > LogLimiter.lineBytesMax ? .nothing : fields,
                isPrint: isPrint
            )
        )
    }
}
