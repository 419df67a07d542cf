// Clients that send no more: they wait for their answers, or are gone.
//
// Both look the same: the system of a client that went away shuts down one direction, as a client
// does that has said all it wants to. Only what we send tells them apart: a client that waits reads
// it, for one that is gone its system answers with an RST, and the connection is closed. So each of
// them gets an interim response, at once and every `probeNanoseconds` until its answer: "A client
// MUST be able to parse one or more 1xx responses received prior to a final response, even if the
// client does not expect one" (RFC 9110, 15.2).
//
// HTTP/1.0 has no interim responses. There such a client counts as gone: its handlers are told, and
// what they do not answer all the same is not answered.

import HTTP

extension HTTP1Session {
    /// When the client is to be looked at next; nil where nothing waits for an answer.
    var probeDeadline: UInt64? {
        guard hungUp, !hasLeft, stream == nil, let oldest = slots.first, oldest.response == nil
        else { return nil }
        return probeAt
    }

    /// Sends what only a client that is there can take.
    func probe(now: UInt64) {
        guard let due = probeDeadline, due <= now else { return }
        probeAt = now + limits.probeNanoseconds
        guard slots.first?.version != .http10 else {
            hasLeft = true
            return fireDisconnects()
        }
        // What waits to be sent is as good.
        if connection.outputCount == 0 { connection.write(ResponseEncoder.continueHead) }
    }
}
