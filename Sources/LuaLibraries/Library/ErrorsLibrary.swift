import LuaVM
import Payload
import ProcessRuntime

/// Error objects and the `errors` module (SEMANTICS 10).
///
/// An error object is a userdata with user values message, kind, retryable, details, stack.
enum ErrorsLibrary {
    private static let functions: [Member] = [
        Member("new") { unsafe ErrorsLibrary.new(Call($0, $1)) },
        Member("wrap") { unsafe ErrorsLibrary.wrap(Call($0, $1)) },
        Member("is") { unsafe ErrorsLibrary.isKind(Call($0, $1)) },
        Member("call_stack") { unsafe ErrorsLibrary.field(Call($0, $1), 5) },
    ]

    static let methods: [Member] = [
        Member("message") { unsafe ErrorsLibrary.field(Call($0, $1), 1) },
        Member("kind") { unsafe ErrorsLibrary.field(Call($0, $1), 2) },
        Member("retryable") { unsafe ErrorsLibrary.field(Call($0, $1), 3) },
        Member("details") { unsafe ErrorsLibrary.field(Call($0, $1), 4) },
        Member("stack") { unsafe ErrorsLibrary.field(Call($0, $1), 5) },
    ]

    /// The class of error objects; where payloads answer calls, they do too.
    static let luaClass = LuaClass(CodecKeys.error, "error") { thread in
        thread.push(.errorMethods, nil)
        thread.setField(-2, "__index")
        thread.push(body: LuaFunction { unsafe ErrorsLibrary.field(Call($0, $1), 1) })
        thread.setField(-2, "__tostring")
        thread.push(body: LuaFunction { unsafe ErrorsLibrary.concat(Call($0, $1)) })
        thread.setField(-2, "__concat")
        thread.addMessageCall()
    }

    /// What the module offers.
    static let members =
        functions + ErrorKind.allCases.map { Member($0.constant, .string($0.rawValue)) }

    /// Has functions of strings take an error object as its message; once for the program.
    static func installText() {
        unsafe LuaHost.setTextOfUserdata { raw, index in
            let thread = unsafe LuaThread(raw)
            guard unsafe thread.userdata(index, class: CodecKeys.error) != nil else { return false }
            thread.getUserValue(index, 1)
            return true
        }
    }

    // MARK: The module

    private static func new(_ call: Call) -> Int32 {
        let thread = call.thread
        switch thread.kind(1) {
        case .string:
            thread.push(ErrorValue(message: ""), where: 1)
            keepMessage(thread, 1)
            return 1
        case .table: break
        default: return thread.wrongType(1, "string or table")
        }
        guard thread.getField(1, "message") == .string else {
            return thread.badArgument(1, "field 'message' must be a string")
        }
        let message = thread.top
        var error = ErrorValue(message: "")
        switch thread.getField(1, "kind") {
        case .string: error.kind = thread.string(-1) ?? ""
        case .nothing: break
        default: return thread.badArgument(1, "field 'kind' must be a string")
        }
        switch thread.getField(1, "retryable") {
        case .boolean: error.retryable = thread.boolean(-1)
        case .nothing: break
        default: return thread.badArgument(1, "field 'retryable' must be a boolean")
        }
        thread.push(error, where: 1)
        keepMessage(thread, message)
        // The details stay the value they are, not a copy.
        thread.getField(1, "details")
        thread.setUserValue(-2, 4)
        return 1
    }

    /// Gives the error on top the string at `index` as its message, byte for byte.
    private static func keepMessage(_ thread: LuaThread, _ index: Int32) {
        thread.pushValue(index)
        thread.setUserValue(-2, 1)
    }

    private static func wrap(_ call: Call) -> Int32 {
        let thread = call.thread
        guard let context = thread.string(2) else { return thread.wrongType(2, "string") }
        if thread.kind(1) == .string {
            thread.push(ErrorValue(message: "", traceback: [context]), where: 1)
            keepMessage(thread, 1)
            return 1
        }
        guard unsafe thread.userdata(1, class: CodecKeys.error) != nil else {
            return thread.wrongType(1, "string or error")
        }
        _ = unsafe thread.pushUserdata(bytes: 0, values: 5, class: CodecKeys.error)
        for value in Int32(1)...4 {
            thread.getUserValue(1, value)
            thread.setUserValue(-2, value)
        }
        thread.getUserValue(1, 5)
        let stack = thread.string(-1) ?? ""
        thread.pop()
        thread.push(stack.isEmpty ? context : context + "\n" + stack)
        thread.setUserValue(-2, 5)
        return 1
    }

