@testable import ProcessRuntime

extension Example {
    static let messages: [Example] = [
        Example(
            "M1",
            broken: sent12 + [
                .received(b, .message(2, from: a)), .received(b, .message(1, from: a)),
            ],
            sound: sent12 + [
                .received(b, .message(1, from: a)), .received(b, .message(2, from: a)),
            ]
        ),
        Example(
            "M2",
            broken: sent12 + [
                .received(b, .message(1, from: a)), .received(b, .message(1, from: a)),
            ],
            sound: sent12 + [.received(b, .message(1, from: a))]
        ),
        Example(
            "M3",
            broken: abc + [.sent(1, from: a, to: b, nil), .received(c, .message(1, from: a))],
            sound: abc + [.sent(1, from: a, to: b, nil), .received(b, .message(1, from: a))]
        ),
        Example(
            "M4",
            broken: abc + [.sent(1, from: a, to: b, nil), .emptied(b)],
            sound: abc + [
                .sent(1, from: a, to: b, nil), .received(b, .message(1, from: a)), .emptied(b),
            ]
        ),
        Example(
            "M5",
            broken: abc + [
                .sent(1, from: a, to: b, .mailboxFull), .received(b, .message(1, from: a)),
            ],
            sound: abc + [
                .sent(1, from: a, to: b, nil), .received(b, .message(1, from: a)),
            ]
        ),
        Example(
            "M8",
            broken: monitoredSend + [
                .received(b, exit(a, fine)), .received(b, .message(1, from: a)),
            ],
            sound: monitoredSend + [
                .received(b, .message(1, from: a)), .received(b, exit(a, fine)),
            ]
        ),
        Example(
            "M9",
            broken: [census(shown(a, mailbox: 100_001))],
            sound: [census()]
        ),
        Example(
            "M11",
            broken: abc + [.sent(1, from: a, to: a, .processNotFound)],
            sound: abc + [.sent(1, from: a, to: a, nil), .received(a, .message(1, from: a))]
        ),
    ]

    private static let sent12 =
        abc + [.sent(1, from: a, to: b, nil), .sent(2, from: a, to: b, nil)]
    private static let monitoredSend =
        abc + [.monitored(a, by: b, nil), .sent(1, from: a, to: b, nil)] + ends(a, fine)

    static let monitors: [Example] = [
        Example(
            "W1",
            broken: watched + ends(a, fine) + [.emptied(b)],
            sound: watched + ends(a, fine) + [.received(b, exit(a, fine)), .emptied(b)]
        ),
        Example(
            "W2",
            broken: abc + ends(a, fine) + [
                .monitored(a, by: b, .processNotFound), .received(b, exit(a, fine)),
            ],
            sound: abc + ends(a, fine) + [.monitored(a, by: b, .processNotFound), .emptied(b)]
        ),
        Example(
            "W3",
            broken: abc + ends(a, fine) + [.monitored(a, by: b, nil)],
            sound: abc + [.monitored(a, by: b, nil)] + ends(a, fine)
        ),
        Example(
            "W4",
            broken: watched + [.unmonitored(a, by: b)] + ends(a, fine) + [
                .received(b, exit(a, fine))
            ],
            sound: watched + ends(a, fine) + [
                .unmonitored(a, by: b), .received(b, exit(a, fine)),
            ]
        ),
        Example(
            "W5",
            broken: [born(a), born(b, by: a, .monitor)] + ends(b, fine) + [.emptied(a)],
            sound: [born(a), born(b, by: a, .monitor)] + ends(b, fine) + [
                .received(a, exit(b, fine)), .emptied(a),
            ]
        ),
        Example(
            "W6",
            broken: watched + ends(a, broken) + [.received(b, exit(a, fine))],
            sound: watched + ends(a, broken) + [.received(b, exit(a, broken))]
        ),
        Example(
            "W7",
            broken: watched + ends(a, fine) + [
                .received(b, exit(a, fine)), .received(b, exit(a, fine)),
            ],
            sound: watched + ends(a, fine) + [.received(b, exit(a, fine))]
        ),
        Example(
            "W8",
            broken: watched + ends(b, fine) + [census(shown(a, monitoredBy: [b]), shown(c))],
            sound: watched + ends(b, fine) + [census(shown(a), shown(c))]
        ),
        Example(
            "W9",
            broken: watched + ends(a, fine) + [.received(b, exit(a, fine)), .turn(a)],
            sound: watched + [.turn(a)] + ends(a, fine) + [.received(b, exit(a, fine))]
        ),
    ]

    private static let watched = abc + [.monitored(a, by: b, nil)]

