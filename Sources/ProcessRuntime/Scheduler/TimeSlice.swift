/// How long a process may run while others wait.
package enum TimeSlice {
    /// In nanoseconds: for one turn, for fibers of one process that hand over to each other, and
    /// for processes that hand their turns on.
    package static let nanoseconds: UInt64 = 1_000_000
}
