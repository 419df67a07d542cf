import Synchronization

/// Every slot that was ever used, and which are free.
///
/// Blocks live as long as the table; lookups take no lock.
final class ProcessTable: Sendable {
    /// Blocks come in pages, so that a block never moves.
    static let pageSlots = 4_096
    private let pages: [SetOnce<Page>]
    private let free = Mutex(FreeSlots())

    struct FreeSlots {
        var slots: [Int] = []
        var next = 1
    }

    /// The blocks of consecutive slots.
    // Sendable: what a page holds never changes; the blocks themselves say who may touch them.
    @safe
    final class Page: @unchecked Sendable {
        private let blocks: UnsafeMutablePointer<ControlBlock.Fields>
        private let count: Int

        init(from first: Int, count: Int) {
            unsafe blocks = ControlBlock.make(from: first, count: count)
            self.count = count
        }

        deinit {
            unsafe blocks.deinitialize(count: count)
            unsafe blocks.deallocate()
        }

        /// The block at `place`; the last page ends with the last slot.
        func block(_ place: Int) -> ControlBlock? {
            place < count ? unsafe ControlBlock(at: blocks + place) : nil
        }
    }

    let capacity: Int

    init(capacity: Int) {
        self.capacity = min(capacity, PID.slotMax)
        let count = self.capacity / ProcessTable.pageSlots + 1
        pages = (0..<count).map { _ in SetOnce<Page>() }
    }

    /// The block of a pid's slot, whoever holds it now; nil for a slot never used.
    func block(_ pid: PID) -> ControlBlock? {
        block(slot: pid.slot)
    }

    func block(slot: Int) -> ControlBlock? {
        let page = slot / ProcessTable.pageSlots
        guard page < pages.count else { return nil }
        return pages[page].borrow { $0.block(slot % ProcessTable.pageSlots) }
    }

    /// A block for a new process, or nil when the table is full.
    func take() -> ControlBlock? {
        let slot = free.withLock { free -> Int? in
            // Newest first: its block is warm, and few processes touch few pages.
            if let slot = free.slots.popLast() { return slot }
            guard free.next <= capacity else { return nil }
            defer { free.next += 1 }
            let page = free.next / ProcessTable.pageSlots
            if pages[page].value == nil {
                let first = page * ProcessTable.pageSlots
                let count = min(ProcessTable.pageSlots, capacity + 1 - first)
                pages[page].set(Page(from: first, count: count))
            }
            return free.next
        }
        return slot.flatMap { block(slot: $0) }
    }

    func giveBack(_ block: ControlBlock) {
        free.withLock { $0.slots.append(block.slot) }
    }

    /// Slots handed out so far, for walks over all processes.
    var usedSlots: Int { free.withLock { $0.next } }
}

/// A reference that is set once and then read without a lock.
final class SetOnce<Value: AnyObject & Sendable>: Sendable {
    private let address = Atomic<UInt>(0)

    /// Sets the value, once; it is kept alive as long as this is.
    func set(_ value: Value) {
        let raw = unsafe UInt(bitPattern: Unmanaged.passRetained(value).toOpaque())
        // Release: pairs with the acquire load in `value`, so that the object is seen complete.
        address.store(raw, ordering: .releasing)
    }

    var value: Value? {
        let raw = address.load(ordering: .acquiring)
        // SAFETY: only `set` stores, an address it retained for ever.
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: raw) else { return nil }
        return unsafe Unmanaged<Value>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// What `action` makes of the value, which is not retained for it; nil before it is set.
    func borrow<R>(_ action: (Value) -> R?) -> R? {
        let raw = address.load(ordering: .acquiring)
        // SAFETY: as `value`.
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: raw) else { return nil }
        return unsafe Unmanaged<Value>.fromOpaque(pointer)._withUnsafeGuaranteedRef { action($0) }
    }

    deinit {
        let raw = address.load(ordering: .acquiring)
        if let pointer = unsafe UnsafeRawPointer(bitPattern: raw) {
            unsafe Unmanaged<Value>.fromOpaque(pointer).release()
        }
    }
}
