import Logging

/// What SIGHUP does: reads again what the server was given as files.
///
/// One list, in the order in which things were added; each is tried, whatever became of the others.
struct Reloads {
    private var actions: [(what: String, action: () throws -> Void)] = []

    /// Adds something to read again.
    ///
    /// `action` runs on the main thread. What it throws is logged, and must have changed nothing:
    /// what was in force stays so.
    mutating func add(_ what: String, _ action: @escaping () throws -> Void) {
        actions.append((what, action))
    }

    /// Reads everything again and logs what became of it.
    func run(_ logger: Logger) {
        if actions.isEmpty { logger.info("SIGHUP: there is nothing to read again") }
        for (what, action) in actions {
            do {
                try action()
                logger.info("read again", metadata: ["what": "\(what)"])
            } catch {
                logger.error(
                    "cannot read again: what was in force stays so",
                    metadata: ["what": "\(what)", "reason": "\(error)"]
                )
            }
        }
    }
}
