import CLuaShim
package import Payload

/// Userdata classes that cross between processes, and the registry keys the codec needs.
///
/// An error object is a userdata with five user values: message, kind, retryable, details, stack.
/// A message object is one with two user values, payload and topic, and its sender's number in its
/// memory (`ml_message`). `null` is one light address. The mark of a table (`json.array`, `json.object`) is its metatable.
package enum CodecKeys {
    package static let error = LuaKey()
    package static let message = LuaKey()
    package static let null = LuaKey()
    /// Metatables of tables: of a Message's payload, of JSON arrays and of JSON objects.
    package static let plainClass = LuaKey()
    package static let arrayClass = LuaKey()
    package static let objectClass = LuaKey()
}

/// Why a value cannot leave its process: where in it, and what is there.
package struct UnsendableFault: Error, Equatable {
    package let path: String
    package let reason: String
    package var message: String { "\(path): \(reason)" }

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// Lua values to payload bytes and back.
package struct PayloadEncoder: ~Copyable {
    private let thread: LuaThread
    /// Where on the stack the keys from the value given inward are, for messages; zero inside an
    /// error object.
    private var path: [Int32] = []
    private let root: String
    private let bytesMax: Int

    /// The largest payload where nobody set another limit, in bytes.
    ///
    /// A limit there must be: shared references become copies, so a small table can stand for a
    /// payload larger than any memory.
    package static let bytesMaxDefault = 16 << 20

    /// Encodes values of `thread`; faults name them from `root` on, as in `payload.items[3]`.
    ///
    /// `bytesMax` is for everything the writer holds.
    package init(
        _ thread: LuaThread,
        root: String = "payload",
        bytesMax: Int = PayloadEncoder.bytesMaxDefault
    ) {
        self.thread = thread
        self.root = root
        self.bytesMax = bytesMax
    }

    /// Writes the value at `index`; the stack is left as it was.
    package mutating func encode(
        _ index: Int32,
        into writer: inout PayloadWriter
    ) throws(UnsendableFault) {
        let height = thread.top
        do throws(UnsendableFault) {
            try write(thread.absolute(index), &writer)
            guard writer.payloadCount <= bytesMax else { throw tooLarge() }
        } catch {
            thread.setTop(height)
            throw error
        }
    }

    private mutating func write(
        _ index: Int32,
        _ writer: inout PayloadWriter
    ) throws(UnsendableFault) {
        guard writer.payloadCount <= bytesMax else { throw tooLarge() }
        switch thread.kind(index) {
        case .none, .nothing: writer.writeNil()
        case .boolean: writer.write(thread.boolean(index))
        case .number:
            thread.writeNumber(index, to: &writer)
        case .string:
            if let bytes = unsafe thread.bytes(index) {
                guard bytes.count <= bytesMax - writer.payloadCount else { throw tooLarge() }
                unsafe writer.writeString(bytes)
            }
        case .table: try writeTable(index, &writer)
        case .userdata: try writeUserdata(index, &writer)
        case .lightUserdata:
            thread.pushKey(CodecKeys.null)
            let isNull = thread.rawEqual(index, -1)
            thread.pop()
            guard isNull else { throw fault("cannot send a userdata") }
            writer.writeNull()
        case .function: throw fault("cannot send a function")
        case .thread: throw fault("cannot send a coroutine")
        }
    }

    private mutating func writeTable(
        _ index: Int32,
        _ writer: inout PayloadWriter
    ) throws(UnsendableFault) {
        guard path.count < payloadDepthMax else {
            throw fault("nested deeper than \(payloadDepthMax) levels (or a cycle)")
        }
        guard thread.ensure(8) else { throw fault("nested too deep") }
        let position = writer.beginTable(mark(of: index))
        var sequence = 0
        var pairs = 0
        thread.pushNil()
        while thread.next(index) {
            if pairs == 0, thread.isInteger(-2), thread.integer(-2) == Int64(sequence + 1) {
                path.append(thread.absolute(-2))
                try write(thread.absolute(-1), &writer)
                sequence += 1
            } else {
                path.append(thread.absolute(-2))
                try writeKey(thread.absolute(-2), &writer)
                try write(thread.absolute(-1), &writer)
                pairs += 1
            }
            path.removeLast()
            thread.pop()
        }
        writer.endTable(position, sequence: sequence, pairs: pairs)
    }

    /// A Message as a key would become its payload, which may be nil or NaN: no key for a table.
    private mutating func writeKey(
        _ index: Int32,
        _ writer: inout PayloadWriter
    ) throws(UnsendableFault) {
        if unsafe thread.userdata(index, class: CodecKeys.message) != nil {
            throw fault("cannot send a message as a key")
        }
        try write(index, &writer)
    }

    private func mark(of index: Int32) -> TableMark {
        guard thread.pushMetatable(index) else { return .plain }
        defer { thread.pop() }
        for (key, mark) in [
            (CodecKeys.arrayClass, TableMark.array), (CodecKeys.objectClass, .object),
        ] {
            thread.getKey(LuaThread.registry, key)
            let same = thread.rawEqual(-1, -2)
            thread.pop()
            if same { return mark }
        }
        return .plain
    }

    private mutating func writeUserdata(
        _ index: Int32,
        _ writer: inout PayloadWriter
    ) throws(UnsendableFault) {
        if unsafe thread.userdata(index, class: CodecKeys.error) != nil {
            guard path.count < payloadDepthMax, thread.ensure(8) else {
                throw fault("nested deeper than \(payloadDepthMax) levels")
            }
            writer.beginError()
            for value in Int32(1)...5 {
                thread.getUserValue(index, value)
                path.append(0)
                try write(thread.absolute(-1), &writer)
                path.removeLast()
                thread.pop()
            }
        } else if unsafe thread.userdata(index, class: CodecKeys.message) != nil {
            thread.getUserValue(index, 1)
            try write(thread.absolute(-1), &writer)
            thread.pop()
        } else {
            throw fault("cannot send a \(thread.rawText(index).prefix { $0 != ":" })")
        }
    }

    /// A key as a step of a path: `[3]` or `.name`.
    private func step(_ index: Int32) -> String {
        if index == 0 { return ".error" }
        if let number = thread.isInteger(index) ? thread.integer(index) : nil {
            return "[\(number)]"
        }
        if thread.kind(index) == .string { return "." + (thread.string(index) ?? "") }
        return "[\(thread.rawText(index))]"
    }

    private func tooLarge() -> UnsendableFault {
        UnsendableFault(path: root, reason: "larger than \(bytesMax) bytes")
    }

    private func fault(_ reason: String) -> UnsendableFault {
        var text = root
        // A cycle is as deep as the limit: its first steps say enough. The keys are still there.
        for index in path.prefix(8) { text += step(index) }
        if path.count > 8 { text += "..." }
        return UnsendableFault(path: text, reason: reason)
    }
}

extension LuaThread {
    /// Writes the value at `index` if it is nil, a boolean, a number or a string that fits; false for
    /// others, which take a `PayloadEncoder`.
    @inlinable
    package func writeScalar(
        _ index: Int32,
        to writer: inout PayloadWriter,
        bytesMax: Int
    ) -> Bool {
        switch kind(index) {
        case .nothing: writer.writeNil()
        case .boolean: writer.write(boolean(index))
        case .number: writeNumber(index, to: &writer)
        case .string:
            guard let bytes = unsafe bytes(index),
                bytes.count < bytesMax - writer.payloadCount - 5
            else { return false }
            unsafe writer.writeString(bytes)
        default: return false
        }
        return true
    }

    /// Writes the number at `index`.
    @inlinable @inline(__always)
    package func writeNumber(_ index: Int32, to writer: inout PayloadWriter) {
        if isInteger(index) {
            writer.write(integerOfNumber(index))
        } else {
            writer.write(number(index) ?? 0)
        }
    }
}

extension LuaThread {
    /// Pushes a Message from the process `sender` (its number; zero for nobody), without its user
    /// values: 1 is the payload, 2 the topic.
    package func pushMessage(from sender: UInt64) {
        let memory = unsafe pushUserdata(
            bytes: MemoryLayout<ml_message>.size,
            values: 2,
            class: CodecKeys.message
        )
        unsafe memory.storeBytes(of: ml_message(sender: sender), as: ml_message.self)
    }

    /// Pushes the `__index` of the Message class.
    package func pushMessageIndex() {
        unsafe ml_push_message_index(raw, CodecKeys.message.address)
    }

    /// Pushes the next value of `reader`.
    ///
    /// One slot of the stack must be free. Payloads nest at most `payloadDepthMax` deep, so the
    /// recursion is bounded. Where the stack can't grow any more the machine dies instead of getting
    /// half a value.
    package func pushPayload(_ reader: inout PayloadReader) {
        switch reader.next() {
        case .nothing: pushNil()
        case .null: pushKey(CodecKeys.null)
        case .boolean(let value): push(value)
        case .integer(let value): push(value)
        case .float(let value): push(value)
        case .string(let bytes): unsafe push(bytes: bytes)
        case .table(let mark, let sequence, let pairs):
            guard ensure(8) else {
                reader.skip(values: sequence + 2 * pairs)
                return pushExhausted()
            }
            pushTable(sequence: sequence, pairs: pairs)
            for position in 0..<sequence {
                pushPayload(&reader)
                setIndex(-2, Int64(position + 1))
            }
            for _ in 0..<pairs {
                pushPayload(&reader)
                pushPayload(&reader)
                rawSet(-3)
            }
            setMark(mark)
        case .error:
            guard ensure(8) else {
                reader.skip(values: 5)
                return pushExhausted()
            }
            pushError(&reader)
        }
    }

    private func pushExhausted() {
        exhaust()
        pushNil()
    }

    package func push(_ payload: Payload) {
        payload.withReader { pushPayload(&$0) }
    }

    /// Gives the table on top the metatable that remembers its JSON shape.
    package func setMark(_ mark: TableMark) {
        let key: LuaKey
        switch mark {
        case .plain: return
        case .array: key = CodecKeys.arrayClass
        case .object: key = CodecKeys.objectClass
        }
        unsafe ml_push_mark_class(raw, key.address)
        setMetatable(-2)
    }

    private func pushError(_ reader: inout PayloadReader) {
        _ = unsafe pushUserdata(bytes: 0, values: 5, class: CodecKeys.error)
        for value in Int32(1)...5 {
            pushPayload(&reader)
            setUserValue(-2, value)
        }
    }

    /// The payload of the value at `index`.
    package func payload(
        _ index: Int32,
        root: String = "payload"
    ) throws(UnsendableFault) -> Payload {
        var writer = PayloadWriter()
        var encoder = PayloadEncoder(self, root: root)
        try encoder.encode(index, into: &writer)
        return writer.finish()
    }
}
