@testable import ProcessRuntime

extension ControlBlock {
    /// A block outside any table; it is never freed.
    init(slot: Int) {
        self.init(at: ControlBlock.make(from: slot, count: 1))
    }
}
