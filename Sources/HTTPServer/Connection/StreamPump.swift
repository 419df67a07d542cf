import HTTP

/// A stream being sent.
final class StreamPump {
    let sequence: UInt64
    let isChunked: Bool
    /// Whether it goes on after its client has shut down its sending side.
    let outlivesInput: Bool
    private let content: any ResponseStream
    private let signal: StreamSignal
    private(set) var isReady = true
    /// When a waiting stream wants to be asked again.
    private(set) var until: UInt64?
    /// What the latest `fill` brought, until `clear`.
    private(set) var scratch: [UInt8] = []

    init(
        _ content: any ResponseStream,
        signal: StreamSignal,
        sequence: UInt64,
        chunked: Bool,
        outlivesInput: Bool
    ) {
        self.content = content
        self.signal = signal
        self.sequence = sequence
        isChunked = chunked
        self.outlivesInput = outlivesInput
    }

    func fill(room: Int, now: UInt64) -> StreamStep {
        // Before `fill`: what arrives while it runs is a wake that counts.
        signal.lower()
        let step = content.fill(&scratch, room: room, now: now)
        isReady = step == .ready
        until = nil
        if case .waiting(let moment) = step { until = moment }
        return step
    }

    /// Drops what the latest `fill` brought: it is written, and a large buffer would double it.
    func clear() {
        if scratch.capacity > 16_384 { scratch = [] }
        scratch.removeAll(keepingCapacity: true)
    }

    func wake() { isReady = true }

    func resumeIfDue(_ now: UInt64) {
        guard let due = until, due <= now else { return }
        // It has come once: kept, it would come again and again until there is room.
        until = nil
        isReady = true
    }

    func stop() { content.stop() }
}