    private static func isKind(_ call: Call) -> Int32 {
        let thread = call.thread
        guard thread.kind(2) == .string else { return thread.wrongType(2, "string") }
        guard unsafe thread.userdata(1, class: CodecKeys.error) != nil else {
            thread.push(false)
            return 1
        }
        thread.getUserValue(1, 2)
        thread.push(thread.rawEqual(-1, 2))
        return 1
    }

    private static func field(_ call: Call, _ number: Int32) -> Int32 {
        guard unsafe call.thread.userdata(1, class: CodecKeys.error) != nil else {
            return call.thread.wrongType(1, "error")
        }
        call.thread.getUserValue(1, number)
        return 1
    }

    /// `..` with an error on either side gives text.
    private static func concat(_ call: Call) -> Int32 {
        let thread = call.thread
        var text: [UInt8] = []
        for index in Int32(1)...2 {
            if unsafe thread.userdata(index, class: CodecKeys.error) != nil {
                thread.getUserValue(index, 1)
                if let bytes = unsafe thread.bytes(-1) { text += unsafe Array(bytes) }
                thread.pop()
            } else if let bytes = unsafe thread.bytes(index) {
                text += unsafe Array(bytes)
            } else if thread.kind(index) == .number {
                text += Array(thread.rawText(index).utf8)
            } else {
                return thread.raise(
                    "attempt to concatenate a \(thread.typeName(index)) value"
                )
            }
        }
        thread.push(bytes: text)
        return 1
    }
}

extension LuaThread {
    /// Pushes an error object; with `level`, its stack begins with the caller's position.
    func push(_ error: ErrorValue, where level: Int32? = nil) {
        var stack = error.traceback
        if let level {
            pushWhere(level)
            let place = (string(-1) ?? "").dropLast(2)
            pop()
            if !place.isEmpty { stack.append(String(place)) }
        }
        _ = unsafe pushUserdata(bytes: 0, values: 5, class: CodecKeys.error)
        push(error.message)
        setUserValue(-2, 1)
        push(error.kind)
        setUserValue(-2, 2)
        if let retryable = error.retryable { push(retryable) } else { pushNil() }
        setUserValue(-2, 3)
        push(error.details)
        setUserValue(-2, 4)
        push(stack.joined(separator: "\n"))
        setUserValue(-2, 5)
    }
}

extension LuaProcess {
    /// The error a value means when it leaves the process as one.
    ///
    /// Error objects keep what they carry; strings are the message. Other values count only where
    /// `acceptsAny` (an uncaught error may be anything); no code of the script runs for this.
    func errorValue(_ thread: LuaThread, _ index: Int32, acceptsAny: Bool) -> ErrorValue? {
        let place = thread.absolute(index)
        if let text = thread.text(place, bytesMax: ErrorText.messageBytesMax) {
            return ErrorValue(message: text)
        }
        if unsafe thread.userdata(place, class: CodecKeys.error) != nil {
            var error = ErrorValue(message: "")
            thread.getUserValue(place, 1)
            error.message = thread.text(-1, bytesMax: ErrorText.messageBytesMax) ?? ""
            thread.getUserValue(place, 2)
            error.kind = thread.text(-1, bytesMax: ErrorText.kindBytesMax) ?? ""
            if thread.getUserValue(place, 3) == .boolean { error.retryable = thread.boolean(-1) }
            thread.getUserValue(place, 4)
            if let details = try? thread.payload(-1) { error.details = details }
            thread.getUserValue(place, 5)
            if let stack = unsafe thread.bytes(-1) {
                error.traceback = unsafe ErrorText.lines(
                    of: stack,
                    linesMax: ErrorText.contextLinesMax,
                    bytesMax: ErrorText.contextBytesMax
                )
            }
            thread.pop(5)
            return error
        }
        guard acceptsAny else { return nil }
        let text = thread.rawText(place)
        return ErrorValue(
            message: ErrorText.start(of: text, bytesMax: ErrorText.messageBytesMax)
        )
    }
}

extension LuaThread {
    /// The start of the string at `index`; nil for other values.
    func text(_ index: Int32, bytesMax: Int) -> String? {
        guard let bytes = unsafe bytes(index) else { return nil }
        return unsafe ErrorText.start(of: bytes, bytesMax: bytesMax)
    }
}
