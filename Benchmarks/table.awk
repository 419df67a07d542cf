# Prints the table of a benchmark: goals, our figures and the peer's in, a row a figure out.
# Figures are lines "NAME ROUND FIGURE"; a ratio is that of the same round, then the median is taken.

FNR == 1 { file++ }
/^#/ || NF == 0 { next }
file == 1 { order[++rows] = $1; unit[$1] = $2; kind[$1] = $3; goal[$1] = $4; next }
file == 2 { ours[$1, $2] = $3; if ($2 > rounds) rounds = $2; next }
{ peer[$1, $2] = $3 }

# Sorts the first n of list; returns the middle one.
function median(list, n,    i, j, held) {
    for (i = 2; i <= n; i++) {
        held = list[i]
        for (j = i - 1; j > 0 && list[j] > held; j--) list[j + 1] = list[j]
        list[j + 1] = held
    }
    return list[int((n + 1) / 2)]
}

function text(value) { return value < 100 ? sprintf("%.2f", value) : sprintf("%.0f", value) }

END {
    line = "%-16s %-6s %10s %10s %8s %13s %10s  %s\n"
    printf line, "figure", "unit", "ours", "peer", "ratio", "spread", "goal", "met"
    for (row = 1; row <= rows; row++) {
        name = order[row]
        count = pairs = 0
        for (round = 1; round <= rounds; round++) {
            if (!((name, round) in ours)) continue
            own[++count] = ours[name, round]
            if (!((name, round) in peer)) continue
            other[++pairs] = peer[name, round]
            if (peer[name, round] > 0) ratios[pairs] = ours[name, round] / peer[name, round]
        }
        if (count == 0) continue
        figure = median(own, count)
        beside = ratio = spread = "-"
        if (pairs > 0) {
            beside = text(median(other, pairs))
            ratio = median(ratios, pairs)
            spread = sprintf("%.2f-%.2fx", ratios[1], ratios[pairs])
        }
        is_ratio = kind[name] == "ratio" || kind[name] == "rate"
        is_least = kind[name] == "rate" || kind[name] == "least"
        compared = is_ratio ? ratio : figure
        wanted = goal[name]
        reached = is_least ? compared >= wanted : compared <= wanted
        met = wanted == "-" || compared == "-" ? "" : (reached ? "yes" : "NO")
        wanted = wanted == "-" ? "" : (is_least ? ">= " : "<= ") wanted (is_ratio ? "x" : "")
        printf line, name, unit[name], text(figure), beside,
            ratio == "-" ? ratio : sprintf("%.2fx", ratio), spread, wanted, met
    }
}
