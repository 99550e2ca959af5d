"""Inverse kinematics: success, speed, other libraries, and what `docs/ik.md` promises."""

from __future__ import annotations

from benchmarks.harness import Row
from tools.tables import in_order, machine, ratio_text, read, rounded, share_text, table
from tools.tables.small import first_answer_sentence

SETS = ("uniform", "near-limit", "near-singular")
# Keys of the answers that stay, and their columns.
STAYS = {
    "exact_start_elsewhere": "exact `q_init`: elsewhere",
    "near_start_jumps": "`q_init` 2 mm away: jumps although the branch continues",
    "elsewhere_after_1e-7_m": "target moved by 1e-7 m: elsewhere",
}


def headline() -> str:
    """One sentence: what is solved, how fast, compared with the fastest other library."""
    report, peers = read("ik"), read("ik_peers")
    standard = [
        row for row in report["rows"] if row.get("tolerance") == "standard" and row["set"] in SETS
    ]
    count = sum(row["targets"] for row in standard)
    share = sum(row["targets"] * row["success"] for row in standard) / count
    panda = {
        row["batch"]: row for row in report["rows"] if row["robot"] == "panda" and "batch" in row
    }
    large = max(panda)
    times = {row["over"]: row["times_solves_per_s"] for row in peers["rows"] if "over" in row}
    best = min(times, key=lambda name: times[name])
    arms = len(in_order(report["rows"], "robot"))
    peer_batch = max(row["batch"] for row in peers["rows"] if "batch" in row)
    return (
        f"It solves {share_text(share)} of {count:,} reachable targets on {arms} arms within 1 mm "
        f"and 0.01 rad, on the Panda {rounded(panda[large]['solves_per_s'])} per second at batch "
        f"{large:,}. Compiled, it is {ratio_text(times[best])} as fast at batch {peer_batch:,} as "
        f"the fastest other library that was measured ({best}). {first_answer_sentence()}. "
        f"{machine(report)}."
    )


def own_table() -> str:
    """What `solve_ik` reaches on each arm, and how fast."""
    report = read("ik")
    batches = sorted({row["batch"] for row in report["rows"] if "batch" in row})
    one, largest = batches[0], batches[-1]
    cells = []
    for robot in in_order(report["rows"], "robot"):
        rows = [row for row in report["rows"] if row["robot"] == robot]
        speed = {row["batch"]: row for row in rows if "batch" in row}
        latency = f"{speed[one]['median_s'] * 1e3:.1f} ms"
        cells.append([robot, *successes(rows), latency, rounded(speed[largest]["solves_per_s"])])
    counts = {row["set"]: row["targets"] for row in report["rows"] if "set" in row}
    sizes = ", ".join(f"{counts[name]:,} {name}" for name in SETS)
    solved, *others = SETS
    header = ["arm", f"solved: {solved}", *others, f"{one:,} target{'s' * (one > 1)}"]
    return "\n".join(
        [
            *table([*header, f"solves/s, batch {largest:,}"], cells),
            "",
            f"Targets: {sizes}. Solved: within 1 mm, 0.01 rad and the limits, as Pinocchio sees "
            f"it. {machine(report)}.",
        ]
    )


def peers_table() -> str:
    """What other libraries reach on the same targets, in one run."""
    report = read("ik_peers")
    times = {row["over"]: row["times_solves_per_s"] for row in report["rows"] if "over" in row}
    cells = []
    for solver in in_order(report["rows"], "solver"):
        rows = [row for row in report["rows"] if row["solver"] == solver and "over" not in row]
        speed = sorted((row for row in rows if "batch" in row), key=lambda row: row["batch"])
        if len(speed) < 2:
            continue
        latency, rate = f"{speed[0]['median_s'] * 1e3:.2g} ms", speed[-1]["solves_per_s"]
        over = ratio_text(times[solver]) if solver in times else ""
        cells.append([solver, *successes(rows), latency, rounded(rate), over])
    counts = {row["solver"]: row["targets"] for row in report["rows"] if "set" in row}
    most = max(counts.values())
    fewer = "".join(f" ({name}: {n:,})" for name, n in counts.items() if n < most)
    solved, *others = SETS
    header = [report["rows"][0]["robot"], f"solved: {solved}", *others]
    return "\n".join(
        [
            *table([*header, "1 target", "solves/s", "fkarm is faster by"], cells),
            "",
            f"{most:,} targets of each set{fewer}, solved as above, measured in turns in one run. "
            "fkarm and pytorch_kinematics solve a set in one call, the others take one target per "
            f"call. {machine(report)}.",
        ]
    )


def promises_table() -> str:
    """The figures of `docs/ik.md`."""
    rows = read("ik_promises")["rows"]
    of = {name: [row for row in rows if row["figure"] == name] for name in in_order(rows, "figure")}
    tables = (
        excess_table(of["out of reach"]),
        streams_table(of["streams out of reach"]),
        stays_table(of["answers that stay"]),
        bases_table(of["free bases"]),
    )
    return "\n\n".join("\n".join(lines) for lines in tables)


def excess_table(rows: list[Row]) -> list[str]:
    """How much larger than the least error the errors out of reach are."""
    cells = [
        [
            f"{row['robot']}, {row['task']}, {row['dtype']}",
            str(row["targets"]),
            *(f"{1e3 * row[f'excess_{key}_m']:.1g} mm" for key in ("p50", "p99", "max")),
        ]
        for row in rows
    ]
    header = ["out of reach", "targets", "excess over the least error: median", "p99", "largest"]
    return table(header, cells)


def streams_table(rows: list[Row]) -> list[str]:
    """Jumps in streams of targets out of reach."""
    cells = [
        [
            f"{row['robot']}, {row['task']}, {1e3 * row['out_m']:g} mm out of reach",
            f"{row['frames']:,}",
            str(row["jumps"]),
            str(row["needed"]),
        ]
        for row in rows
    ]
    return table(["stream", "frames", "jumps", "of them needed"], cells)


def stays_table(rows: list[Row]) -> list[str]:
    """Shares of answers that are elsewhere."""
    cells = [
        [row["robot"], f"{row['targets']:,}", *(f"{row[key]:.1%}" for key in STAYS)] for row in rows
    ]
    return table(["answers, float32", "targets", *STAYS.values()], cells)


def bases_table(rows: list[Row]) -> list[str]:
    """Shares solved by arms on free bases."""
    cells = [
        [
            f"{row['robot']}, targets to {row['distance_m']:g} m",
            str(row["targets"]),
            f"{row['solved']:.1%}",
        ]
        for row in rows
    ]
    return table(["free bases", "targets", "solved"], cells)


def successes(rows: list[Row]) -> list[str]:
    """Shares solved at the standard tolerance, a cell for each of `SETS`."""
    standard = {row["set"]: row for row in rows if row.get("tolerance") == "standard"}
    return [share_text(standard[name]["success"]) if name in standard else "-" for name in SETS]
