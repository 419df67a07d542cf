// HTTP/2 of one connection: bytes in, events out; answers in, bytes out.
//
// 1. `receive` what was read, after the connection preface; `nextEvent` until it returns nil.
// 2. Answer streams with `answer`; give room back with `release`; when a body is no longer wanted,
//    answer and release all the same.
// 3. `produce` appends what there is to send. When `isFinished`, send it and close.
//
// - Streams are numbers here; who asked for what is the owner's business.
// - Memory: the library's own (some 40 KiB), one header block, bodies up to the windows that are open,
//   and the answers that were given and not sent yet. The owner bounds the last.
// - A fault of framing ends the connection: the library, or `fail`, leaves a GOAWAY to be sent, and
//   nothing more is read.
//
// Not its business: which requests are served, sockets, clocks.
//
// Source: RFC 9113; nghttp2's programmers' guide for the order of calls.

import CNghttp2

/// One server side of an HTTP/2 connection; see the file's header.
///
/// The library calls back with this object's address, so it is made once and never copied.
@safe
package final class HTTP2Codec {
    /// Nil after `fail`: the library's state is of no more use then.
    private var session: OpaquePointer?
    private let limits: HTTP2Limits
    private var meter: HTTP2FrameMeter
    var builder: HTTP2HeadBuilder
    var resetsSent: TokenBucket
    /// What the present call of `receive` or `produce` was given as the time.
    var now: UInt64 = 0
    var events: [HTTP2Event] = []
    private var eventsTaken = 0
    /// Answers whose content is not sent yet.
    private var outgoing: [HTTP2Outgoing] = []
    /// How much content of answers given as `.bytes` is not framed yet.
    package private(set) var waitingBytes = 0
    private var fields = HTTP2FieldBlock()
    /// The output of the call of `produce` under way.
    var sink: [UInt8] = []
    var sinkBytesMax = 0
    /// Set by a callback that told the library to stop.
    var failure: HTTP2Failure?
    /// A GOAWAY of our own, to be sent after what the library had made.
    private var lastWords: [UInt8] = []

    /// Begins a connection whose preface has been read; our SETTINGS are the first output.
    package init(limits: HTTP2Limits = .init(), requests: HTTP1Limits = .init(), now: UInt64) {
        self.limits = limits
        self.now = now
        meter = HTTP2FrameMeter(limits)
        builder = HTTP2HeadBuilder(requests)
        resetsSent = TokenBucket(limits.resetsSent)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe session = HTTP2Codec.makeSession(limits, context: context)
        submitSettings(headerListBytes: requests.headBytesMax)
    }

    deinit {
        // SAFETY: no call of the library is under way, so this is the last use of the pointer.
        if let session = unsafe session { unsafe nghttp2_session_del(session) }
    }

    private func submitSettings(headerListBytes: Int) {
        let entries = [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streamsMax),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, headerListBytes),
            // The priorities of RFC 7540 let a client build trees of streams (RFC 9218, 2.1).
            (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ].map { name, value in
            nghttp2_settings_entry(settings_id: Int32(name.rawValue), value: UInt32(value))
        }
        let window = Int32(limits.connectionWindowBytes)
        // SAFETY: the session lives; the entries are copied. Nothing fails but memory.
        unsafe check(nghttp2_submit_settings(session, 0, entries, entries.count))
        unsafe check(nghttp2_session_set_local_window_size(session, 0, 0, window))
    }

    /// The calls this is for can fail for want of memory only, or for a mistake of ours.
    private func check(_ status: CInt) {
        precondition(status == 0, "nghttp2 refused a call that cannot fail")
    }

    // MARK: Input

    /// Takes bytes as they were read; they are lent for the call.
    package func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        guard let session = unsafe session, bytes.count > 0 else { return }
        self.now = now
        var index = 0
        var flood: HTTP2Failure?
        do throws(HTTP2Failure) {
            try unsafe meter.scan(bytes, from: &index, now: now)
        } catch {
            flood = error
        }
        // SAFETY: the bytes live during the call. What came before a flood still counts, so that the
        // cuts of the reads mean nothing.
        let count = unsafe nghttp2_session_mem_recv(
            session,
            bytes.assumingMemoryBound(to: UInt8.self).baseAddress,
            index
        )
        if count < 0 {
            fail(HTTP2Codec.failure(of: CInt(count)))
        } else if let flood {
            fail(flood)
        }
    }

    /// The next event, or nil where there is none.
    package func nextEvent() -> HTTP2Event? {
        guard eventsTaken < events.count else {
            events.removeAll(keepingCapacity: events.capacity <= 256)
            eventsTaken = 0
            return nil
        }
        defer { eventsTaken += 1 }
        return events[eventsTaken]
    }

    /// Since when a frame other than DATA, or a head, has been incomplete; nil while none is.
    package var unfinishedSince: UInt64? { meter.unfinishedSince }

    /// Whether more input can be of use.
    package var wantsInput: Bool {
        guard let session = unsafe session else { return false }
        // SAFETY: asked of a living session.
        return unsafe nghttp2_session_want_read(session) != 0
    }

    /// Gives `count` bytes of a stream's body room again: the client may send as many more.
    package func release(_ count: Int, of stream: Int32) {
        guard let session = unsafe session else { return }
        // SAFETY: a living session. A stream that is over has no window any more, which is no fault.
        _ = unsafe nghttp2_session_consume_stream(session, stream, count)
    }

    // MARK: Answers

    /// An answer's content, as far as it is known when the answer is given.
    package enum Content {
        /// No content, and no field about it but those given.
        case none
        case bytes([UInt8])
        /// To be appended while it is sent.
        case open
    }

    /// Answers a stream.
    ///
    /// - Parameters:
    ///   - stream: its number.
    ///   - status: 200...599; anything else is written as 500.
    ///   - headers: the handler's fields.
    ///   - contentLength: what Content-Length says; nil leaves it out.
    ///   - content: what follows the head; nothing for HEAD.
    ///   - date: the value of Date, or nil for none.
    /// - Returns: the content; nil where there is none to wait for, or no such stream any more.
    package func answer(
        _ stream: Int32,
        status: Int,
        headers: Headers,
        contentLength: Int?,
        content: Content,
        date: String?
    ) -> HTTP2Outgoing? {
        guard let session = unsafe session else { return nil }
        fields.begin(status: (200...599).contains(status) ? status : 500)
        if let date { fields.append(known: "date", date) }
        if let common = headers.common {
            for field in common.fields { fields.append(field.name, field.value) }
        }
        for field in headers.own where !ResponseEncoder.isOurs(field.name) {
            fields.append(field.name, field.value)
        }
        if let contentLength { fields.append(known: "content-length", String(contentLength)) }
        let outgoing: HTTP2Outgoing
        switch content {
        case .bytes(let bytes) where !bytes.isEmpty:
            outgoing = HTTP2Outgoing(stream: stream, bytes: bytes, isComplete: true)
        case .open:
            outgoing = HTTP2Outgoing(stream: stream, bytes: [], isComplete: false)
        case .none, .bytes:
            // SAFETY: a living session and fields lent for the call, which copies them.
            _ = unsafe fields.withFields {
                unsafe nghttp2_submit_response(session, stream, $0, $1, nil)
            }
            return nil
        }
        return unsafe submit(outgoing, to: session) ? outgoing : nil
    }

    /// Hands over an answer with content; false where the stream is gone.
    private func submit(_ outgoing: HTTP2Outgoing, to session: OpaquePointer) -> Bool {
        // SAFETY: the provider's pointer is to an object that `outgoing` keeps until the stream is
        // closed, after which the library asks it for nothing.
        var provider = unsafe nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(outgoing).toOpaque()),
            read_callback: HTTP2Codec.readContent
        )
        let context = unsafe Unmanaged.passUnretained(outgoing).toOpaque()
        guard unsafe nghttp2_session_set_stream_user_data(session, outgoing.stream, context) == 0,
            unsafe fields.withFields({
                unsafe nghttp2_submit_response(session, outgoing.stream, $0, $1, &provider)
            }) == 0
        else {
            _ = unsafe nghttp2_session_set_stream_user_data(session, outgoing.stream, nil)
            return false
        }
        if outgoing.isWhole { waitingBytes += outgoing.pendingBytes }
        outgoing.index = self.outgoing.count
        self.outgoing.append(outgoing)
        return true
    }

    /// Adds to an answer's content.
    package func append(_ bytes: [UInt8], to outgoing: HTTP2Outgoing) {
        outgoing.append(bytes)
        resume(outgoing)
    }

    /// Ends an answer's content.
    package func complete(_ outgoing: HTTP2Outgoing) {
        outgoing.complete()
        resume(outgoing)
    }

    private func resume(_ outgoing: HTTP2Outgoing) {
        guard outgoing.isDeferred, let session = unsafe session else { return }
        outgoing.isDeferred = false
        // SAFETY: a living session. A stream that is over cannot be resumed, which is no fault.
        _ = unsafe nghttp2_session_resume_data(session, outgoing.stream)
    }

    /// Content of an answer was framed.
    func noteData(_ outgoing: HTTP2Outgoing, _ count: Int) {
        meter.dataSent()
        if outgoing.isWhole { waitingBytes -= count }
    }

    /// The stream is closed: nobody asks for its content any more.
    func forget(_ outgoing: HTTP2Outgoing) {
        if outgoing.isWhole { waitingBytes -= outgoing.pendingBytes }
        let last = self.outgoing.removeLast()
        guard last !== outgoing else { return }
        self.outgoing[outgoing.index] = last
        last.index = outgoing.index
    }

    /// Tells the client to send the body it holds back.
    package func sendContinue(_ stream: Int32) {
        guard let session = unsafe session else { return }
        fields.begin(status: 100)
        // SAFETY: as in `answer`.
        _ = unsafe fields.withFields {
            unsafe nghttp2_submit_headers(session, 0, stream, nil, $0, $1, nil)
        }
    }

    /// Ends a stream at once.
    package func reset(_ stream: Int32, code: UInt32) {
        guard let session = unsafe session else { return }
        // SAFETY: a living session.
        _ = unsafe nghttp2_submit_rst_stream(session, 0, stream, code)
    }

    /// Whether a stream's content waits for the client to open a window.
    package func isBlocked(_ stream: Int32) -> Bool {
        guard let session = unsafe session else { return false }
        // SAFETY: a living session; for a stream that is over the window is -1.
        return unsafe nghttp2_session_get_remote_window_size(session) <= 0
            || nghttp2_session_get_stream_remote_window_size(session, stream) <= 0
    }

    /// Whether the window of the connection as a whole is used up.
    package var isConnectionBlocked: Bool {
        guard let session = unsafe session else { return false }
        // SAFETY: a living session.
        return unsafe nghttp2_session_get_remote_window_size(session) <= 0
    }

    /// Asks the client for a sign of life; a `.pong` answers it.
    package func ping() {
        guard let session = unsafe session else { return }
        // SAFETY: a living session.
        _ = unsafe nghttp2_submit_ping(session, 0, nil)
    }

    // MARK: The end

    /// Asks the client to open no more streams; those it has sent meanwhile are still served.
    ///
    /// The client's `.pong` says that it knows: RFC 9113, 6.8.
    package func beginShutdown() {
        guard let session = unsafe session else { return }
        // SAFETY: a living session.
        _ = unsafe nghttp2_submit_shutdown_notice(session)
        ping()
    }

    /// Says which stream was the last; later ones are ignored, and the end comes after it.
    package func finishShutdown() {
        guard let session = unsafe session else { return }
        // SAFETY: a living session.
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        _ = unsafe nghttp2_submit_goaway(session, 0, last, 0, nil, 0)
    }

    /// Ends the connection at once, with a GOAWAY; every stream is over.
    package func fail(_ failure: HTTP2Failure) {
        guard let session = unsafe session else { return }
        // SAFETY: a living session, and this is the last use of it.
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        lastWords = HTTP2Codec.goAway(lastStream: last, failure)
        unsafe nghttp2_session_del(session)
        unsafe self.session = nil
        outgoing = []
        waitingBytes = 0
    }

    /// Whether the connection was ended with a fault: every stream is over, told or not.
    package var hasFailed: Bool { unsafe session == nil }

    /// A GOAWAY frame: RFC 9113, 6.8.
    private static func goAway(lastStream: Int32, _ failure: HTTP2Failure) -> [UInt8] {
        let words: [UInt32] = [
            UInt32(8 + failure.reason.utf8.count) << 8 | 7, UInt32(lastStream), failure.code,
        ]
        let head = words.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        // Flags and the stream's number, all 0, stand between type and content.
        return Array(head[..<4]) + [0, 0, 0, 0, 0] + head[4...] + failure.reason.utf8
    }

    /// Whether nothing is left to read or to send but what `produce` already gave.
    package var isFinished: Bool {
        guard let session = unsafe session else { return lastWords.isEmpty }
        // SAFETY: a living session.
        return unsafe nghttp2_session_want_read(session) == 0
            && nghttp2_session_want_write(session) == 0
    }

    // MARK: Output

    /// Appends what there is to send, until `output` has about `bytesMax` bytes more.
    ///
    /// Returns whether there is more: it stopped at the bound.
    package func produce(into output: inout [UInt8], bytesMax: Int, now: UInt64) -> Bool {
        self.now = now
        guard let session = unsafe session else {
            output.append(contentsOf: lastWords)
            lastWords = []
            return false
        }
        swap(&output, &sink)
        defer { swap(&output, &sink) }
        sinkBytesMax = sink.count + bytesMax
        while sink.count < sinkBytesMax {
            var frame: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &frame)
            if count < 0 {
                fail(failure ?? HTTP2Codec.failure(of: CInt(count)))
                sink.append(contentsOf: lastWords)
                lastWords = []
                return false
            }
            guard count > 0 else { return sink.count >= sinkBytesMax }
            // SAFETY: the library lends `count` bytes until it is called again.
            unsafe sink.append(contentsOf: UnsafeBufferPointer(start: frame, count: count))
        }
        return true
    }
}
