import Payload

/// Which process: a slot in the process table and how often that slot was used before.
///
/// A pid is never reused: the generation has 40 bits, so one slot would have to be filled a
/// thousand times a second for 34 years.
public struct PID: Hashable, Sendable {
    /// Generation in the high 40 bits, slot in the low 24; zero is no process.
    public let number: UInt64

    static let slotBits: UInt64 = 24
    /// Slots run from 1 to this.
    @inlinable
    public static var slotMax: Int { (1 << 24) - 1 }

    init(slot: Int, generation: UInt64) {
        number = generation << PID.slotBits | UInt64(slot)
    }

    /// Takes a number apart; nil for zero's slot, which is no process.
    @inlinable
    public init?(number: UInt64) {
        guard number & UInt64(PID.slotMax) != 0 else { return nil }
        self.number = number
    }

    var slot: Int { Int(number & UInt64(PID.slotMax)) }

    /// One multiplication instead of SipHash: nobody outside chooses pids, and each spawn and exit
    /// hashes several.
    public func _rawHashValue(seed: Int) -> Int {
        let product = (number ^ UInt64(bitPattern: Int64(seed))) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product ^ product >> 32)
    }
}

/// How pids of this server read: `<node>.<epoch>.<number>` (SEMANTICS 4).
///
/// The epoch is the server's start time, so that no pid of an earlier run is ever taken for one of
/// this run.
public final class PIDFormat: Sendable {
    /// The name of this server's node.
    public let node: String
    /// When the server started, in milliseconds since 1970, in base 36.
    public let epoch: String
    private let prefix: [UInt8]

    /// Makes the format of a server named `node` that started at `startMilliseconds` since 1970.
    public init(node: String, startMilliseconds: UInt64) {
        self.node = node
        epoch = String(startMilliseconds, radix: 36)
        prefix = Array("\(node).\(epoch).".utf8)
        precondition(prefix.count + 20 <= 64, "a node's name is short: a pid's text has 64 bytes")
    }

    /// The text of `pid`.
    public func text(_ pid: PID) -> String {
        unsafe withBytes(of: pid) { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Lends the text of `pid` as bytes, without making a string.
    public func withBytes<R>(of pid: PID, _ action: (UnsafeRawBufferPointer) -> R) -> R {
        var room = InlineArray<64, UInt8>(repeating: 0)
        return unsafe withUnsafeMutableBytes(of: &room) { buffer in
            var start = buffer.count
            var rest = pid.number
            repeat {
                start -= 1
                unsafe buffer[start] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
                rest /= 10
            } while rest > 0
            start -= prefix.count
            // SAFETY: `init` saw to it that prefix and digits fit.
            unsafe prefix.withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
                    .copyMemory(from: bytes)
            }
            return unsafe action(UnsafeRawBufferPointer(rebasing: buffer[start...]))
        }
    }

    /// The pid that `text` names, or nil if it is none of this server's.
    public func parse(_ text: String) -> PID? {
        var copy = text
        return copy.withUTF8 { unsafe parse(UnsafeRawBufferPointer($0)) }
    }

    /// The pid that these bytes name, or nil if they are none of this server's.
    public func parse(_ text: UnsafeRawBufferPointer) -> PID? {
        guard text.count > prefix.count, text.count <= prefix.count + 20 else { return nil }
        let start = unsafe UnsafeRawBufferPointer(rebasing: text.prefix(prefix.count))
        let hasPrefix = unsafe prefix.withUnsafeBytes { unsafe haveSameBytes($0, start) }
        guard hasPrefix else { return nil }
        var number: UInt64 = 0
        for index in prefix.count..<text.count {
            let byte = unsafe text[index]
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            if number == 0 && index > prefix.count { return nil }
            let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - 0x30))
            if overflow || carry { return nil }
            number = sum
        }
        return PID(number: number)
    }

    /// Whether `text` has the shape of a pid of this node, of this run or another: no name may.
    public func looksLikePID(_ text: String) -> Bool {
        // The node's own name may have dots in it.
        guard text.hasPrefix(node + ".") else { return false }
        let rest = text.utf8.dropFirst(node.utf8.count + 1)
        let parts = rest.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return false }
        let isEpoch = parts[0].allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0)
        }
        return isEpoch && parts[1].allSatisfy { (0x30...0x39).contains($0) }
    }
}
