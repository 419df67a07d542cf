@testable import ProcessRuntime

extension Law {
    /// M: what `send` promises (SEMANTICS 1 and 6).
    ///
    /// M6, M10 and M12 speak of Lua tables and channels: LuaLibrariesTests has them. M7 is a test of
    /// its own, since these messages carry only their numbers.
    static let messages = [
        Law("M1", "messages of one sender arrive in the order they were sent") { history, law in
            for (receiver, life) in history.lives {
                var last: [PID?: Int] = [:]
                for case (_, .message(let number, let sender)) in life.mail {
                    law.require(
                        number > last[sender] ?? 0,
                        "\(receiver.number) got \(number) after \(last[sender] ?? 0)"
                    )
                    last[sender] = number
                }
            }
        },
        Law("M2", "no message is received twice") { history, law in
            var seen = Set<Int>()
            for life in history.lives.values {
                for case (_, .message(let number, _)) in life.mail {
                    law.require(seen.insert(number).inserted, "\(number) came twice")
                }
            }
        },
        Law("M3", "nothing is received that was not sent to the receiver before") { history, law in
            let sends = Dictionary(history.sends.map { ($0.number, $0) }) { first, _ in first }
            for (receiver, life) in history.lives {
                for case (let at, .message(let number, let sender)) in life.mail {
                    let send = sends[number]
                    law.require(
                        send?.to == receiver && send?.from == sender && (send?.at ?? at) < at,
                        "\(receiver.number) got \(number)"
                    )
                }
            }
        },
        Law("M4", "an accepted message reaches a receiver that lives on") { history, law in
            let received = receivedNumbers(history)
            for send in history.sends where send.fault == nil {
                guard history.life(send.to).lastEmptied > send.at else { continue }
                law.require(received.contains(send.number), "\(send.number) is lost")
            }
        },
        Law("M5", "a refused message is never received") { history, law in
            let received = receivedNumbers(history)
            for send in history.sends where send.fault != nil {
                law.require(!received.contains(send.number), "\(send.number) was refused")
            }
        },
        Law("M8", "what a process sent comes before its EXIT and LINK_DOWN") { history, law in
            for (receiver, life) in history.lives {
                var dead = Set<PID>()
                for (_, mail) in life.mail {
                    switch mail {
                    case .exit(of: let pid, _), .linkDown(of: let pid, _): dead.insert(pid)
                    case .message(let number, from: let sender?):
                        law.require(
                            !dead.contains(sender),
                            "\(receiver.number) got \(number) of the dead \(sender.number)"
                        )
                    default: break
                    }
                }
            }
        },
        Law("M9", "a mailbox never holds more messages than its limit") { history, law in
            for snapshot in history.censuses.flatMap(\.snapshots) {
                law.require(
                    snapshot.mailboxMessages <= snapshot.limits.mailboxMessages,
                    "\(snapshot.pid.number) holds \(snapshot.mailboxMessages)"
                )
            }
        },
        Law("M11", "a living process can send to itself, and receives it later") { history, law in
            for send in history.sends where send.from == send.to {
                let isAlive = history.isRoutable(send.to, before: send.at)
                law.require(
                    !isAlive || send.fault == nil || send.fault == .mailboxFull,
                    "\(send.number) was refused"
                )
                let early = history.life(send.to).mail.contains { item in
                    item.mail == .message(send.number, from: send.from) && item.at < send.at
                }
                law.require(!early, "\(send.number) came before it was sent")
            }
        },
    ]

    private static func receivedNumbers(_ history: History) -> Set<Int> {
        var numbers = Set<Int>()
        for life in history.lives.values {
            for case (_, .message(let number, _)) in life.mail { numbers.insert(number) }
        }
        return numbers
    }
}
