import Testing

@testable import Posix

@Suite struct `A poll token` {
    @Test func `survives the way through the kernel's word`() {
        for registration in [0, 1, 0x8000_0000, .max] as [UInt32] {
            for descriptor in [0, 1, 65_535, .max] as [Int32] {
                let token = PollToken(registration: registration, descriptor: descriptor)
                #expect(PollToken(word: token.word) == token)
            }
        }
    }
}
