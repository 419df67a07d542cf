import ControlAPI
import Glibc
import JSON
import Logging
import LuaLibraries
import Payload
import Posix

/// Names of log levels as they are given on the command line.
enum LogLevels {
    static let known: [String: Logger.Level] = [
        "trace": .trace, "debug": .debug, "info": .info, "warning": .warning, "warn": .warning,
        "error": .error,
    ]
}

/// Logging to standard error: lines for people on a terminal, JSON lines elsewhere.
///
/// A thread writes them (`LogWriter`); what it has not written at the end of the program it has a
/// second for.
enum ServerLog {
    private static let writer = SetOnceBox<LogWriter>()
    private static let patienceNanoseconds: UInt64 = 1_000_000_000

    /// Writes what was logged so far, as far as somebody takes it.
    static func flush() { writer.value?.flush(within: patienceNanoseconds) }

    /// Sets the program's logging up, once, and returns its own logger.
    static func start(_ settings: ServeSettings) -> Logger {
        let isTerminal = isatty(2) == 1
        let format = settings.logFormat ?? (isTerminal ? .text : .json)
        let level = LogLevels.known[settings.logLevel] ?? .info
        let writer = LogWriter(FileDescriptor(taking: 2)) { lost in
            LineHandler(label: "moonlet", logLevel: level, format: format).line(losing: lost)
        }
        Self.writer.set(writer)
        atexit { ServerLog.flush() }
        LoggingSystem.bootstrap { label in
            LineHandler(label: label, logLevel: level, format: format, writer: writer)
        }
        return Logger(label: "moonlet")
    }

    /// What a process logs, as a record of the program's log.
    static func sink(_ logger: Logger) -> @Sendable (LogLine) -> Void {
        { line in
            var metadata: Logger.Metadata = ["pid": "\(line.pid)", "entry": "\(line.entry)"]
            if line.line > 0 { metadata["line"] = "\(line.line)" }
            if !line.logger.isEmpty { metadata["logger"] = "\(line.logger)" }
            if !line.fields.isNil, let text = try? PayloadJSON.encode(line.fields, .wire) {
                metadata["fields"] = .stringConvertible(RawJSON(bytes: text))
            }
            logger.log(level: level(line.level), "\(line.message)", metadata: metadata)
        }
    }

    private static func level(_ level: LogLine.Level) -> Logger.Level {
        switch level {
        case .debug: .debug
        case .info: .info
        case .warn: .warning
        case .error: .error
        }
    }
}

/// Text that is JSON already.
struct RawJSON: CustomStringConvertible, Sendable {
    let bytes: [UInt8]
    var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// Makes each record one line for standard error.
struct LineHandler: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    let format: ServeSettings.LogFormat
    private let writer: LogWriter?

    init(
        label: String,
        logLevel: Logger.Level,
        format: ServeSettings.LogFormat,
        writer: LogWriter? = nil
    ) {
        self.label = label
        self.logLevel = logLevel
        self.format = format
        self.writer = writer
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { writer?.add(line(event)) }

    /// The record as bytes, its end included.
    func line(_ event: LogEvent) -> [UInt8] {
        line(
            event.level,
            "\(event.message)",
            metadata.merging(event.metadata ?? [:]) { _, new in new }
        )
    }

    /// Says that so many records were lost, for nobody took them.
    func line(losing count: Int) -> [UInt8] {
        line(.warning, "log lines lost: nobody read them in time", ["count": "\(count)"])
    }

    private func line(
        _ level: Logger.Level,
        _ message: String,
        _ fields: Logger.Metadata
    ) -> [UInt8] {
        switch format {
        case .text: text(level, message, fields)
        case .json: json(level, message, fields)
        }
    }

    private func word(_ level: Logger.Level) -> String {
        level == .warning ? "warn" : level.rawValue
    }

    private func text(
        _ level: Logger.Level,
        _ message: String,
        _ fields: Logger.Metadata
    ) -> [UInt8] {
        var line =
            Timestamp.text(SystemTime.wallNanoseconds()) + " " + word(level).uppercased() + " "
        for character in message.unicodeScalars {
            if character == "\n" {
                line += "\n    "
            } else {
                append(character, to: &line)
            }
        }
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            line += " \(name)=\(word(value))"
        }
        return Array((line + "\n").utf8)
    }

    /// A field's value as one word: what a client put into a path must not look like a record.
    private func word(_ value: Logger.MetadataValue) -> String {
        let text = "\(value)"
        let isWord = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") }
        if isWord, !text.isEmpty { return text }
        var word = ""
        for character in json(text, of: value).unicodeScalars {
            append(character, to: &word)
        }
        return word
    }

    private func json(_ text: String, of value: Logger.MetadataValue) -> String {
        if case .stringConvertible(is RawJSON) = value { return text }
        var writer = JSONWriter()
        writer.value(text)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Adds a character of somebody else's text, which must not move the reader's cursor, end the line
    /// or turn the reading direction round.
    private func append(_ character: Unicode.Scalar, to line: inout String) {
        switch character.value {
        case 0x09: line.unicodeScalars.append(character)
        case 0..<0x20: line += "\\x\(String(character.value, radix: 16))"
        // DEL and C1 controls; marks, embeddings, isolates (UAX #9); separators of lines and paragraphs.
        case 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
            let digits = String(character.value, radix: 16)
            line += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        default: line.unicodeScalars.append(character)
        }
    }

    private func json(
        _ level: Logger.Level,
        _ message: String,
        _ fields: Logger.Metadata
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("at", Timestamp.text(SystemTime.wallNanoseconds()))
        writer.member("level", word(level))
        writer.member("msg", message)
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            if case .stringConvertible(let raw as RawJSON) = value {
                writer.key(name)
                writer.raw(raw.bytes)
            } else {
                writer.member(name, "\(value)")
            }
        }
        writer.endObject()
        return writer.bytes + [0x0A]
    }
}
