import Foundation
import Testing

@testable import LuaLibraries

@Suite struct HostTests {
    @Test func `a host has as many places as it says, whoever takes them at once`() {
        let host = Host(LuaEngine.HostInfo(id: "h", processesMax: 1_000))
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<1_000 where host.takePlace() {
                host.givePlaceBack()
                _ = host.takePlace()
            }
        }
        #expect(host.processCount == 1_000)
        #expect(!host.takePlace())
        host.givePlaceBack()
        #expect(host.takePlace())
    }

    @Test func `a host without a limit has a place for everybody`() {
        let host = Host(LuaEngine.HostInfo(id: "h"))
        for _ in 0..<5_000 { #expect(host.takePlace()) }
        #expect(host.processCount == 5_000)
    }

    @Test(arguments: [0, 1, 8, 9, 100])
    func `an index of names finds each of them and nothing else`(count: Int) {
        let index = NameIndex((0..<count).map { ("name\($0)", $0) } + [("name0", -1)])
        for number in 0..<count { #expect(index["name\(number)"] == number) }
        #expect(index["name\(count + 1)"] == nil)
        #expect(index[""] == nil)
    }
}
