// The context in force, which may be replaced while connections are made.

import Synchronization

/// Hands out the latest context: connections keep the one they began with.
package final class ReloadableContext: Sendable {
    private let latest: Mutex<TLSContext>

    package init(_ context: TLSContext) {
        latest = Mutex(context)
    }

    package var current: TLSContext { latest.withLock { $0 } }

    /// Takes effect with the next connection.
    package func replace(by context: TLSContext) { latest.withLock { $0 = context } }
}
