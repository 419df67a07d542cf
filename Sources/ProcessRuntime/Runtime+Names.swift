import Synchronization

extension Runtime {
    /// Gives `name` to `pid`; the same pid again is no error.
    package func register(_ name: String, for pid: PID) throws(RuntimeFault) -> Bool {
        try check(name: name)
        guard let block = table.block(pid) else { throw .processNotFound }
        let isNew = try names.claim(
            name,
            for: pid,
            block,
            in: table,
            atMost: configuration.namesPerProcessMax
        )
        if isNew { publish(.register, pid, block, .named(name)) }
        return isNew
    }

    /// The live process that has `name`, or nil.
    package func lookup(_ name: String) -> PID? {
        guard let pid = names.find(name), isAlive(pid) else { return nil }
        return pid
    }

    /// Takes `name` away, from whichever process has it; nil when nobody has.
    @discardableResult
    package func unregister(_ name: String, onlyOf owner: PID? = nil) -> PID? {
        guard let pid = names.find(name), owner == nil || owner == pid,
            let block = table.block(pid), names.revoke(name, of: pid, block)
        else { return nil }
        publish(.unregister, pid, block, .named(name))
        return pid
    }

    /// Every name and its process, sorted by name.
    package func allNames() -> [(name: String, pid: PID)] {
        names.all().filter { isAlive($0.pid) }.sorted { $0.name < $1.name }
    }

    /// How many names there are.
    package var nameCount: Int { names.count }

    /// The process that a pid text or a registered name means, dead or alive.
    package func resolve(_ text: String) -> PID? {
        pids.parse(text) ?? lookup(text)
    }

    func check(name: String) throws(RuntimeFault) {
        if name.isEmpty { throw .nameInvalid("a name may not be empty") }
        if name.utf8.count > configuration.nameBytesMax {
            throw .nameInvalid("a name has at most \(configuration.nameBytesMax) bytes")
        }
        if pids.looksLikePID(name) { throw .nameInvalid("a name may not look like a pid") }
    }
}
