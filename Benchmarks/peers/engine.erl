%% The scenarios of ../engine.lua in Erlang, with the same lines of output.
%%
%%   erl -noshell -run engine main SCENARIO COUNT CPUS
-module(engine).
-export([main/1]).

main([Name, Count, Cpus]) ->
    scenario(Name, list_to_integer(Count), list_to_integer(Cpus)),
    halt().

scenario("spawn_exit", N, _) -> measure("spawn_exit", N, fun spawn_exit/1);
scenario("spawn_burst", N, _) -> measure("spawn_burst", N, fun spawn_burst/1);
scenario("ping_integer", N, _) -> measure("ping_integer", N, fun(M) -> ping_pong(M, 1) end);
scenario("ping_string", N, _) ->
    measure("ping_string", N, fun(M) -> ping_pong(M, <<"hello world">>) end);
scenario("ping_table", N, _) ->
    Table = #{id => 1, name => <<"hello world">>, tags => [1, 2, 3, 4, 5],
              nested => #{a => 1.5, b => true}},
    measure("ping_table", N, fun(M) -> ping_pong(M, Table) end);
scenario("one_way", N, _) -> measure("one_way", N, fun one_way/1);
scenario("fan_in", N, _) -> measure("fan_in", N, fun fan_in/1);
scenario("ring", N, _) -> ring(N);
scenario("timers", N, _) -> timers(N);
scenario("idle", N, _) ->
    resident("0"),
    keep(N),
    resident(io_lib:format("idle_bytes ~b", [N]));
scenario("wakeup", N, Cpus) -> wakeup(N, Cpus);
scenario("million", N, _) -> million(N).

now_ns() -> erlang:monotonic_time(nanosecond).

measure(Name, Count, Body) ->
    Start = now_ns(),
    Body(Count),
    io:format("~s ~.1f~n", [Name, (now_ns() - Start) / Count]).

resident(What) ->
    timer:sleep(300),
    io:format("resident ~s~n", [What]),
    timer:sleep(300).

spawn_exit(0) -> ok;
spawn_exit(N) ->
    {_, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, _, _, _} -> ok end,
    spawn_exit(N - 1).

spawn_burst(N) ->
    [spawn_monitor(fun() -> ok end) || _ <- lists:seq(1, N)],
    [receive {'DOWN', _, _, _, _} -> ok end || _ <- lists:seq(1, N)].

ping_pong(N, Payload) ->
    Echo = spawn(fun echo/0),
    pings(Echo, Payload, N),
    exit(Echo, kill).

echo() -> receive {ping, From, Payload} -> From ! {pong, Payload}, echo() end.

pings(_, _, 0) -> ok;
pings(Echo, Payload, N) ->
    Echo ! {ping, self(), Payload},
    receive {pong, _} -> ok end,
    pings(Echo, Payload, N - 1).

one_way(N) ->
    Sink = sink(N),
    source(Sink, N),
    receive done -> ok end.

fan_in(N) ->
    Sink = sink(N),
    [spawn(fun() -> source(Sink, N div 100) end) || _ <- lists:seq(1, 100)],
    receive done -> ok end.

sink(N) ->
    Parent = self(),
    spawn(fun() -> drain(N), Parent ! done end).

drain(0) -> ok;
drain(N) -> receive {value, _} -> drain(N - 1) end.

source(_, 0) -> ok;
source(Sink, N) -> Sink ! {value, N}, source(Sink, N - 1).

ring(N) ->
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> pass(Next) end) end, self(),
                        lists:seq(2, 1000)),
    measure("ring", N div 1000 * 1000, fun(M) ->
        [begin First ! {token, 1}, receive {token, _} -> ok end end
         || _ <- lists:seq(1, M div 1000)]
    end).

pass(Next) -> receive {token, T} -> Next ! {token, T}, pass(Next) end.

timers(N) ->
    resident("0"),
    Self = self(),
    measure("timers_start", N, fun(M) ->
        [erlang:send_after(4000, Self, fired) || _ <- lists:seq(1, M)]
    end),
    resident(io_lib:format("timers_bytes ~b", [N])),
    [receive fired -> ok end || _ <- lists:seq(1, N)].

wakeup(N, Cpus) ->
    [spawn(fun busy/0) || _ <- lists:seq(1, 4 * Cpus)],
    Late = lists:sort([late() || _ <- lists:seq(1, N)]),
    io:format("wakeup_p99 ~.2f~n", [lists:nth(ceil(N * 0.99), Late)]).

busy() -> busy().

late() ->
    Before = now_ns(),
    receive after 5 -> ok end,
    (now_ns() - Before) / 1.0e6 - 5.

idle(Parent) ->
    Parent ! up,
    answers(Parent).

answers(Parent) -> receive {poke, I} -> Parent ! {answer, I}, answers(Parent) end.

keeper(Parent, N) ->
    Self = self(),
    Pids = [spawn(fun() -> idle(Self) end) || _ <- lists:seq(1, N)],
    [receive up -> ok end || _ <- Pids],
    Parent ! {kept, N},
    speak(Parent, Pids).

speak(Parent, Pids) ->
    receive go -> ok end,
    [Pid ! {poke, 1} || Pid <- Pids],
    Answered = length([receive {answer, _} -> ok end || _ <- Pids]),
    Parent ! {answered, Answered},
    speak(Parent, Pids).

keep(Count) -> keep(Count, []).

keep(0, Keepers) ->
    [receive {kept, _} -> ok end || _ <- Keepers],
    Keepers;
keep(Left, Keepers) ->
    Lot = min(Left, 10000),
    Self = self(),
    keep(Left - Lot, [spawn(fun() -> keeper(Self, Lot - 1) end) | Keepers]).

costs() ->
    Start = now_ns(),
    spawn_exit(20000),
    Middle = now_ns(),
    ping_pong(100000, 1),
    {(Middle - Start) / 20000, (now_ns() - Middle) / 100000}.

million(Count) ->
    keep(999),
    {FewSpawn, FewPing} = costs(),
    Start = now_ns(),
    Keepers = keep(Count - 1000),
    io:format("million_spawn ~.2f~n", [(now_ns() - Start) / 1.0e9]),
    resident(io_lib:format("million_gib ~b", [1 bsl 30])),
    Begun = now_ns(),
    [Keeper ! go || Keeper <- Keepers],
    Total = lists:sum([receive {answered, N} -> N end || _ <- Keepers]),
    io:format("million_answers ~.1f~n", [(now_ns() - Begun) / Total]),
    {ManySpawn, ManyPing} = costs(),
    io:format("flat_spawn ~.2f~nflat_ping ~.2f~n", [ManySpawn / FewSpawn, ManyPing / FewPing]).
