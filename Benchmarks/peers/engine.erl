%% The scenarios of ../engine.lua in Erlang: each prints its name and nanoseconds an operation.
-module(engine).
-export([main/1]).

main(_) ->
    measure("spawn_exit", 20000, fun spawn_exit/1),
    measure("spawn_burst", 20000, fun spawn_burst/1),
    measure("ping_integer", 200000, fun(N) -> ping_pong(N, 1) end),
    measure("ping_string", 200000, fun(N) -> ping_pong(N, <<"hello world">>) end),
    Table = #{id => 1, name => <<"hello world">>, tags => [1, 2, 3, 4, 5],
              nested => #{a => 1.5, b => true}},
    measure("ping_table", 50000, fun(N) -> ping_pong(N, Table) end),
    measure("one_way", 300000, fun one_way/1),
    measure("fan_in", 300000, fun fan_in/1),
    measure("ring", 200000, fun ring/1),
    halt().

measure(Name, Count, Body) ->
    Start = erlang:monotonic_time(nanosecond),
    Body(Count),
    Spent = erlang:monotonic_time(nanosecond) - Start,
    io:format("~s ~.1f~n", [Name, Spent / Count]).

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
    Self = self(),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> pass(Next) end) end, Self,
                        lists:seq(2, 1000)),
    [begin First ! {token, 1}, receive {token, _} -> ok end end || _ <- lists:seq(1, N div 1000)],
    ok.

pass(Next) -> receive {token, T} -> Next ! {token, T}, pass(Next) end.
