import CLuaShim
import Synchronization

/// A class of objects as Lua sees it: the metatable of userdata, made in a state with the first object.
///
/// Scripts reach it only through its objects, so a state that has none needs no class.
package struct LuaClass: Sendable {
    /// The key of its metatable in the registry.
    package let key: LuaKey
    /// What error messages and `tostring` call its objects.
    let name: String
    /// Fills the metatable, which is on top and stays there.
    let fill: @Sendable (LuaThread) -> Void

    package init(_ key: LuaKey, _ name: String, _ fill: @escaping @Sendable (LuaThread) -> Void) {
        self.key = key
        self.name = name
        self.fill = fill
    }

    /// Every class that was declared, by key.
    private static let declared = Mutex<[LuaKey: LuaClass]>([:])

    /// Makes classes known to every state; before the first object of theirs is pushed.
    package static func declare(_ classes: [LuaClass]) {
        declared.withLock { declared in
            for one in classes { declared[one.key] = one }
        }
        unsafe ml_set_class_maker { raw, key in
            unsafe LuaThread(raw).makeClass(LuaKey(at: key))
        }
    }

    fileprivate static func find(_ key: LuaKey) -> LuaClass? {
        declared.withLock { $0[key] }
    }
}

extension LuaThread {
    /// Pushes the metatable of a class, made if need be; nil for one that nobody declared.
    package func pushClass(_ key: LuaKey) {
        if getKey(Self.registry, key) == .table { return }
        pop()
        makeClass(key)
    }

    fileprivate func makeClass(_ key: LuaKey) {
        guard let found = LuaClass.find(key) else { return pushNil() }
        _ = unsafe ml_metatable(raw, key.address, found.name)
        found.fill(self)
    }

    /// Gives the class on top the call that payloads have, where they have it.
    package func addMessageCall() { unsafe ml_add_message_call(raw) }
}
