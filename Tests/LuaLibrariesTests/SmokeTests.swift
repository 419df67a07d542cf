import Testing

@Suite struct SmokeTests {
    @Test(arguments: [
        ("return 1 + 1", "2"),
        ("return {1, 2, 3}", "[1,2,3]"),
        ("return 'a' .. 1, 'boom'", "error: boom"),
        ("error('x', 0)", "error: x"),
        ("error({code = 1})", "error: table"),
        ("error(setmetatable({}, {__tostring = function() return 'mine' end}))", "error: mine"),
        ("return process.id()", #""app:main""#),
        ("local c = channel.new(1) c:send(5) return (c:receive())", "5"),
        (
            "local c = channel.new() coroutine.spawn(function() c:send('hi') end) return (c:receive())",
            #""hi""#
        ),
        (
            "process.send(process.pid(), 't', {a = 1}) return process.inbox():receive().payload.a",
            "1"
        ),
        (
            "process.send(process.pid(), 't', 7) local m = process.inbox():receive() return m:payload() + m.payload",
            "14"
        ),
        (
            "local co = coroutine.wrap(function() local c = process.listen('x') process.send(process.pid(), 'x', 3) coroutine.yield(1) coroutine.yield(c:receive()) end) return {(co()), (co())}",
            "[1,3]"
        ),
        ("return json.encode({a = {1, 2}})", #""{\"a\":[1,2]}""#),
        ("return tostring(errors.new({message='m', kind=errors.INVALID}))", #""m""#),
        ("local x = nil; x()", "error: app:main:2: attempt to call a nil value (local 'x')"),
    ])
    func `small programs give what they should`(body: String, expected: String) {
        let result = lua(body)
        #expect(result.hasPrefix(expected), "\(result)")
    }
}

@Suite struct ReadOnlyTests {
    @Test func `walking a module gives its names and no way to change it`() {
        let result = lua(
            """
            local names, step, state = 0, pairs(process)
            for name in pairs(process) do names = names + 1 end
            rawset(state, "pid", nil)
            return {names > 20, process.pid ~= nil, (pcall(function() process.pid = 1 end))}
            """
        )
        #expect(result == "[true,true,false]")
    }
}
