import CLuaShim
public import Payload

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

extension LuaThread {
    /// Writes the value at `index` if it is nil, a boolean, a number or a string that fits; false for
    /// others, which take a `PayloadEncoder`.
    @inlinable
    public func writeScalar(
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
    public func writeNumber(_ index: Int32, to writer: inout PayloadWriter) {
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

    /// Which JSON shape the table at `index` was marked as.
    package func mark(of index: Int32) -> TableMark {
        TableMark(rawValue: UInt8(unsafe ml_mark_of(raw, index))) ?? .plain
    }

    /// Gives the table on top the metatable that remembers its JSON shape.
    package func setMark(_ mark: TableMark) {
        let key: LuaKey
        switch mark {
        case .plain: return
        case .array: key = CodecKeys.arrayClass
        case .object: key = CodecKeys.objectClass
        }
        unsafe ml_push_mark_class(raw, key.address, Int32(mark.rawValue))
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
