"""Throughput of forward kinematics: with and without maps, and other libraries."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.fk import MODES, PEERS
from benchmarks.harness import RESULTS, Row
from benchmarks.robots import TREES
from tools.tables import Report, in_order, machine, ratio_text, read, table

# The headline is the first of these files that exists: GPU before CPU, TensorFlow before others.
HEADLINE = ("tensorflow_gpu", "jax_gpu", "torch_gpu", "tensorflow_cpu")
UNCHECKED = ("empty call", "copy")  # rows of older files that compute no poses
NOISY = "Ratios in parentheses are noisy measurements."


def headline() -> str:
    """One sentence: the layer compared with `tf.map_fn`, and with the fastest other library."""
    report = read("tensorflow_cpu")
    rows = timed(report, robot=report["rows"][0]["robot"], dtype="float32")
    batch = max(row["batch"] for row in rows if row["case"] == "map_fn per joint")
    over_maps = ratios(rows, "map_fn per joint", batch)
    peers = read("peers_cpu")
    rows = timed(peers, robot="panda", dtype="float32")
    large = max(row["batch"] for row in rows if row["case"] == "pytorch_kinematics")
    over_peers = {name: ratios(rows, name, large) for name in PEERS}
    best = [
        min((known[mode], name) for name, known in over_peers.items() if mode in known)
        for mode in MODES[:2]
    ]
    forward, both = (over_maps[mode] for mode in MODES[:2])
    (ratio, name), (ratio_both, name_both) = best
    return (
        f"The layer is {ratio_text(forward)} as fast as `tf.map_fn` over joints, the forum answer "
        f"that fkarm began with, and {ratio_text(both)} with the gradient (Panda, batch "
        f"{batch:,}). "
        f"Compared with the fastest other library it is {ratio_text(ratio)} as fast ({name}), and "
        f"{ratio_text(ratio_both)} with the gradient ({name_both}; batch {large:,}). "
        f"{machine(report)}."
    )


def ratios(rows: list[Row], case: str, batch: int) -> dict[str, float]:
    """How many times faster than a case the layer is, by mode."""
    rate = {
        (row["case"], row["mode"]): row["configurations_per_s"]
        for row in rows
        if row["batch"] == batch
    }
    return {mode: rate["layer", mode] / rate[case, mode] for mode in MODES if (case, mode) in rate}


def headline_table() -> str:
    """Throughput with and without a map over rows, in the first file of `HEADLINE`."""
    return map_table(read(next(name for name in HEADLINE if (RESULTS / f"{name}.json").exists())))


def map_table(report: Report) -> str:
    """Throughput relative to the first case of a file, at the largest batch where that ran."""
    robot, dtype = report["rows"][0]["robot"], report["rows"][0]["dtype"]
    rows = timed(report, robot=robot, dtype=dtype)
    first = rows[0]["case"]
    batch = max(row["batch"] for row in rows if row["case"] == first)
    chosen = {(row["case"], row["mode"]): row for row in rows if row["batch"] == batch}
    modes = [mode for mode in MODES if (first, mode) in chosen]
    cells = []
    for case in in_order(rows, "case"):
        if case in UNCHECKED or (case, MODES[0]) not in chosen:
            continue
        ratios = [
            speedup(chosen[case, mode], chosen[first, mode]) if (case, mode) in chosen else "-"
            for mode in modes
        ]
        cells.append([case, *ratios, f"{chosen[case, MODES[0]]['errors']['poses']:.0e} m"])
    own = chosen.get(("layer", MODES[0]), chosen[first, MODES[0]])
    return "\n".join(
        [
            *table([f"batch {batch:,}", *modes, "error"], cells),
            "",
            f"Configurations per second, relative to the first row; {robot}, {dtype}. The layer "
            f"computes {own['configurations_per_s']:,.0f} per second. {machine(report)}; errors "
            f"are differences from float64. {NOISY}",
        ]
    )


def peers_table() -> str:
    """How many times longer each peer takes than fkarm's layer."""
    report = read("peers_cpu")
    columns = []
    for robot in in_order(report["rows"], "robot"):
        for mode in MODES:
            rows = timed(report, robot=robot, mode=mode, dtype="float32")
            shared = [row["batch"] for row in rows if row["case"] == "pytorch_kinematics"]
            if shared:
                chosen = {row["case"]: row for row in rows if row["batch"] == max(shared)}
                what = "every link" if robot in TREES else "one link"
                columns.append((f"{robot}, {what}, {mode}, batch {max(shared):,}", chosen))
    lines = []
    for case in ("layer", *PEERS, "stack + matmul", "limit (C)"):
        cells = [relative_time(case, chosen) for _, chosen in columns]
        if any(cell != "-" for cell in cells):
            lines.append([case, *cells])
    names = ("pytorch_kinematics", "almond-pyroki", "frax", "pin", "torch", "jax")
    versions = ", ".join(f"{n} {v}" for n in names if (v := report["versions"].get(n)))
    return "\n".join(
        [
            *table(["time relative to the layer", *(title for title, _ in columns)], lines),
            "",
            "Float32 (Pinocchio: float64), measured in turns in one run; the first row is the "
            f"layer's time per configuration. {machine(report)}; {versions}. {NOISY}",
        ]
    )


def results() -> str:
    """A table and pictures for each file that a backend's run wrote."""
    parts = []
    for path in sorted(RESULTS.glob("*_[cg]pu.json")):
        report = json.loads(path.read_text())
        if path.stem != "peers_cpu":
            parts.append(f"`{report['command']}`:\n\n{map_table(report)}")
        pictures = sorted(path.parent.glob(f"{path.stem}_*.png"))
        parts += [f"![Throughput against batch](results/{each.name})" for each in pictures]
    return "\n\n".join(parts)


def relative_time(case: str, chosen: dict[str, Row]) -> str:
    """The time of a case, as a multiple of the layer's."""
    if case not in chosen:
        return "-"
    if case == "layer":
        return f"{1e9 / chosen[case]['configurations_per_s']:,.0f} ns"
    return speedup(chosen["layer"], chosen[case])


def speedup(row: Row, over: Row) -> str:
    """A ratio of throughputs; in parentheses if one of them is noisy."""
    text = ratio_text(row["configurations_per_s"] / over["configurations_per_s"])
    return f"({text})" if is_noisy(row) or is_noisy(over) else text


def is_noisy(row: Row) -> bool:
    """Whether repetitions spread by more than their median."""
    return row["p90_s"] - row["p10_s"] > row["median_s"]


def timed(report: Report, **where: Any) -> list[Row]:
    """The rows that have a time and these values."""
    return [
        row
        for row in report["rows"]
        if "median_s" in row and all(row[key] == value for key, value in where.items())
    ]
