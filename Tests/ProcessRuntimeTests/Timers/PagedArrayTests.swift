import Testing

@testable import ProcessRuntime

@Suite(.serialized) struct PagedArrayTests {
    private final class Thing {
        nonisolated(unsafe) static var alive = 0
        init() { Self.alive += 1 }
        deinit { Self.alive -= 1 }
    }

    @Test(arguments: [0, 1, 4_095, 4_096, 4_097, 20_000])
    func `it holds what was appended and lets go of it`(count: Int) {
        do {
            var array = PagedArray<(number: Int, thing: Thing)>()
            for number in 0..<count { array.append((number, Thing())) }
            #expect(array.count == count && Thing.alive == count)
            for index in 0..<count { array[index].number += 1 }
            #expect((0..<count).allSatisfy { array[$0].number == $0 + 1 })
        }
        #expect(Thing.alive == 0)
    }

    @Test func `an index that was not appended is a trap`() async {
        await #expect(processExitsWith: .failure) {
            let array = PagedArray<Int>()
            _ = array[0]
        }
    }
}
