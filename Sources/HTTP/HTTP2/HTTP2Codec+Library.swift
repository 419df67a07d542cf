// What the library calls back, and how a session of it is set up.
//
// Every callback gets the codec's address as its context. The library calls them during
// `nghttp2_session_mem_recv` and `nghttp2_session_mem_send` only, so the codec lives.

import CNghttp2

extension HTTP2Codec {
    /// A server's session that calls back with `context`.
    static func makeSession(
        _ limits: HTTP2Limits,
        context: UnsafeMutableRawPointer
    ) -> OpaquePointer {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        var session: OpaquePointer?
        // SAFETY: each is made, used and freed here; the session copies the callbacks and options.
        // A failure is want of memory, which ends the program as it does in Swift.
        guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0,
            unsafe nghttp2_option_new(&options) == 0
        else { preconditionFailure("there is memory for nghttp2") }
        defer {
            unsafe nghttp2_session_callbacks_del(callbacks)
            unsafe nghttp2_option_del(options)
        }
        unsafe setCallbacks(callbacks)
        unsafe nghttp2_option_set_no_recv_client_magic(options, 1)
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        unsafe nghttp2_option_set_max_outbound_ack(options, limits.acknowledgementsMax)
        // `HTTP2FrameMeter` counts these two, by the connection's own clock, and answers with a
        // GOAWAY. The library counts a CONTINUATION once for each read that brings some of its head.
        unsafe nghttp2_option_set_max_continuations(options, 10 * (limits.continuationsMax + 1))
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, 1 << 32, 1 << 32)
        guard unsafe nghttp2_session_server_new2(&session, callbacks, context, options) == 0,
            let session = unsafe session
        else { preconditionFailure("there is memory for nghttp2") }
        return unsafe session
    }

    private static func setCallbacks(_ callbacks: OpaquePointer?) {
        // SAFETY: the callbacks are functions, which live as long as the program.
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beginHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, takeField)
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, refuseField)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, takeContent)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, takeFrame)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closeStream)
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, noteSent)
        unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks, sendContent)
    }

    private static func with<Value>(
        _ context: UnsafeMutableRawPointer?,
        _ body: (HTTP2Codec) -> Value
    ) -> Value {
        guard let context = unsafe context else {
            preconditionFailure("a callback has its context")
        }
        // SAFETY: the context is the codec that called the library, which lives during the call.
        return unsafe Unmanaged<HTTP2Codec>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
    }

    private static let temporaryFailure = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    private static let callbackFailure = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

    // SAFETY of the callbacks: the library lends what it passes, for the call.

    private static let beginHeaders: nghttp2_on_begin_headers_callback = { _, frame, context in
        guard let frame = unsafe frame, unsafe isRequest(frame) else { return 0 }
        let stream = unsafe frame.pointee.hd.stream_id
        unsafe with(context) { $0.builder.begin(stream: stream) }
        return 0
    }

    /// Whether a frame begins a request; trailers are HEADERS too.
    private static func isRequest(_ frame: UnsafePointer<nghttp2_frame>) -> Bool {
        unsafe UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue
            && frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
    }

    private static let takeField: nghttp2_on_header_callback = {
        _,
        frame,
        name,
        nameCount,
        value,
        valueCount,
        _,
        context in
        // Trailers mean nothing here: never merged into the head (RFC 9110, 6.5.1).
        guard let frame = unsafe frame, unsafe isRequest(frame) else { return 0 }
        let name = unsafe UnsafeBufferPointer(start: name, count: nameCount)
        let value = unsafe UnsafeBufferPointer(start: value, count: valueCount)
        return unsafe with(context) { codec in
            unsafe codec.builder.add(name, value) ? 0 : temporaryFailure
        }
    }

    /// A field with a name or value that is none makes the request malformed (RFC 9113, 8.2.1).
    private static let refuseField: nghttp2_on_invalid_header_callback = { _, _, _, _, _, _, _, _ in
        temporaryFailure
    }

    private static let takeContent: nghttp2_on_data_chunk_recv_callback = {
        session,
        _,
        stream,
        bytes,
        count,
        context in
        let content = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
        unsafe with(context) { $0.events.append(.body(stream: stream, content)) }
        // One stream whose room is used up must not hold up the others.
        _ = unsafe nghttp2_session_consume_connection(session, count)
        return 0
    }

    private static let takeFrame: nghttp2_on_frame_recv_callback = { _, frame, context in
        guard let frame = unsafe frame else { return 0 }
        let head = unsafe frame.pointee.hd
        let isLast = UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch UInt32(head.type) {
        case NGHTTP2_HEADERS.rawValue where unsafe isRequest(frame):
            unsafe with(context) { $0.finishHead(hasBody: !isLast) }
        case NGHTTP2_HEADERS.rawValue where isLast, NGHTTP2_DATA.rawValue where isLast:
            unsafe with(context) { $0.events.append(.bodyEnded(stream: head.stream_id)) }
        case NGHTTP2_PING.rawValue where UInt32(head.flags) & NGHTTP2_FLAG_ACK.rawValue != 0:
            unsafe with(context) { $0.events.append(.pong) }
        default: break
        }
        return 0
    }

    private func finishHead(hasBody: Bool) {
        do throws(HTTP1Fault) {
            events.append(.request(try builder.finish(hasBody: hasBody)))
        } catch {
            events.append(.refused(stream: builder.stream, error, isHead: builder.isHead))
        }
    }

    private static let closeStream: nghttp2_on_stream_close_callback = {
        session,
        stream,
        _,
        context in
        let outgoing = unsafe nghttp2_session_get_stream_user_data(session, stream)
        unsafe with(context) { codec in
            if let outgoing = unsafe outgoing {
                // SAFETY: set in `submit` to an object that the codec keeps until here.
                unsafe codec.forget(
                    Unmanaged<HTTP2Outgoing>.fromOpaque(outgoing).takeUnretainedValue()
                )
            }
            codec.events.append(.closed(stream: stream))
        }
        return 0
    }

    private static let noteSent: nghttp2_on_frame_send_callback = { session, frame, context in
        guard let frame = unsafe frame else { return 0 }
        let head = unsafe frame.pointee.hd
        switch UInt32(head.type) {
        case NGHTTP2_RST_STREAM.rawValue:
            return unsafe with(context) { codec in
                if codec.resetsSent.take(now: codec.now) { return 0 }
                codec.failure = .calm("streams that had to be reset")
                return callbackFailure
            }
        case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
            guard UInt32(head.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0,
                unsafe nghttp2_session_get_stream_remote_close(session, head.stream_id) == 0
            else { return 0 }
            unsafe with(context) { $0.events.append(.answeredEarly(stream: head.stream_id)) }
            return 0
        default: return 0
        }
    }

    // MARK: Content of answers

    /// Says how much of an answer's content the next frame takes.
    static let readContent: nghttp2_data_source_read_callback = {
        _,
        _,
        _,
        countMax,
        flags,
        source,
        _ in
        guard let source = unsafe source?.pointee.ptr, let flags = unsafe flags else {
            return Int(callbackFailure)
        }
        // SAFETY: set in `submit` to an object that the codec keeps while the stream is open.
        return unsafe Unmanaged<HTTP2Outgoing>.fromOpaque(source)._withUnsafeGuaranteedRef {
            outgoing in
            let count = min(countMax, outgoing.pendingBytes)
            if count == 0, !outgoing.isComplete {
                outgoing.isDeferred = true
                return Int(NGHTTP2_ERR_DEFERRED.rawValue)
            }
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
            if outgoing.isComplete, count == outgoing.pendingBytes {
                unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            }
            return count
        }
    }

    /// Appends a DATA frame to the output, its content without another copy.
    private static let sendContent: nghttp2_send_data_callback = {
        _,
        _,
        head,
        count,
        source,
        context in
        guard let source = unsafe source?.pointee.ptr else { return callbackFailure }
        return unsafe with(context) { codec in
            // The library does not come back between two such frames: the bound is held here.
            guard codec.sink.count < codec.sinkBytesMax else {
                return NGHTTP2_ERR_WOULDBLOCK.rawValue
            }
            unsafe codec.sink.append(contentsOf: UnsafeBufferPointer(start: head, count: 9))
            // SAFETY: as in `readContent`.
            unsafe Unmanaged<HTTP2Outgoing>.fromOpaque(source)._withUnsafeGuaranteedRef {
                $0.take(count, into: &codec.sink)
                codec.noteData($0, count)
            }
            return 0
        }
    }

    /// What a fatal error of the library means to the client.
    static func failure(of status: CInt) -> HTTP2Failure {
        status == NGHTTP2_ERR_FLOODED.rawValue
            ? .calm("frames to acknowledge")
            : HTTP2Failure(code: HTTP2ErrorCode.internalError, reason: "")
    }
}
