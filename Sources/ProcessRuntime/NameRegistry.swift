import Synchronization

/// A name as its bytes.
///
/// `String` takes texts for equal that Unicode does, such as é in one scalar and in two: as names
/// of processes they are different.
struct ProcessName: Hashable, Sendable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static func == (left: ProcessName, right: ProcessName) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var copy = text
        copy.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// Names of processes: each maps to at most one pid.
///
/// Lock order: the registry's lock, then a control block's.
final class NameRegistry: Sendable {
    private let owners = Mutex([ProcessName: PID]())

    /// Gives `name` to `pid` if nobody alive has it; returns whether it is new.
    ///
    /// A process that is being made becomes routable in the same step. The owner's aliveness is
    /// decided under its lock: either its exit has not begun, and will free the name, or the claim is
    /// refused.
    @discardableResult
    func claim(
        _ name: String,
        for pid: PID,
        _ block: ControlBlock,
        in table: ProcessTable,
        atMost limit: Int = .max
    ) throws(RuntimeFault) -> Bool {
        let fault: Result<Bool, RuntimeFault> = owners.withLock { owners in
            if let owner = owners[ProcessName(name)] {
                if owner == pid && isAlive(pid, block) { return .success(false) }
                if let other = table.block(owner), isAlive(owner, other) {
                    return .failure(.nameTaken(owner))
                }
                // The owner is dying: its exit will find the name taken over and leave it.
            }
            return block.withLock { state in
                guard state.pid == pid, state.phase == .alive || state.phase == .starting else {
                    return .failure(.processNotFound)
                }
                guard state.names.count < limit else { return .failure(.tooManyNames) }
                state.phase = .alive
                state.names.append(name)
                owners[ProcessName(name)] = pid
                return .success(true)
            }
        }
        return try fault.get()
    }

    private func isAlive(_ pid: PID, _ block: ControlBlock) -> Bool {
        block.withLock { $0.pid == pid && $0.phase == .alive }
    }

    var count: Int { owners.withLock { $0.count } }

    func find(_ name: String) -> PID? {
        owners.withLock { $0[ProcessName(name)] }
    }

    /// Takes `name` away from `pid`, which lives on; false when it has not got it.
    ///
    /// One step for the registry and the process, so that a claim meanwhile sees both or neither. Of
    /// one that dies its exit frees the names, and tells of each.
    func revoke(_ name: String, of pid: PID, _ block: ControlBlock) -> Bool {
        let key = ProcessName(name)
        return owners.withLock { owners in
            guard owners[key] == pid else { return false }
            let isRevoked = block.withLock { state in
                guard state.pid == pid, state.phase == .alive else { return false }
                state.names.removeAll { ProcessName($0) == key }
                return true
            }
            if isRevoked { owners[key] = nil }
            return isRevoked
        }
    }

    /// Frees `name` if `pid`, which has ended, still has it.
    @discardableResult
    func release(_ name: String, of pid: PID) -> Bool {
        let key = ProcessName(name)
        return owners.withLock { owners in
            guard owners[key] == pid else { return false }
            owners[key] = nil
            return true
        }
    }

    func all() -> [(name: String, pid: PID)] {
        owners.withLock { owners in owners.map { (name: $0.key.text, pid: $0.value) } }
    }
}