    static let links: [Example] = [
        Example(
            "L1",
            broken: tied + [census(shown(a, links: [b]), shown(b), shown(c))],
            sound: tied + [census(shown(a, links: [b]), shown(b, links: [a]), shown(c))]
        ),
        Example(
            "L2",
            broken: tied + [
                .unlinked(b, a), census(shown(a, links: [b]), shown(b, links: [a]), shown(c)),
            ],
            sound: tied + [.unlinked(b, a), census(shown(a), shown(b), shown(c))]
        ),
        Example(
            "L3",
            broken: tied + ends(a, broken),
            sound: tied + ends(a, broken) + [.ended(b, .linked(from: a))]
        ),
        Example(
            "L4",
            broken: tied + ends(a, fine) + [.ended(b, .linked(from: a))],
            sound: tied + ends(a, fine) + ends(b, fine)
        ),
        Example(
            "L5",
            broken: tied + [.trapping(b, true)] + ends(a, broken) + [.emptied(b)],
            sound: tied + [.trapping(b, true)] + ends(a, broken) + [
                .received(b, .linkDown(of: a, error: "broken")), .emptied(b),
            ]
        ),
        Example(
            "L6",
            broken: tied + [.unlinked(a, b)] + ends(a, broken) + [.ended(b, .linked(from: a))],
            sound: tied + ends(a, broken) + [.unlinked(a, b), .ended(b, .linked(from: a))]
        ),
        Example(
            "L7",
            broken: [born(a), born(b, by: a, .link)] + ends(b, broken) + [.emptied(a)],
            sound: [born(a), born(b, by: a, .link)] + ends(b, broken) + [
                .ended(a, .linked(from: b))
            ]
        ),
        Example(
            "L8",
            broken: tied + [.ended(a, .linked(from: b)), .ended(b, .linked(from: a))],
            sound: tied + ends(a, broken) + [.ended(b, .linked(from: a))]
        ),
        Example(
            "L9",
            broken: tied + ends(a, broken) + [
                .received(b, .linkDown(of: a, error: "broken")), .ended(b, .linked(from: a)),
            ],
            sound: tied + ends(a, broken) + [.ended(b, .linked(from: a))]
        ),
        Example(
            "L10",
            broken: abc + [.trapping(a, true), .killed(a, true), .ended(a, fine)],
            sound: abc + [.trapping(a, true), .killed(a, true), .ended(a, .terminated)]
        ),
        Example(
            "L11",
            broken: abc + ends(a, fine) + [.linked(a, b, nil)],
            sound: abc + ends(a, fine) + [.linked(a, b, .processNotFound)]
        ),
    ]

    private static let tied = abc + [.linked(a, b, nil)]

    static let names: [Example] = [
        Example(
            "N1",
            broken: named + [
                census(shown(a, names: ["x"]), shown(b, names: ["x"]), shown(c))
            ],
            sound: named + [census(shown(a, names: ["x"]), shown(b), shown(c))]
        ),
        Example(
            "N2",
            broken: named + ends(a, fine) + [.lookedUp("x", a)],
            sound: named + [.lookedUp("x", a)] + ends(a, fine)
        ),
        Example(
            "N3",
            broken: named + [.monitored(a, by: b, nil)] + ends(a, fine) + [
                .received(b, exit(a, fine)), .registered("x", b, isNew: false, .nameTaken(a)),
            ],
            sound: named + [.monitored(a, by: b, nil)] + ends(a, fine) + [
                .received(b, exit(a, fine)), .registered("x", b, isNew: true, nil),
            ]
        ),
        Example(
            "N4",
            broken: named + [
                .registered("x", b, isNew: false, .nameTaken(a)), .lookedUp("x", b),
            ],
            sound: named + [
                .registered("x", b, isNew: false, .nameTaken(a)), .lookedUp("x", a),
                .registered("x", a, isNew: false, nil),
            ]
        ),
        Example(
            "N5",
            broken: named + [.lookedUp("x", nil)],
            sound: named + [.unregistered("x", from: a), .lookedUp("x", nil)]
        ),
        Example(
            "N6",
            broken: named + [.registered("x", b, isNew: true, nil)],
            sound: named + [.killed(a, true), .registered("x", b, isNew: true, nil)]
        ),
    ]

    private static let named = abc + [.registered("x", a, isNew: true, nil)]

    static let processes: [Example] = [
        Example("P1", broken: [born(a), born(a)], sound: [born(a), born(b)]),
        Example(
            "P3",
            broken: abc + ends(a, fine) + [.turn(a)],
            sound: abc + [.turn(a)] + ends(a, fine)
        ),
        Example(
            "P4",
            broken: [.census([], spawned: 3, exited: 1, live: 1)],
            sound: [.census([], spawned: 0, exited: 0, live: 0)]
        ),
        Example(
            "P5",
            broken: abc + [.sent(1, from: nil, to: a, nil), .quiet],
            sound: abc + [
                .sent(1, from: nil, to: a, nil), .received(a, .message(1, from: nil)), .quiet,
            ]
        ),
        Example(
            "P6",
            broken: abc + [
                .timerStarted(a, 1, deadline: 1_005_000_000), .time(1_004_999_999),
                .received(a, .timer(1)),
            ],
            sound: abc + [
                .timerStarted(a, 1, deadline: 1_005_000_000), .time(1_005_000_000),
                .received(a, .timer(1)),
            ]
        ),
        Example(
            "X1",
            broken: [born(a)] + ends(a, fine) + [.fed(1, .spawn, a), .fed(3, .exit, a)],
            sound: [born(a)] + ends(a, fine) + [.fed(1, .spawn, a), .fed(2, .exit, a)]
        ),
        Example("X2", broken: [born(a)], sound: [born(a)] + ends(a, fine)),
    ]
}
