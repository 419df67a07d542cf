/// Looks at the heads of the frames that come, before the library sees them.
///
/// nghttp2 answers each frame well, and as often as it is asked: how often is counted here, also for
/// frames that it ignores without a word. It also knows since when a frame or a head has been
/// unfinished. Content passes unseen.
struct HTTP2FrameMeter {
    private static let headBytes = 9

    /// Source: RFC 9113, 6; PRIORITY_UPDATE is RFC 9218's, 7.1.
    private enum FrameType {
        static let data: UInt8 = 0x0
        static let headers: UInt8 = 0x1
        static let priority: UInt8 = 0x2
        static let reset: UInt8 = 0x3
        static let settings: UInt8 = 0x4
        static let ping: UInt8 = 0x6
        static let windowUpdate: UInt8 = 0x8
        static let continuation: UInt8 = 0x9
        static let priorityUpdate: UInt8 = 0x10
    }

    private enum Flag {
        static let endStream: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
        static let padded: UInt8 = 0x8
    }

    private let continuationsMax: Int
    private var settings: TokenBucket
    private var pings: TokenBucket
    private var priorities: TokenBucket
    private var resets: TokenBucket
    private var emptyData: TokenBucket
    private var windowUpdates: TokenBucket
    private var unknownFrames: TokenBucket

    /// How many bytes of the present frame's head were read.
    private var headCount = 0
    private var length = 0
    /// Bytes of the present frame's content still to come.
    private var contentLeft = 0
    private var type: UInt8 = 0
    private var flags: UInt8 = 0
    /// Whether the next byte of content is the length of a DATA frame's padding.
    private var isAtPadding = false
    private var isInHeaderBlock = false
    private var continuations = 0
    /// Since when a frame other than DATA, or a request's head, has been incomplete.
    private(set) var unfinishedSince: UInt64?

    init(_ limits: HTTP2Limits) {
        continuationsMax = limits.continuationsMax
        settings = TokenBucket(limits.settings)
        pings = TokenBucket(limits.pings)
        priorities = TokenBucket(limits.priorities)
        resets = TokenBucket(limits.resets)
        emptyData = TokenBucket(limits.emptyData)
        windowUpdates = TokenBucket(limits.windowUpdates)
        unknownFrames = TokenBucket(limits.unknownFrames)
    }

    /// An answer's DATA was sent: its receiver may well open the window again.
    ///
    /// Ten are what other servers allow for each.
    mutating func dataSent() { windowUpdates.give(10) }

    /// Reads bytes as they come, whatever the cuts.
    ///
    /// - Parameters:
    ///   - bytes: what came.
    ///   - index: where to begin; left before the byte at which something came too often.
    ///   - now: monotonic nanoseconds.
    /// - Throws: the failure that ends the connection.
    mutating func scan(
        _ bytes: UnsafeRawBufferPointer,
        from index: inout Int,
        now: UInt64
    ) throws(HTTP2Failure) {
        while index < bytes.count {
            if contentLeft > 0 {
                // SAFETY: `index` is within `bytes`.
                if isAtPadding { try readPadding(unsafe bytes[index], now: now) }
                let count = min(contentLeft, bytes.count - index)
                contentLeft -= count
                index += count
                if contentLeft == 0 { endFrame() }
                continue
            }
            if headCount == 0, !isInHeaderBlock { unfinishedSince = now }
            // SAFETY: as above.
            readHead(unsafe bytes[index])
            if headCount == Self.headBytes {
                headCount = 0
                try beginFrame(now: now)
                if contentLeft == 0 { endFrame() }
            }
            index += 1
        }
    }

    /// Reads length, type and flags; the stream's number does not matter here.
    private mutating func readHead(_ byte: UInt8) {
        switch headCount {
        case 0: length = Int(byte)
        case 1, 2: length = length << 8 | Int(byte)
        case 3: type = byte
        case 4: flags = byte
        default: break
        }
        headCount += 1
    }

    private mutating func beginFrame(now: UInt64) throws(HTTP2Failure) {
        contentLeft = length
        switch type {
        case FrameType.data:
            if !isInHeaderBlock { unfinishedSince = nil }
            if flags & Flag.endStream != 0 { return }
            if length == 0 { try take(&emptyData, "empty DATA frames", now) }
            isAtPadding = flags & Flag.padded != 0
        case FrameType.headers:
            continuations = 0
            isInHeaderBlock = flags & Flag.endHeaders == 0
        case FrameType.continuation:
            continuations += 1
            if continuations > continuationsMax { throw .calm("CONTINUATION frames") }
            isInHeaderBlock = flags & Flag.endHeaders == 0
        case FrameType.priority, FrameType.priorityUpdate:
            try take(&priorities, "PRIORITY frames", now)
        case FrameType.reset: try take(&resets, "resets", now)
        case FrameType.settings: try take(&settings, "SETTINGS frames", now)
        case FrameType.ping: try take(&pings, "PING frames", now)
        case FrameType.windowUpdate: try take(&windowUpdates, "WINDOW_UPDATE frames", now)
        default: try take(&unknownFrames, "unknown frames", now)
        }
    }

    /// Padding alone is no content.
    private mutating func readPadding(_ paddingBytes: UInt8, now: UInt64) throws(HTTP2Failure) {
        isAtPadding = false
        if Int(paddingBytes) + 1 >= length { try take(&emptyData, "empty DATA frames", now) }
    }

    private mutating func endFrame() {
        isAtPadding = false
        if !isInHeaderBlock { unfinishedSince = nil }
    }

    private func take(
        _ bucket: inout TokenBucket,
        _ what: String,
        _ now: UInt64
    ) throws(HTTP2Failure) {
        guard bucket.take(now: now) else { throw .calm(what) }
    }
}
