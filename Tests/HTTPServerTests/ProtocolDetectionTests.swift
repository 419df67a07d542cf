import HTTP
import HTTP2TestSupport
import Posix
import Testing

@testable import HTTPServer

@Suite struct `A new connection` {
    private let parker = Parker()

    /// Sends in two pieces, the second after the first was surely read.
    private func send(_ bytes: [UInt8], cut: Int, _ client: TestClient) throws {
        try client.send(Array(bytes[..<cut]))
        parker.park(until: SystemTime.monotonicNanoseconds() + 2 * millisecond)
        try client.send(Array(bytes[cut...]))
    }

    @Test func `that begins with the preface, however cut, is HTTP 2's`() throws {
        try withServer { server in
            let bytes = preface + [Frame.settings(), .settingsAck, .get(1, "/h2")].bytes
            for cut in 1..<bytes.count {
                let client = try TestClient(server)
                try send(bytes, cut: cut, client)
                var transcript = HTTP2Transcript()
                while !transcript[1].isOver { transcript.receive(try client.readSome()) }
                #expect(transcript[1].text == "GET /h2 ", "cut at \(cut)")
            }
        }
    }

    @Test func `that differs from the preface in any byte is HTTP 1's`() throws {
        try withServer { server in
            for index in preface.indices {
                let client = try TestClient(server)
                var bytes = preface
                bytes[index] ^= 1
                try send(bytes, cut: index, client)
                #expect([400, 505].contains(try client.answer().status), "byte \(index)")
            }
            // The beginning they share.
            for (method, cut) in [("POST", 1), ("PUT", 1), ("PRI", 3), ("PROPFIND", 2)] {
                let client = try TestClient(server)
                let request = "\(method) / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
                try send(Array(request.utf8), cut: cut, client)
                #expect(try client.answer().text == "\(method) / ")
            }
        }
    }

    @Test func `that stops within the preface is answered, or closed, as HTTP 1 would`() throws {
        try withServer(configure: { $0.limits.headNanoseconds = 100 * millisecond }) { server in
            let slow = try TestClient(server)
            try slow.send("PRI * HTTP")
            #expect(try slow.answer().status == 408)
            let half = try TestClient(server)
            try half.send("PRI * HTTP")
            try half.shutdownSending()
            #expect(try half.isEnded())
        }
    }
}
