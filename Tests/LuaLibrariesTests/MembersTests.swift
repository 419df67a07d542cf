import Testing

/// What a program's sources don't mention is not in its state, and no program can tell.
///
/// The names below are put together, so that no source mentions them.
@Suite struct MembersTests {
    struct Rule: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let body: String
        let expected: String

        init(_ name: String, _ body: String, _ expected: String) {
            testDescription = name
            self.body = body
            self.expected = expected
        }
    }

    static let rules = [
        Rule(
            "a function of a module",
            #"return {type(process["pi" .. "d"]), process["pi" .. "d"]() == process["pi" .. "d"]()}"#,
            #"["function",true]"#
        ),
        Rule(
            "a function is the same value each time, mentioned or not",
            #"return {process["se" .. "nd"] == process.send, process["i" .. "d"] == process["i" .. "d"]}"#,
            "[true,true]"
        ),
        Rule(
            "an object of a module is the same object each time",
            #"return rawequal(time["ut" .. "c"], time["ut" .. "c"])"#,
            "true"
        ),
        Rule(
            "a table of a module",
            #"local e = process["ev" .. "ent"] return {e["EX" .. "IT"], e == process["ev" .. "ent"]}"#,
            #"["EXIT",true]"#
        ),
        Rule(
            "such a table is read-only",
            #"return (pcall(function() process["regi" .. "stry"].x = 1 end))"#,
            "false"
        ),
        Rule(
            "rawset is a write like any other to a module",
            #"""
            local ok, err = pcall(rawset, time, "now", 1)
            local plain = setmetatable({}, {__newindex = error})
            return {ok, err:match("this table is read%-only"), type(time.now), rawset(plain, 1, 2)[1]}
            """#,
            #"[false,"this table is read-only","function",2]"#
        ),
        Rule(
            "what a module has not",
            #"return process["no" .. "thing"] == nil and process[1] == nil and process[process] == nil"#,
            "true"
        ),
        Rule(
            "a method of an object",
            #"return errors.new("text")["mess" .. "age"](errors.new("other"))"#,
            #""other""#
        ),
        Rule(
            "a method of a channel made by the template",
            #"local c = channel.new(1) c["se" .. "nd"](c, 5) return c["rece" .. "ive"](c)"#,
            "5"
        ),
        Rule(
            "what an object has not",
            #"return errors.new("text")["no" .. "thing"] == nil"#,
            "true"
        ),
        Rule(
            "a method of a string",
            #"return {("x")["up" .. "per"]("abc"), ("%d")["for" .. "mat"]("%d", 7)}"#,
            #"["ABC","7"]"#
        ),
        Rule(
            "what strings have not",
            #"return ("x")["du" .. "mp"] == nil and ("x")["__ind" .. "ex"] == nil and ("x")[1] == nil"#,
            "true"
        ),
        Rule(
            "a method of a string is not found by the start of its name",
            #"return ("x")["re" .. "p\0zz"] == nil"#,
            "true"
        ),
        Rule("arithmetic of strings", #"return "10" + 5"#, "15"),
        Rule(
            "a library by its name put together",
            #"return require("str" .. "ing")["re" .. "p"]("a", 3) .. require("ma" .. "th")["ab" .. "s"](-2)"#,
            #""aaa2""#
        ),
        Rule(
            "a module by its name put together",
            #"return require("js" .. "on")["enc" .. "ode"]({1})"#,
            #""[1]""#
        ),
        Rule(
            "all globals through their table",
            #"local g = _G return type(g["raw" .. "len"]) .. type(g["pro" .. "cess"]) .. type(g["lo" .. "ad"])"#,
            #""functiontablenil""#
        ),
        Rule(
            "all globals through the environment",
            #"local e = _ENV return type(e["xp" .. "call"]) .. type(e["str" .. "ing"]["byt" .. "e"])"#,
            #""functionfunction""#
        ),
        Rule(
            "a traversal of a module after one of its members was found",
            #"""
            local first = errors["UNK" .. "NOWN"]
            local names, count = {}, 0
            for name in pairs(errors) do names[name] = true count = count + 1 end
            return {first, count, names["ne" .. "w"], names["TIME" .. "OUT"]}
            """#,
            #"["",15,true,true]"#
        ),
    ]

    @Test(arguments: rules)
    func `a program finds what its sources do not mention`(rule: Rule) {
        #expect(lua(rule.body) == rule.expected)
    }

    @Test func `a traversal of process meets every member`() {
        let found = lua(
            """
            local names = {}
            for name in pairs(process) do names[#names + 1] = name end
            table.sort(names)
            return table.concat(names, " ")
            """
        )
        let names = [
            "cancel event events exec get_options id inbox link listen monitor pid registry send",
            "set_options spawn spawn_linked spawn_linked_monitored spawn_monitored terminate",
            "unlink unlisten unmonitor with_context with_options",
        ]
        #expect(found == "\"" + names.joined(separator: " ") + "\"")
    }

    @Test func `objects of modules nobody names still have their class`() {
        let harness = LuaHarness([
            "main": """
            return function()
              local pid, err = process.spawn("app:none", "app:processes")
              return {pid == nil, err["ki" .. "nd"](err), tostring(err), err .. "!"}
            end
            """
        ])
        #expect(
            harness.run()
                == #"[true,"NotFound","entry not found: app:none","entry not found: app:none!"]"#
        )
    }
}
