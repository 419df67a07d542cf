import Payload
import Testing

@testable import ProcessRuntime

@Suite struct SignalQueueTests {
    private func signal(_ number: Int) -> Signal {
        var writer = PayloadWriter(headerBytes: Signal.headerBytes)
        writer.write(Int64(number))
        return Signal(.timer, from: nil, written: writer)
    }

    private func number(_ signal: borrowing Signal) -> Int {
        if case .timer(let number) = Mail(signal) { number } else { -1 }
    }

    private func contents(_ queue: inout SignalQueue) -> [Int] {
        var numbers: [Int] = []
        while let signal = queue.popFirst() { numbers.append(number(signal)) }
        return numbers
    }

    private func queue(_ numbers: some Sequence<Int>) -> SignalQueue {
        var queue = SignalQueue()
        for number in numbers { queue.append(signal(number)) }
        return queue
    }

    /// Every subset of five as "matches", and then appends, so that a lost tail would show.
    @Test(arguments: 0..<32)
    func `a move keeps the order, whichever signals match`(_ mask: Int) {
        func matches(_ value: Int) -> Bool { mask >> value & 1 == 1 }
        var queue = queue(0..<5)
        var moved = self.queue([90])
        queue.move(to: &moved) { matches(number($0)) }
        queue.append(signal(5))
        moved.append(signal(91))
        #expect(queue.count == 6 - (0..<5).count(where: matches))
        #expect(contents(&queue) == (0..<5).filter { !matches($0) } + [5])
        #expect(contents(&moved) == [90] + (0..<5).filter(matches) + [91])
    }

    /// Every way to deal six numbered signals to two queues.
    @Test(arguments: 0..<64)
    func `merge restores the order of arrival`(_ mask: Int) {
        var all = SignalQueue()
        var source = queue(1...6)
        var sequence: UInt64 = 0
        all.take(&source, numberingFrom: &sequence)
        #expect(sequence == 6 && source.isEmpty)
        var other = SignalQueue()
        all.move(to: &other) { mask >> (number($0) - 1) & 1 == 1 }
        all.merge(&other)
        #expect(other.isEmpty && all.count == 6)
        all.append(signal(7))
        #expect(contents(&all) == Array(1...7))
    }

    @Test func `it behaves like an array`() {
        var random = SeededRandom(seed: 4)
        var queue = SignalQueue()
        var model: [Int] = []
        for value in 0..<2_000 {
            switch random.next() % 5 {
            case 0, 1, 2:
                queue.append(signal(value))
                model.append(value)
            case 3:
                if let first = queue.popFirst() {
                    #expect(number(first) == model.removeFirst())
                } else {
                    #expect(model.isEmpty)
                }
            default:
                let rest = Int(random.next() % 7)
                var moved = SignalQueue()
                queue.move(to: &moved) { number($0) % 7 == rest }
                #expect(contents(&moved) == model.filter { $0 % 7 == rest })
                model.removeAll { $0 % 7 == rest }
            }
            #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
        }
        #expect(contents(&queue) == model)
    }

    @Test func `taking numbers on from where it was`() {
        var mailbox = SignalQueue()
        var sequence: UInt64 = 41
        var arrived = queue([1, 2])
        mailbox.take(&arrived, numberingFrom: &sequence)
        guard let first = mailbox.popFirst(), let second = mailbox.popFirst() else {
            Issue.record("both are in it")
            return
        }
        let numbers = [first.sequence, second.sequence]
        #expect(numbers == [42, 43] && sequence == 43)
    }

    @Test func `a queue of a hundred thousand is freed without recursion`() {
        var queue = SignalQueue()
        for number in 0..<100_000 { queue.append(signal(number)) }
        #expect(queue.count == 100_000)
    }
}
