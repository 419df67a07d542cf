package import Payload

/// Lua values to payload bytes.
///
/// Each level of nesting takes two slots of the stack, a key and its value, so the path to a value
/// that cannot be sent is read off the stack when a fault is made, and costs nothing otherwise.
package struct PayloadEncoder: ~Copyable {
    private let thread: LuaThread
    private let root: String
    private let bytesMax: Int
    /// Where the outermost key is on the stack, and how many levels lie there.
    private var firstKey: Int32 = 0
    private var levels: Int32 = 0
    /// Levels that count: a Message stands for its payload.
    private var depth = 0
    private var fault: UnsendableFault?

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
        firstKey = height + 1
        levels = 0
        depth = 0
        if write(thread.absolute(index), &writer) && writer.payloadCount <= bytesMax { return }
        thread.setTop(height)
        throw fault ?? tooLarge()
    }

    /// Writes one value; false when it, or something in it, cannot be sent: `fault` says why.
    ///
    /// Not a throwing function: this runs for each value of each message.
    private mutating func write(_ index: Int32, _ writer: inout PayloadWriter) -> Bool {
        switch thread.kind(index) {
        case .number: thread.writeNumber(index, to: &writer)
        case .string:
            let bytes = unsafe thread.bytesOfString(index)
            guard bytes.count <= bytesMax - writer.payloadCount else { return refuse(tooLarge()) }
            unsafe writer.writeString(bytes)
        case .table: return writeTable(index, &writer)
        case .boolean: writer.write(thread.boolean(index))
        case .none, .nothing: writer.writeNil()
        case .userdata: return writeUserdata(index, &writer)
        case .lightUserdata:
            guard thread.isKey(index, CodecKeys.null) else {
                return refuse("cannot send a userdata")
            }
            writer.writeNull()
        case .function: return refuse("cannot send a function")
        case .thread: return refuse("cannot send a coroutine")
        }
        return true
    }

    private mutating func writeTable(_ index: Int32, _ writer: inout PayloadWriter) -> Bool {
        guard enter() else { return false }
        let position = writer.beginTable(thread.mark(of: index))
        var sequence = 0
        var pairs = 0
        let key = firstKey + 2 * (levels - 1)
        let value = key + 1
        thread.pushNil()
        while thread.next(index) {
            if pairs == 0, thread.integer(key, is: Int64(sequence + 1)) {
                sequence += 1
            } else {
                guard writeKey(key, &writer) else { return false }
                pairs += 1
            }
            guard write(value, &writer) else { return false }
            guard writer.payloadCount <= bytesMax else { return refuse(tooLarge()) }
            thread.pop()
        }
        writer.endTable(position, sequence: sequence, pairs: pairs)
        leave()
        return true
    }

    /// A Message as a key would become its payload, which may be nil or NaN: no key for a table.
    private mutating func writeKey(_ index: Int32, _ writer: inout PayloadWriter) -> Bool {
        if thread.kind(index) == .userdata,
            unsafe thread.userdata(index, class: CodecKeys.message) != nil
        {
            return refuse("cannot send a message as a key")
        }
        return write(index, &writer)
    }

    private mutating func writeUserdata(_ index: Int32, _ writer: inout PayloadWriter) -> Bool {
        if unsafe thread.userdata(index, class: CodecKeys.error) != nil {
            guard enter() else { return false }
            writer.beginError()
            thread.pushNil()
            for value in Int32(1)...5 {
                thread.getUserValue(index, value)
                guard write(thread.top, &writer) else { return false }
                thread.pop()
            }
            thread.pop()
            leave()
        } else if unsafe thread.userdata(index, class: CodecKeys.message) != nil {
            guard enter(counts: false) else { return false }
            // Its key is one that no path shows.
            thread.pushKey(CodecKeys.message)
            thread.getUserValue(index, 1)
            guard write(thread.top, &writer) else { return false }
            thread.pop(2)
            leave(counts: false)
        } else {
            return refuse("cannot send a \(thread.rawText(index).prefix { $0 != ":" })")
        }
        return true
    }

    /// Goes one level deeper.
    private mutating func enter(counts: Bool = true) -> Bool {
        guard depth < payloadDepthMax else {
            return refuse("nested deeper than \(payloadDepthMax) levels (or a cycle)")
        }
        guard thread.ensure(8) else { return refuse("nested too deep") }
        levels += 1
        if counts { depth += 1 }
        return true
    }

    private mutating func leave(counts: Bool = true) {
        levels -= 1
        if counts { depth -= 1 }
    }

    private mutating func refuse(_ why: UnsendableFault) -> Bool {
        fault = why
        return false
    }

    /// Refuses the value that is being written; the keys on the way to it are still on the stack.
    private mutating func refuse(_ reason: String) -> Bool {
        var path = root
        // A cycle is as deep as the limit: its first steps say enough.
        for level in 0..<min(levels, 8) { path += step(firstKey + 2 * level) }
        if levels > 8 { path += "..." }
        return refuse(UnsendableFault(path: path, reason: reason))
    }

    /// A key as a step of a path: `[3]` or `.name`.
    private func step(_ index: Int32) -> String {
        if thread.isKey(index, CodecKeys.message) { return "" }
        if thread.kind(index) == .nothing { return ".error" }
        if thread.kind(index) == .number, thread.isInteger(index) {
            return "[\(thread.integerOfNumber(index))]"
        }
        if thread.kind(index) == .string { return "." + (thread.string(index) ?? "") }
        return "[\(thread.rawText(index))]"
    }

    private func tooLarge() -> UnsendableFault {
        UnsendableFault(path: root, reason: "larger than \(bytesMax) bytes")
    }
}
