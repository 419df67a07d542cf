import Access
import ProcessRuntime

/// What a narrowed scope lets a call touch. Without tokens, and with whole rights, all.
extension Call {
    /// How far the right that the route needs goes.
    var extent: Extent {
        guard let right = route.right else { return .full }
        return extent(of: right)
    }

    private func extent(of right: Right) -> Extent {
        identity?.token.extent(of: right) ?? .full
    }

    /// Throws unless the call may touch the process.
    func checkTarget(_ pid: PID, named text: String, _ context: Context) throws(Problem) {
        guard let right = route.right else { return }
        try context.checkTarget(pid, named: text, for: right, identity)
    }

    /// The process that a parameter of the path means, which the call may touch.
    func target(_ parameter: String, _ context: Context) throws(Problem) -> PID {
        let text = path(parameter)
        let pid = try context.resolve(text)
        try checkTarget(pid, named: text, context)
        return pid
    }

    /// Throws unless the call may start processes of an entry, with that name.
    ///
    /// A name is what others send to, so a narrowed `spawn` gives only those that it covers, or that
    /// `control` does.
    func checkSpawn(entry: String, name: String?) throws(Problem) {
        let extent = extent
        if extent == .full { return }
        guard extent.covers(entry) else { throw insufficient("the entry \(entry)") }
        if let name, !extent.covers(name), !self.extent(of: .control).covers(name) {
            throw insufficient("the name \(name)")
        }
    }

    /// Those of some names that the call may see.
    func shown(
        _ names: [(name: String, pid: PID)],
        _ context: Context
    ) -> [(name: String, pid: PID)] {
        let extent = extent
        if extent == .full { return names }
        return names.filter { name, pid in
            extent.covers(name)
                || context.runtime.subject(of: pid).map { extent.covers($0.entry) } ?? false
        }
    }

    /// Throws unless the call may deal with the name itself.
    func checkName(_ name: String) throws(Problem) {
        if !extent.covers(name) { throw insufficient("the name \(name)") }
    }

    private func insufficient(_ subject: String) -> Problem {
        .insufficientScope(route.right?.rawValue ?? "", for: subject)
    }
}

extension Context {
    /// Throws unless a right covers the process: its entry, or one of its names.
    ///
    /// The refusal names what the client named, and nothing it does not know. Under a narrowed scope a
    /// process nobody knows is not found here: it must not become known between this and the deed.
    func checkTarget(
        _ pid: PID,
        named text: String,
        for right: Right,
        _ identity: Identity?
    ) throws(Problem) {
        guard let extent = identity?.token.extent(of: right), extent != .full else { return }
        guard let subject = runtime.subject(of: pid) else { throw .processNotFound(text) }
        guard extent.covers(entry: subject.entry, names: subject.names) else {
            throw .insufficientScope(right.rawValue, for: text)
        }
    }
}
