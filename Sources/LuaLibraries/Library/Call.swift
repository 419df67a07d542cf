import LuaVM
import Payload
import ProcessRuntime

/// One call from Lua: the stack with the arguments, and the process that calls.
///
/// Bodies return a number of results or an outcome of `LuaThread` (`wrongType`, `raise`, ...).
@safe
struct Call {
    let thread: LuaThread
    private let context: UnsafeMutableRawPointer?

    init(_ raw: OpaquePointer, _ context: UnsafeMutableRawPointer?) {
        thread = unsafe LuaThread(raw)
        unsafe self.context = unsafe context
    }

    /// The process that calls; there is one whenever a script of an app runs.
    var process: LuaProcess { unsafe LuaProcess.of(context) }

    /// Runs `action` with the process that calls, which is not retained for it.
    @inline(__always)
    func withProcess<R>(_ action: (LuaProcess) -> R) -> R {
        guard let context = unsafe context else {
            preconditionFailure("a machine that runs has its process as context")
        }
        // SAFETY: as `LuaProcess.of`.
        return unsafe Unmanaged<LuaProcess>.fromOpaque(context)
            ._withUnsafeGuaranteedRef { action($0) }
    }

    var runtime: Runtime { process.runtime }
    var count: Int32 { thread.top }

    // MARK: Answers

    /// The answer `true`.
    func yes() -> Int32 {
        thread.push(true)
        return 1
    }

    /// The answer `nil, error`.
    func fail(_ error: ErrorValue) -> Int32 {
        thread.pushNil()
        thread.push(error)
        return 2
    }

    func fail(_ kind: ErrorKind, _ message: String) -> Int32 {
        fail(ErrorValue(message: message, kind: kind.rawValue))
    }

    // MARK: Arguments

    /// The string argument `index`, or the outcome of a type error in `outcome`.
    func string(_ index: Int32, _ outcome: inout Int32?) -> String {
        if let value = thread.string(index) { return value }
        if thread.kind(index) == .number { return thread.rawText(index) }
        outcome = thread.wrongType(index, "string")
        return ""
    }

    /// The argument `index` as a name of a process; nil where it is not UTF-8, which no name is.
    func name(_ index: Int32, _ outcome: inout Int32?) -> String? {
        guard let bytes = unsafe thread.bytes(index) else { return string(index, &outcome) }
        return unsafe String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self)
    }
}

/// Kinds of error objects (SEMANTICS 10).
enum ErrorKind: String, CaseIterable {
    case notFound = "NotFound"
    case alreadyExists = "AlreadyExists"
    case invalid = "Invalid"
    case permissionDenied = "PermissionDenied"
    case unavailable = "Unavailable"
    case internalFailure = "Internal"
    case canceled = "Canceled"
    case conflict = "Conflict"
    case timeout = "Timeout"
    case rateLimited = "RateLimited"
    case unknown = ""

    /// Its name among `errors`' constants.
    var constant: String {
        switch self {
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .invalid: "INVALID"
        case .permissionDenied: "PERMISSION_DENIED"
        case .unavailable: "UNAVAILABLE"
        case .internalFailure: "INTERNAL"
        case .canceled: "CANCELED"
        case .conflict: "CONFLICT"
        case .timeout: "TIMEOUT"
        case .rateLimited: "RATE_LIMITED"
        case .unknown: "UNKNOWN"
        }
    }
}

/// Functions by the names of the operators they stand for.
typealias LibraryFunctions = [(name: String, body: LuaFunction)]
