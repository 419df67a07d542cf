import HTTP
import JSON
import Payload
import ProcessRuntime

/// `POST /v1/processes/{id}/messages`.
enum Messages {
    static func send(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let pid = try call.target("id", context)
        let message = try call.body(read)
        try context.send(message.topic, message.payload, to: pid, named: call.path("id"))
        return .json(202) { $0.member("pid", context.text(pid)) }
    }

    /// `POST /v1/messages` with its body at hand, which here is none at all.
    ///
    /// Others come by `ControlAPI.admit`.
    static func batch(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let batch = MessageBatch(context, call.identity, call.record)
        let body = call.body
        if !body.isEmpty { batch.receive(body.span) }
        batch.ended()
        return batch.response
    }

    /// Reads `{topic, payload?}`; without a payload the receiver gets nil.
    static func read(_ body: ObjectDecoder) -> (topic: String, payload: Payload) {
        let topic = body.nonEmptyString("topic", "a topic may not be empty")
        if topic.utf8.first == UInt8(ascii: "@") {
            body.fault("topic", "topics that begin with @ belong to the system")
        }
        return (topic, body.payload("payload") ?? .nothing)
    }
}

extension Context {
    /// Sends a message that has no sender; `text` is what the client called the process.
    func send(
        _ topic: String,
        _ payload: Payload,
        to pid: PID,
        named text: String
    ) throws(Problem) {
        do throws(RuntimeFault) {
            try runtime.send(Signal(topic: topic, payload: payload, from: nil), to: pid)
        } catch {
            throw problem(error, of: pid, named: text)
        }
    }
}
