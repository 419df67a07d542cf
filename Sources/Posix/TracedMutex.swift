// Only in builds with `-Xswiftc -DTSAN`, which the thread sanitizer's runs use.
//
// The standard library's Mutex locks inside a library that was built without the sanitizer, which
// so sees no lock at all and reports everything behind one as a race. It does see the pthread lock
// inside a Parker.
#if TSAN
    /// Stands in for `Mutex` where the thread sanitizer watches: same use, a parker's token as lock.
    ///
    /// Whoever takes the token has the lock; one token goes round, whoever waits.
    @safe
    package struct TracedMutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
        private let token = Parker()
        // SAFETY: touched only by whoever has the token; stays put until deinit.
        private let value: UnsafeMutablePointer<Value>

        package init(_ initial: consuming sending Value) {
            unsafe value = .allocate(capacity: 1)
            unsafe value.initialize(to: initial)
            token.unpark()
        }

        deinit {
            unsafe value.deinitialize(count: 1)
            unsafe value.deallocate()
        }

        package borrowing func withLock<Result: ~Copyable, E: Error>(
            _ body: (inout sending Value) throws(E) -> sending Result
        ) throws(E) -> sending Result {
            token.park()
            defer { token.unpark() }
            return try unsafe body(&value.pointee)
        }
    }
#endif
