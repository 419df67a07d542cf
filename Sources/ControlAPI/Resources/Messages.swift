import HTTP
import JSON
import Payload
import ProcessRuntime

/// `POST /v1/processes/{id}/messages`.
enum Messages {
    static func send(_ call: Call, _ context: Context) throws(Problem) -> Response? {
        let pid = try context.resolve(call.path("id"))
        let message = try call.body(read)
        let signal = Signal(topic: message.topic, payload: message.payload, from: nil)
        do throws(RuntimeFault) {
            try context.runtime.send(signal, to: pid)
        } catch {
            throw error == .mailboxFull
                ? .mailboxFull(context.text(pid)) : .processNotFound(call.path("id"))
        }
        return .json(202) { $0.member("pid", context.text(pid)) }
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
