import Testing

@testable import HTTPServer
@testable import Posix

@Suite struct `The cache of files` {
    private func status(_ inode: UInt64, bytes: Int = 10) -> FileStatus {
        FileStatus(
            isRegular: true,
            isDirectory: false,
            sizeBytes: bytes,
            modifiedNanoseconds: 0,
            inode: inode
        )
    }

    private let content = [UInt8](repeating: 1, count: 10)

    @Test func `gives up only what was asked for longest ago when it is full`() {
        let cache = FileCache(bytesMax: 30)
        for inode in 1...3 as ClosedRange<UInt64> {
            cache.keep(content, .plain, of: status(inode), at: "\(inode)")
        }
        #expect(cache.content("1", .plain, status(1)) == content)
        cache.keep(content, .plain, of: status(4), at: "4")
        #expect(cache.content("2", .plain, status(2)) == nil)
        for inode in [1, 3, 4] as [UInt64] {
            #expect(cache.content("\(inode)", .plain, status(inode)) == content)
        }
    }

    @Test func `keeps no more than a thousand, however small`() {
        let cache = FileCache(bytesMax: 1 << 20)
        for inode in 1...1_025 as ClosedRange<UInt64> {
            cache.keep([], .plain, of: status(inode), at: "\(inode)")
        }
        #expect(cache.content("1", .plain, status(1)) == nil)
        #expect(cache.content("2", .plain, status(2)) == [])
    }

    @Test func `keeps a file's forms apart, and one of each`() {
        let cache = FileCache(bytesMax: 30)
        cache.keep(content, .plain, of: status(1), at: "a")
        cache.keep([2], .gzip, of: status(1), at: "a")
        cache.keep([3], .gzip, of: status(2), at: "a")
        #expect(cache.content("a", .plain, status(1)) == content)
        #expect(cache.content("a", .gzip, status(1)) == nil)
        #expect(cache.content("a", .gzip, status(2)) == [3])
    }
}
