import Foundation
import Testing

@testable import Posix

@Suite struct `An error number` {
    @Test func `reads as the C library says it`() {
        #expect(Errno.noSuchFile.message == "No such file or directory")
        #expect(Errno.tooManyOpenFiles.description.hasPrefix("Too many open files (errno "))
        #expect(!Errno(99_999).message.isEmpty)
    }

    @Test func `of a closed descriptor is a trap`() async {
        await #expect(processExitsWith: .failure) {
            _ = try? FileDescriptor(taking: 1_000_000).waitReadable(timeoutMilliseconds: 0)
            _ = try? FileDescriptor(taking: 1_000_000).status()
        }
    }
}

@Suite struct `Limits` {
    @Test func `on open files can be lowered, not raised above the hard one`() async throws {
        // In a process of its own: other tests need their descriptors.
        await #expect(processExitsWith: .success) {
            let before = try ResourceLimits.openFiles()
            try ResourceLimits.setOpenFiles(64)
            #expect(try ResourceLimits.openFiles() == (64, before.hard))
            var events: [EventFDBox] = []
            var failure: Errno?
            while failure == nil {
                do throws(Errno) { events.append(try EventFDBox()) } catch { failure = error }
            }
            #expect(failure == .tooManyOpenFiles)
            #expect(failure?.isExhaustion == true)
            #expect(events.count < 64)
        }
    }
}

final class EventFDBox {
    let event: EventFD
    init() throws(Errno) { event = try EventFD() }
}

@Suite struct `A signal source` {
    @Test func `collects a signal, and nothing when there is none`() async {
        await #expect(processExitsWith: .success) {
            let source = try SignalSource([SIGTERM, SIGHUP])
            #expect(source.next(timeoutMilliseconds: 0) == nil)
            pthread_kill(pthread_self(), SIGHUP)
            pthread_kill(pthread_self(), SIGTERM)
            let signals = [
                source.next(timeoutMilliseconds: 5_000), source.next(timeoutMilliseconds: 5_000),
            ]
            #expect(Set(signals) == [SIGHUP, SIGTERM])
            #expect(source.next(timeoutMilliseconds: 0) == nil)
        }
    }
}

@Suite struct `A directory` {
    @Test(arguments: [true, false])
    func `opens what is beneath it and nothing else`(usesOpenat2: Bool) throws {
        let manager = FileManager.default
        let root = manager.temporaryDirectory.appending(path: UUID().uuidString)
        let inner = root.appending(path: "in/deep")
        try manager.createDirectory(at: inner, withIntermediateDirectories: true)
        defer { try? manager.removeItem(at: root) }
        try Data("file".utf8).write(to: inner.appending(path: "file"))
        try Data("out".utf8).write(to: root.appending(path: "out"))
        for (name, target) in [("up", "../out"), ("near", "deep/file"), ("abs", "/etc/passwd")] {
            try manager.createSymbolicLink(
                atPath: root.appending(path: "in/\(name)").path,
                withDestinationPath: target
            )
        }
        let path = root.appending(path: "in").path
        let directory = try Directory(path: path, usesOpenat2: usesOpenat2)
        let file = try directory.open(beneath: "deep/file")
        #expect(try file.status().isRegular)
        #expect(try file.status().sizeBytes == 4)
        #expect(try file.readToEnd(bytesMax: 4) == Array("file".utf8))
        let again = try directory.open(beneath: "deep/file")
        #expect(throws: Errno.fileTooLarge) { try again.readToEnd(bytesMax: 3) }
        for bad in [
            "../out", "deep/../../out", "/etc/passwd", "up", "abs", "none", "a\0b", "file/x",
        ] {
            #expect(throws: Errno.self) { _ = try directory.open(beneath: bad).number }
        }
        // The fallback follows no link at all.
        let near = try? directory.open(beneath: "near").number
        #expect((near != nil) == usesOpenat2)
        #expect(throws: Errno.noSuchFile) {
            _ = try Directory(path: root.appending(path: "no").path)
        }
    }
}
