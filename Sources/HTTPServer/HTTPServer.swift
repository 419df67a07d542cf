// The server as a whole: sockets bound, loops running, and an orderly end.
//
// Life: init -> start -> (drain) -> stop.
// Shutdown:
// 1. `drain` closes the listening sockets and marks the server as draining: every answer from now
//    on ends its connection, idle connections are closed at once.
// 2. It calls `onDrain`, so that the owner of the streams ends them.
// 3. It waits until every connection is gone, or its time is over.
// 4. `stop` closes what is left and ends the threads.

import HTTP
package import Logging
package import Posix
import Synchronization

/// An HTTP server on its own threads.
///
/// Every method may be called from any thread but a loop's own.
package final class HTTPServer: Sendable {
    private struct State {
        var loops: [EventLoop] = []
        var threads: [PosixThread] = []
        var bound: [BoundPoint] = []
    }

    private let configuration: ServerConfiguration
    private let services: ServerServices
    private let sockets: any SocketLayer
    private let logger: Logger
    private let makePoller: @Sendable () throws(Errno) -> any Poller
    private let clock: @Sendable () -> UInt64
    private let wallClock: @Sendable () -> UInt64
    private let state = Mutex(State())

    /// Makes a server that does nothing yet.
    ///
    /// The seams are for tests: `sockets` fails on demand, `makePoller` scripts readiness.
    package init(
        _ configuration: ServerConfiguration,
        handler: any Handler,
        logger: Logger = Logger(label: "http"),
        sockets: any SocketLayer = SystemSockets(),
        makePoller: @escaping @Sendable () throws(Errno) -> any Poller = {
            () throws(Errno) in try Epoll()
        },
        clock: @escaping @Sendable () -> UInt64 = SystemTime.monotonicNanoseconds,
        wallClock: @escaping @Sendable () -> UInt64 = SystemTime.wallNanoseconds
    ) {
        self.configuration = configuration
        self.sockets = sockets
        self.logger = logger
        self.makePoller = makePoller
        self.clock = clock
        self.wallClock = wallClock
        services = ServerServices(configuration, handler: handler, logger: logger)
    }

    deinit { stop() }

    /// Listens everywhere and starts the loops.
    ///
    /// Throws what a bind says (`addressInUse`, `addressNotAvailable`, `accessDenied`) or
    /// exhaustion; nothing is left running or bound then. Called once.
    package func start() throws(ListenFault) {
        precondition(state.withLock { $0.loops.isEmpty }, "a server starts once")
        let count = max(1, configuration.ioThreads)
        let loops = try makeLoops(count)
        let bound = try bind(loops)
        var threads: [PosixThread] = []
        for (index, loop) in loops.enumerated() {
            threads.append(PosixThread(name: "io-\(index)", stackBytes: 1 << 20) { loop.run() })
        }
        state.withLock { state in
            state = State(loops: loops, threads: threads, bound: bound)
        }
        for point in bound { log(point) }
    }

    private func makeLoops(_ count: Int) throws(ListenFault) -> [EventLoop] {
        var loops: [EventLoop] = []
        do throws(Errno) {
            for _ in 0..<count {
                let loop = try EventLoop(
                    poller: try makePoller(),
                    labels: configuration.labels,
                    sockets: sockets,
                    clock: clock,
                    wallClock: wallClock,
                    round: configuration.round
                )
                loops.append(loop)
            }
        } catch {
            throw ListenFault(nil, error)
        }
        return loops
    }

    /// Listens everywhere; nothing is left where one place cannot be listened at.
    private func bind(_ loops: [EventLoop]) throws(ListenFault) -> [BoundPoint] {
        var bound: [BoundPoint] = []
        for point in configuration.listen {
            do throws(Errno) {
                bound.append(try BoundPoint(point, loops: loops, listen: addListener))
            } catch {
                for earlier in bound { earlier.file?.remove() }
                for loop in loops { loop.closeListeners() }
                throw ListenFault(point, error)
            }
        }
        return bound
    }

    private func addListener(
        _ loop: EventLoop,
        _ socket: consuming FileDescriptor,
        _ isInternet: Bool
    ) throws(Errno) {
        let listener = try Listener(
            taking: socket,
            loop: loop,
            services: services,
            tls: isInternet ? configuration.tls : nil,
            logger: logger
        )
        loop.listeners.append(listener)
    }

    private func log(_ bound: BoundPoint) {
        var metadata: Logger.Metadata = ["address": "\(bound.point)"]
        if bound.address != nil, configuration.tls != nil { metadata["tls"] = "on" }
        logger.info("listening", metadata: metadata)
    }

    /// The addresses it listens at, with the ports the kernel picked; empty before `start`.
    package var boundAddresses: [SocketAddress] {
        state.withLock { $0.bound.compactMap(\.address) }
    }

    /// Monotonic nanoseconds at which each loop last came round; at least once a second each.
    package var lastProgress: [UInt64] { state.withLock { $0.loops }.map(\.progress) }

    /// Open connections, those in the middle of closing included.
    package var connectionCount: Int { services.ledger.total }

    /// What was counted since the start.
    package var traffic: Traffic {
        var traffic = Traffic(labels: configuration.labels)
        for loop in state.withLock({ $0.loops }) { loop.meter.add(to: &traffic) }
        traffic.refusals = services.refusalCounts
        traffic.connections = services.ledger.total
        traffic.streams = services.streamLedger.total
        return traffic
    }

    /// Stops accepting and waits until every connection has had its answers and is closed.
    ///
    /// Blocks for at most `nanoseconds`, `.max` for as long as it takes. Returns whether all were closed by then; call `stop`
    /// either way.
    @discardableResult
    package func drain(within nanoseconds: UInt64) -> Bool {
        let (moment, isBeyond) = clock().addingReportingOverflow(nanoseconds)
        let deadline = isBeyond ? .max : moment
        let loops = state.withLock { $0.loops }
        removeFiles()
        services.beginDraining()
        let parker = Parker()
        services.ledger.onEmpty { parker.unpark() }
        for loop in loops { loop.enqueue(.run { $0.drain() }) }
        configuration.onDrain()
        while services.ledger.total > 0 {
            guard parker.park(until: deadline) else { break }
        }
        return services.ledger.total == 0
    }

    /// Closes everything now and waits for the threads to end; calling it again does nothing.
    package func stop() {
        let (loops, threads) = state.withLock { state in
            defer { state.threads = [] }
            return (state.loops, state.threads)
        }
        guard !threads.isEmpty else { return }
        removeFiles()
        for loop in loops { loop.enqueue(.run { $0.stop() }) }
        for thread in threads { thread.join() }
    }

    /// Removes the files of sockets: once, and before the sockets close, so that each is ours still.
    private func removeFiles() {
        let files = state.withLock { state in
            defer { for index in state.bound.indices { state.bound[index].file = nil } }
            return state.bound.compactMap(\.file)
        }
        for file in files { file.remove() }
    }
}
