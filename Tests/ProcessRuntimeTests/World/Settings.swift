import Glibc

/// What the environment may ask of these tests.
enum Settings {
    /// Replay only this seed.
    static let seed = number("MOONLET_SEED")
    /// How many seeds to run.
    static let seeds = number("MOONLET_SEEDS") ?? 5_000
    /// How often the tests on real threads repeat what depends on luck.
    static let runs = Int(number("MOONLET_RUNS") ?? 3)

    private static func number(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }
}
