import Synchronization

/// Steps that concern two processes at once.
///
/// Both locks are taken, in slot order (ARCHITECTURE.md, "Locks"), so a relation is made and undone at
/// both ends in one step.
extension Runtime {
    /// Runs `action` with both processes' states, if `first` is alive and `second` is alive or, with
    /// `whileStarting`, still being made; false otherwise.
    func withBoth(
        _ first: PID,
        _ second: PID,
        whileStarting: Bool = false,
        _ action: (inout ControlBlock.Guarded, inout ControlBlock.Guarded) -> Void
    ) -> Bool {
        guard first.slot != second.slot, let firstBlock = table.block(first),
            let secondBlock = table.block(second)
        else { return false }
        let phase = whileStarting ? ControlBlock.Phase.starting : .alive
        return withLocks(firstBlock, secondBlock) { one, other in
            guard one.pid == first, one.phase == .alive, other.pid == second,
                other.phase == phase
            else { return false }
            action(&one, &other)
            return true
        }
    }

    /// Undoes what ties two processes, at each end that is still there.
    ///
    /// An end that is dying counts: what its exit has not told yet it must not tell any more.
    func untie(
        _ first: PID,
        _ firstEnd: (inout ControlBlock.Guarded) -> Void,
        _ second: PID,
        _ secondEnd: (inout ControlBlock.Guarded) -> Void
    ) {
        guard first.slot != second.slot, let firstBlock = table.block(first),
            let secondBlock = table.block(second)
        else { return }
        withLocks(firstBlock, secondBlock) { one, other in
            if one.pid == first { firstEnd(&one) }
            if other.pid == second { secondEnd(&other) }
        }
    }

    private func withLocks<R>(
        _ first: ControlBlock,
        _ second: ControlBlock,
        _ action: (inout ControlBlock.Guarded, inout ControlBlock.Guarded) -> R
    ) -> R {
        if first.slot < second.slot {
            return first.withLock { one in
                second.withLock { other in action(&one, &other) }
            }
        }
        return second.withLock { other in
            first.withLock { one in action(&one, &other) }
        }
    }
}
