#if TSAN
    import Posix

    /// The thread sanitizer sees these locks (Posix/TracedMutex.swift).
    typealias Mutex = TracedMutex
#endif
