import LuaVM
import Payload
import Testing

/// Values out of a machine and back: nothing is lost, whatever they are.
@Suite struct PayloadRoundTripTests {
    /// Makes the source of a Lua expression out of a seed.
    struct ExpressionMaker {
        private var state: UInt64

        init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

        mutating func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state >> 33) % bound
        }

        mutating func scalar() -> String {
            switch next(8) {
            case 0: return "nil"
            case 1: return next(2) == 0 ? "true" : "false"
            case 2: return "\(next(300) - 100)"
            case 3:
                let all = [
                    "math.maxinteger", "math.mininteger", "95", "96", "-32", "-33", "1 << 40",
                ]
                return all[next(all.count)]
            case 4:
                let all = ["0/0", "1/0", "-1/0", "-0.0", "0.5", "1e308", "5e-324", "2.0", "1e15"]
                return all[next(all.count)]
            case 5: return "('\\\(next(256))'):rep(\([0, 1, 62, 63, 64, 65, 300][next(7)]))"
            default:
                var text = "\""
                for _ in 0..<next(12) { text += "\\\(next(256))z" }
                return text + "\""
            }
        }

        mutating func key() -> String {
            let text = scalar()
            return ["nil", "0/0"].contains(text) ? "'\(next(1_000))'" : text
        }

        mutating func expression(_ depth: Int = 0) -> String {
            guard depth < 6, next(3) > 0 else { return scalar() }
            var fields: [String] = []
            for _ in 0..<next(7) {
                let value = expression(depth + 1)
                switch next(4) {
                case 0, 1: fields.append(value)
                case 2: fields.append("[\(key())] = \(value)")
                default: fields.append("[\(next(40))] = \(value)")
                }
            }
            return "{" + fields.joined(separator: ", ") + "}"
        }
    }

    /// Whether two values are the same in everything but identity.
    static let same = """
        local a, b = ...
        local function same(a, b)
          if type(a) ~= type(b) then return false end
          if type(a) == "number" then
            return math.type(a) == math.type(b) and (a ~= a and b ~= b or a == b and (a ~= 0 or 1/a == 1/b))
          end
          if type(a) ~= "table" then return a == b end
          for k, v in pairs(a) do if not same(v, b[k]) then return false end end
          for k in pairs(b) do if a[k] == nil then return false end end
          return #a == #a
        end
        return same(a, b)
        """

    @Test(arguments: 0..<8)
    func `what is decoded is what was encoded`(batch: UInt64) {
        let failure = onWorker { worker -> String? in
            for seed in batch * 100..<batch * 100 + 100 {
                var maker = ExpressionMaker(seed + 1)
                let expression = maker.expression()
                let machine = LuaMachine.fresh(seed: seed)
                let fiber = machine.fiber("return " + expression)
                // Through another machine as well, where keys come in another order.
                let other = LuaMachine.fresh(seed: seed + 1)
                guard machine.runThrough(fiber, on: worker).outcome == .ended(results: 1),
                    let first = try? fiber.payload(-1)
                else { return "seed \(seed): not encoded: \(expression)" }
                other.main.push(first)
                guard let payload = try? other.main.payload(-1) else {
                    return "seed \(seed): not encoded again: \(expression)"
                }
                let comparison = machine.fiber(Self.same)
                fiber.pushValue(-1)
                fiber.move(1, to: comparison)
                comparison.push(payload)
                let outcome = machine.runThrough(comparison, arguments: 2, on: worker).outcome
                guard outcome == .ended(results: 1), comparison.boolean(-1) else {
                    return "seed \(seed): not the same: \(expression)"
                }
            }
            return nil
        }
        #expect(failure == nil)
    }

    @Test func `a size limit refuses exactly what is larger`() {
        let wrong = onWorker { worker -> [Int] in
            let machine = LuaMachine.fresh()
            let fiber = machine.fiber(
                "return {1, 1000, 'short', ('x'):rep(100), {a = true, b = {1.5, {}}}, {{{{}}}}}"
            )
            _ = machine.runThrough(fiber, on: worker)
            guard let size = try? fiber.payload(-1).bytes.count else { return [-1] }
            return (0...size + 20).filter { limit in
                var writer = PayloadWriter()
                var encoder = PayloadEncoder(fiber, bytesMax: limit)
                let fits = (try? encoder.encode(-1, into: &writer)) != nil
                return fits != (limit >= size)
            }
        }
        #expect(wrong == [])
    }

    @Test func `a refused value leaves the stack as it was`() {
        let heights = onWorker { worker -> [Int32] in
            let machine = LuaMachine.fresh()
            let fiber = machine.fiber("return {{1, {x = {print}}}}")
            _ = machine.runThrough(fiber, on: worker)
            let before = fiber.top
            do throws(UnsendableFault) {
                _ = try fiber.payload(-1)
                return []
            } catch {
                return error.message == "payload[1][2].x[1]: cannot send a function"
                    ? [before, fiber.top] : [-1, -2]
            }
        }
        #expect(heights.count == 2 && heights.first == heights.last)
    }

    @Test func `a shared value that stands for more than memory is refused in time`() {
        let message = onWorker { worker -> String in
            let machine = LuaMachine.fresh()
            let fiber = machine.fiber("local t = {} for i = 1, 120 do t = {t, t} end return t")
            _ = machine.runThrough(fiber, on: worker)
            do throws(UnsendableFault) {
                _ = try fiber.payload(-1)
                return "sent"
            } catch {
                return error.message
            }
        }
        #expect(message == "payload: larger than \(PayloadEncoder.bytesMaxDefault) bytes")
    }
}
