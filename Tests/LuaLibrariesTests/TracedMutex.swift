#if TSAN
    import ProcessRuntime

    /// The thread sanitizer sees these locks (ProcessRuntime/TracedMutex.swift).
    typealias Mutex = TracedMutex
#endif
