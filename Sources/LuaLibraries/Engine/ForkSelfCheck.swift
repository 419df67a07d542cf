import LuaVM

extension LoadedProgram {
    /// Whether forked states work on this machine: forks run through the collector, coroutines,
    /// errors, metatables and the libraries that need no process, on a worker of their own.
    ///
    /// Run once at start-up, on a thread that has no worker yet.
    static func selfCheck() -> Bool {
        forkSelfCheckPassed
    }
}

/// Decided once for the program.
private let forkSelfCheckPassed: Bool = {
    guard
        let template = LuaTemplate(
            holding: [],
            { machine in
                Modules.open(machine)
                try? machine.load(
                    Array(checkSource.utf8),
                    name: "=fork self-check",
                    isBinary: false,
                    onto: machine.main
                )
            }
        )
    else { return false }
    var passed = true
    let worker = LuaWorker()
    for seed in UInt64(1)...3 {
        guard let machine = template.fork(memoryLimitBytes: 64 << 20, seed: seed) else {
            return false
        }
        let outcome = withExtendedLifetime(worker) { machine.resume(machine.main, arguments: 0) }
        if outcome != .ended(results: 1) || machine.main.string(-1) != "ok" { passed = false }
    }
    return passed
}()

/// What a fork must be able to do; returns "ok".
private let checkSource = """
    local t = {}
    for i = 1, 2000 do t[i] = {i, tostring(i), ("x"):rep(i % 50)} end
    for i = 1, 2000 do t["k" .. i] = function() return i end end
    local sum = 0
    for i = 1, 2000 do sum = sum + t["k" .. i]() end
    assert(sum == 2001000)
    for i = 1, 2000 do t["k" .. i] = nil end
    table.sort(t, function(a, b) return a[1] > b[1] end)
    assert(t[1][1] == 2000 and #t == 2000)
    t = nil
    local garbage = 0
    for i = 1, 20000 do local u = {i, {}} garbage = garbage + #u end
    local co = coroutine.wrap(function() for i = 1, 100 do coroutine.yield(i) end error({code = 7}) end)
    for i = 1, 100 do assert(co() == i) end
    local ok, err = pcall(co)
    assert(not ok and err.code == 7)
    assert(("hello"):gsub("l", "L") == "heLLo" and ("x"):upper() == "X")
    assert(string.format("%q %5.2f %s", "a\\nb", 1.5, true):find("1.50 true", 1, true))
    assert(#utf8.char(228, 8364) == 5 and math.type(3) == "integer")
    assert(select("#", table.unpack({1, 2, 3})) == 3 and table.concat({1, 2}, ",") == "1,2")
    ok, err = pcall(function() local x = nil; return x.y end)
    assert(not ok and err:find("attempt to index"))
    local weak = setmetatable({}, {__mode = "k"})
    weak[{}] = 1
    local made = errors.new({message = "m", kind = errors.INVALID})
    assert(tostring(made) == "m" and made .. "!" == "m!" and made:kind() == "Invalid")
    assert(json.decode(json.encode({a = {1, 2}})).a[2] == 2)
    local channel = channel.new(2)
    assert(type(process.send) == "function" and require("process") == process)
    assert(math.random(1000000) ~= nil and tostring({}):find("^table: 0x"))
    local object = setmetatable({}, {__index = function(_, k) return k end, __call = function() return 5 end})
    assert(object.z == "z" and object() == 5)
    goto done
    ::done::
    return "ok"
    """
