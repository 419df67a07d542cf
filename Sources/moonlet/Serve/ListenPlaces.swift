import HTTPServer
import Posix

/// Where a server will listen, resolved and allowed.
struct ListenPlaces {
    let points: [ListenPoint]
    /// The Internet addresses among them.
    let addresses: [SocketAddress]

    /// Throws a usage failure where a place is none, and where others could reach the server without
    /// a token and without `--insecure`.
    init(_ settings: ServeSettings) throws(CommandFailure) {
        var points: [ListenPoint] = []
        var addresses: [SocketAddress] = []
        for setting in settings.listen {
            let (point, address) = try Self.resolve(setting)
            // Port 0 is another one each time.
            guard !points.contains(point) || address?.port == 0 else {
                throw .usage("listen: \(point) is given twice")
            }
            points.append(point)
            if let address { addresses.append(address) }
        }
        let isOpen = !settings.hasTokens && !settings.insecure
        for address in addresses where !address.isLoopback && isOpen {
            throw .usage(
                "refusing to listen on \(address): anyone who can reach it could run and end "
                    + "processes. Say who may with --token-file FILE or MOONLET_TOKEN, or listen "
                    + "on 127.0.0.1; or put a proxy that checks who asks in front and say "
                    + "--insecure (MOONLET_INSECURE=1)."
            )
        }
        self.points = points
        self.addresses = addresses
    }

    /// A place, and its address where machines reach it by one.
    private static func resolve(
        _ setting: ListenSetting
    ) throws(CommandFailure) -> (ListenPoint, SocketAddress?) {
        switch setting {
        case .host(let host, let port):
            let address = try resolve(host, port)
            return (.address(address), address)
        case .unix(let path, let mode):
            return (.unix(path: path, mode: mode), nil)
        case .inherited(let number):
            let point = ListenPoint.inherited(number)
            do throws(Errno) {
                guard case .internet(let address) = try InheritedSocket(number) else {
                    return (point, nil)
                }
                return (point, address)
            } catch {
                throw .usage("\(ListenFault(point, error))")
            }
        }
    }

    private static func resolve(
        _ host: String,
        _ port: UInt16
    ) throws(CommandFailure) -> SocketAddress {
        let found: [SocketAddress]
        do throws(Errno) {
            found = try SocketAddress.resolve(host: host, port: port)
        } catch {
            throw .usage("listen: the name \(host) cannot be resolved")
        }
        guard let first = found.first else { throw .usage("listen: \(host) has no address") }
        return first
    }
}
