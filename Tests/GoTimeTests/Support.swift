import Glibc
import GoTime
import Testing

/// A file of the system's zone database.
func zoneFile(_ name: String) -> [UInt8]? {
    guard let file = fopen("/usr/share/zoneinfo/" + name, "rb") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return bytes
}

/// A zone of the system; without tzdata these tests cannot say anything, so they fail.
func zone(_ name: String) throws -> Zone {
    _ = try #require(zoneFile("Europe/Zurich"), "install tzdata: /usr/share/zoneinfo is missing")
    return try Zone.load(name, read: zoneFile)
}

/// A small generator whose sequence Python can repeat (Knuth's MMIX constants, upper 31 bits).
struct Sequence31 {
    var state: UInt64

    mutating func next(below bound: Int64) -> Int64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int64(state >> 33) % bound
    }
}

/// What a call threw, or nil.
func fault(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return (error as? TimeFault)?.message
    }
}
