import Synchronization

/// A reference that is set once its owner is made.
final class SetOnceBox<Value: Sendable>: Sendable {
    private let held = Mutex<Value?>(nil)
    func set(_ value: Value) { held.withLock { $0 = value } }
    var value: Value? { held.withLock { $0 } }
}
