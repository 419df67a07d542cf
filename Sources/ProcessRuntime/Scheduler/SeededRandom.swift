/// SplitMix64: small, and the same sequence everywhere.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// What the state grows by: seeds this far apart give the same sequence, shifted by one.
    package static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= Self.step
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
