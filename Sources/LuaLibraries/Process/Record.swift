import LuaVM

/// A plain struct in a machine's memory, by address: a fiber, a waiter, a channel.
///
/// SAFETY: records are made and freed by `LuaProcess` alone, in its own machine's memory, and are
/// touched only by whoever has the process's turn. A channel's record is its userdata's memory: it
/// is reached only from a stack that holds that userdata, from the registry that anchors it, or from
/// a waiter, whose fiber's stack holds it.
@safe
struct Record<Value: ~Copyable>: Equatable {
    let address: UnsafeMutablePointer<Value>

    init(_ address: UnsafeMutablePointer<Value>) {
        unsafe self.address = unsafe address
    }

    /// Makes a record in memory of at least its size.
    init(in memory: UnsafeMutableRawPointer, _ value: consuming Value) {
        unsafe address = memory.bindMemory(to: Value.self, capacity: 1)
        unsafe address.initialize(to: value)
    }

    var pointee: Value {
        _read { yield unsafe address.pointee }
        nonmutating _modify { yield unsafe &address.pointee }
    }

    static func == (left: Record, right: Record) -> Bool {
        unsafe left.address == right.address
    }
}

extension LuaMachine {
    /// A new record in this machine's memory.
    func makeRecord<Value>(_ value: Value) -> Record<Value> {
        let memory = unsafe allocate(MemoryLayout<Value>.size)
        return unsafe Record(in: memory, value)
    }

    func free<Value>(_ record: Record<Value>) {
        let memory = unsafe UnsafeMutableRawPointer(record.address)
        unsafe free(memory, bytes: MemoryLayout<Value>.size)
    }
}
