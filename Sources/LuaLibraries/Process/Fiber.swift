import LuaVM

/// A concurrent coroutine of a process: the main one, or one made by `coroutine.spawn`.
///
/// Lives in the machine's memory, so it goes when the process goes. Its Lua thread is anchored in
/// the registry under the record's own address. States: ready (in the ready list), running, parked
/// (has waiters, a timer or a token), done (freed).
struct Fiber {
    var thread: LuaThread
    /// The innermost thread, where the parked call's arguments are and its answer goes.
    var parkedThread: LuaThread
    /// Values on the thread's stack that its next resume passes on.
    var arguments: Int32 = 0
    /// In the ready list: the fiber behind this one.
    var next: Record<Fiber>?
    /// The first of the waiters it is parked at.
    var waiters: Record<Waiter>?
    /// One not in use, kept for the next time it parks.
    var spareWaiter: Record<Waiter>?
    /// Which case fired (1-based), whether it sent, and with which `ok`; for a reply, how many
    /// values it brought.
    var wokenCase: Int32 = 0
    var wokenBySend = false
    var wokenOK = false
    /// The timer or reply it is parked for; zero for none.
    var token: Int64 = 0
}

/// One place where a fiber is parked: a channel, and what it wants there.
struct Waiter {
    var fiber: Record<Fiber>
    var channel: Record<Channel>
    var isSend: Bool
    /// Where on the fiber's `parkedThread` the value to be sent is.
    var valueIndex: Int32
    /// Its place among the cases of a select, from 1 on; 0 for a plain call.
    var caseIndex: Int32
    var previous: Record<Waiter>?
    var next: Record<Waiter>?
    /// The same fiber's waiters before and behind this one.
    var elder: Record<Waiter>?
    var sibling: Record<Waiter>?
}

/// A first-in first-out list of waiters, threaded through them.
struct WaiterList {
    private(set) var first: Record<Waiter>?
    private var last: Record<Waiter>?

    var isEmpty: Bool { first == nil }

    mutating func append(_ waiter: Record<Waiter>) {
        waiter.pointee.previous = last
        waiter.pointee.next = nil
        if let last { last.pointee.next = waiter } else { first = waiter }
        last = waiter
    }

    mutating func remove(_ waiter: Record<Waiter>) {
        let (previous, next) = (waiter.pointee.previous, waiter.pointee.next)
        if let previous { previous.pointee.next = next } else { first = next }
        if let next { next.pointee.previous = previous } else { last = previous }
    }
}

/// The fibers that want to run, in order.
struct FiberList {
    private var first: Record<Fiber>?
    private var last: Record<Fiber>?

    var isEmpty: Bool { first == nil }

    mutating func append(_ fiber: Record<Fiber>) {
        fiber.pointee.next = nil
        if let last { last.pointee.next = fiber } else { first = fiber }
        last = fiber
    }

    mutating func prepend(_ fiber: Record<Fiber>) {
        fiber.pointee.next = first
        first = fiber
        if last == nil { last = fiber }
    }

    mutating func popFirst() -> Record<Fiber>? {
        guard let fiber = first else { return nil }
        first = fiber.pointee.next
        if first == nil { last = nil }
        return fiber
    }
}
