import Testing

@testable import ControlAPI

struct StreamStartTests {
    private func start(_ since: Since) -> StreamStart {
        StreamStart(since, epoch: "e", oldest: 5, latest: 9)
    }

    @Test func `now is after the newest and oldest before the oldest`() {
        #expect(start(.now).cursor == 9)
        #expect(start(.oldest).cursor == 4)
        for since in [Since.now, .oldest] {
            #expect(start(since).gap == nil)
            #expect(start(since).requested == nil)
            #expect(start(since).helloID.text == "e-\(start(since).cursor)")
        }
    }

    @Test(arguments: 0...9) func `an id of this run is gone on from`(_ sequence: UInt64) {
        let found = start(.id(EventID(epoch: "e", sequence: sequence)))
        #expect(found.cursor == sequence)
        #expect(found.gap == nil)
        #expect(found.requested == "e-\(sequence)")
    }

    @Test func `an id nobody gave out is owned up to and goes on live`() {
        for since in [Since.id(EventID(epoch: "e", sequence: 10)), .unreadable("junk")] {
            #expect(start(since).cursor == 9)
            #expect(start(since).gap == .unknownID)
            // Not the unknown id: by the next resume it might exist.
            #expect(start(since).helloID.text == "e-9")
        }
    }

    @Test func `an id of an earlier run starts with all there is of this one`() {
        let found = start(.id(EventID(epoch: "old", sequence: 7)))
        #expect(found.cursor == 4)
        #expect(found.gap == .epochChanged)
        #expect(found.helloID.text == "old-7")
    }

    @Test func `an id reads back as it was written and nothing else reads`() {
        for text in ["e-0", "8f3a-1041", "a.b_C9-18446744073709551615"] {
            #expect(EventID(text)?.text == text)
        }
        for text in [
            "", "-", "e-", "-1", "e", "e-x", "e-1x", "e-+1", "e--1", "é-1", "a b-1",
            "e-18446744073709551616", "e-1-",
        ] {
            #expect(EventID(text) == nil, "\(text)")
        }
    }
}
