"""`python -m benchmarks.readme`: the READMEs' tables, from the files that the commands wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.catalogue import MODES, PEERS, TREES
from benchmarks.ik import promises
from tests.backends import limits

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
# The headline is the first of these that there is: a GPU before a CPU, TensorFlow before others.
HEADLINE = ("tensorflow_gpu", "jax_gpu", "torch_gpu", "tensorflow_cpu")
IK_SETS = ("uniform", "near-limit", "near-singular")
# Starts of the learned-ik benchmark that the table leaves out.
UNSHOWN = ("random", "random, best of 64", "low-discrepancy, best of 4", "table, best")
UNCHECKED = ("empty call", "copy")

Report = dict[str, Any]
Row = dict[str, Any]


def demo_table() -> str:
    """What `make demo` printed, as a table."""
    report = json.loads((RESULTS / "ik_panda.json").read_text())
    lines = [
        "| the same network, the same time | median | p90 | within 1 cm and 5 deg |",
        "|---|---|---|---|",
    ]
    for name, row in report["models"].items():
        lines.append(
            f"| {name} | {row['median_mm']:.1f} mm, {row['median_deg']:.1f} deg "
            f"| {row['p90_mm']:.1f} mm, {row['p90_deg']:.1f} deg | {row['share_within']:.1%} |"
        )
    lines += [
        "",
        f"{report['targets']} held-out targets, {report['seconds_per_training']:.0f} s of training "
        f"each on {report['cores']} CPU cores, TensorFlow {report['tensorflow']}; forward "
        f"kinematics, forward and gradient, takes {report['fk_share_of_training_step']:.0%} of a "
        "training step.",
    ]
    return "\n".join(lines)


def benchmark_table() -> str:
    """The headline: with and without a map over rows."""
    found = [name for name in HEADLINE if (RESULTS / f"{name}.json").exists()]
    return map_table(json.loads((RESULTS / f"{found[0]}.json").read_text()))


def map_table(report: Report) -> str:
    """Throughput over that of the file's first case, at the largest batch where it ran."""
    robot, dtype = report["rows"][0]["robot"], report["rows"][0]["dtype"]
    rows = _timed(report, robot=robot, dtype=dtype)
    first = rows[0]["case"]
    batch = max(row["batch"] for row in rows if row["case"] == first)
    chosen = {(row["case"], row["mode"]): row for row in rows if row["batch"] == batch}
    cases = [case for case in _names(rows) if (case, MODES[0]) in chosen]
    modes = [mode for mode in MODES if (first, mode) in chosen]
    lines = [f"| batch {batch:,} | {' | '.join(modes)} | error |", "|---" * (len(modes) + 2) + "|"]
    for case in cases:
        if case in UNCHECKED:
            continue
        ratios = [
            _times(chosen[case, mode], chosen[first, mode]) if (case, mode) in chosen else "-"
            for mode in modes
        ]
        error = chosen[case, MODES[0]]["errors"]["poses"]
        lines.append(f"| {case} | {' | '.join(ratios)} | {error:.0e} m |")
    own = chosen.get(("layer", MODES[0]), chosen[first, MODES[0]])
    return "\n".join(
        [
            *lines,
            "",
            f"Configurations a second over the first row's; {robot}, {dtype}. The layer computes "
            f"{own['configurations_per_s']:,.0f} a second. {_place(report)}; error against "
            "float64. In brackets: repetitions spread by more than their median.",
        ]
    )


def peers_table() -> str:
    """How many times longer each peer takes than fkarm's layer, in the file of the peers."""
    report = json.loads((RESULTS / "peers_cpu.json").read_text())
    columns = []
    for robot in _names(report["rows"], "robot"):
        for mode in MODES:
            rows = _timed(report, robot=robot, mode=mode, dtype="float32")
            shared = [row["batch"] for row in rows if row["case"] == "pytorch_kinematics"]
            if shared:
                chosen = {row["case"]: row for row in rows if row["batch"] == max(shared)}
                what = "every link" if robot in TREES else "one link"
                columns.append((f"{robot}, {what}, {mode}, batch {max(shared):,}", chosen))
    lines = [
        f"| time over the layer's | {' | '.join(title for title, _ in columns)} |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for case in ("layer", *PEERS, "stack + matmul", "limit (C)"):
        cells = []
        for _, chosen in columns:
            if case not in chosen:
                cells.append("-")
            elif case == "layer":
                cells.append(f"{1e9 / chosen[case]['configurations_per_s']:,.0f} ns")
            else:
                cells.append(_times(chosen["layer"], chosen[case]))
        if any(cell != "-" for cell in cells):
            lines.append(f"| {case} | {' | '.join(cells)} |")
    names = ("pytorch_kinematics", "almond-pyroki", "frax", "pin", "torch", "jax")
    versions = ", ".join(f"{n} {v}" for n in names if (v := report["versions"].get(n)))
    return "\n".join(
        [
            *lines,
            "",
            "Float32 (Pinocchio: float64), taking turns in one run; the first row is the layer's "
            f"time for a configuration. {_place(report)}; {versions}. In brackets: repetitions "
            "spread by more than their median.",
        ]
    )


def ik_table() -> str:
    """What `solve_ik` reaches on each arm, and how fast."""
    report = json.loads((RESULTS / "ik.json").read_text())
    batches = sorted({row["batch"] for row in report["rows"] if "batch" in row})
    one, largest = batches[0], batches[-1]
    lines = [
        f"| arm | solved: {' | '.join(IK_SETS)} | {one:,} target{'s' * (one > 1)} "
        f"| solves/s, batch {largest:,} |",
        "|---" * (len(IK_SETS) + 3) + "|",
    ]
    for robot in _names(report["rows"], "robot"):
        rows = [row for row in report["rows"] if row["robot"] == robot]
        speed = {row["batch"]: row for row in rows if "batch" in row}
        lines.append(
            f"| {robot} | {' | '.join(_successes(rows))} | {speed[one]['median_s'] * 1e3:.1f} ms "
            f"| {_rounded(speed[largest]['solves_per_s'])} |"
        )
    counts = {row["set"]: row["targets"] for row in report["rows"] if "set" in row}
    sizes = ", ".join(f"{counts[name]:,} {name}" for name in IK_SETS)
    return "\n".join(
        [
            *lines,
            "",
            f"Targets: {sizes}. Solved: within 1 mm, 0.01 rad and the limits, as Pinocchio sees "
            f"it. {_place(report)}.",
        ]
    )


def ik_peers_table() -> str:
    """What other libraries' inverse kinematics reaches on the same targets, in one run."""
    report = json.loads((RESULTS / "ik_peers.json").read_text())
    lines = [
        f"| {report['rows'][0]['robot']} | solved: {' | '.join(IK_SETS)} | 1 target "
        "| solves/s | fkarm's over these |",
        "|---" * (len(IK_SETS) + 4) + "|",
    ]
    times = {row["over"]: row["times_solves_per_s"] for row in report["rows"] if "over" in row}
    for solver in _names(report["rows"], "solver"):
        rows = [row for row in report["rows"] if row["solver"] == solver and "over" not in row]
        speed = sorted((row for row in rows if "batch" in row), key=lambda row: row["batch"])
        if len(speed) < 2:
            continue
        over = f"{_ratio(times[solver])}" if solver in times else ""
        lines.append(
            f"| {solver} | {' | '.join(_successes(rows))} | {speed[0]['median_s'] * 1e3:.2g} ms "
            f"| {_rounded(speed[-1]['solves_per_s'])} | {over} |"
        )
    counts = {row["solver"]: row["targets"] for row in report["rows"] if "set" in row}
    most = max(counts.values())
    fewer = "".join(f" ({name}: {n:,})" for name, n in counts.items() if n < most)
    return "\n".join(
        [
            *lines,
            "",
            f"{most:,} targets of each set{fewer}. Solved as above, one judge, taking turns in one "
            "run. fkarm and pytorch_kinematics solve a set in one call, the others take one target "
            f"a call. {_place(report)}.",
        ]
    )


def _successes(rows: list[Row]) -> list[str]:
    """Shares solved at the standard tolerance, a cell for each of `IK_SETS`."""
    found = {row["set"]: row for row in rows if row.get("tolerance") == "standard"}
    return [_share(found[name]["success"]) if name in found else "-" for name in IK_SETS]


def _share(share: float) -> str:
    """A percentage that says 100 only of all."""
    return "100%" if share == 1.0 else f"{min(share, 0.9999):.2%}".replace(".00%", "%")


def _rounded(number: float) -> str:
    """Two significant digits, thousands marked."""
    return f"{float(f'{number:.2g}'):,.0f}"


def training_sentence() -> str:
    """What `python -m fkarm train panda` came to."""
    report = json.loads((RESULTS / "train_panda.json").read_text())
    rows = [row for row in report["rows"] if row["set"] == "uniform"]
    alone = next(row for row in rows if row["steps"] == 0)
    three, solved = (
        next(row for row in rows if row["steps"] == 3 and row["solver"] == solver)
        for solver in (False, True)
    )
    return (
        f"{report['training']['minutes']:g} minutes for the {report['robot']} on {report['cores']} "
        f"cores, {alone['targets']:,} other targets: alone {alone['median_mm']:.1f} mm and "
        f"{alone['median_deg']:.1f} deg off (median); three steps later {three['success']:.1%} "
        f"within 1 mm and 0.01 rad, {_rounded(three['solutions_per_s'])} solutions a second; with "
        f"the solver {solved['success']:.2%}."
    )


def learned_ik_table() -> str:
    """What networks and other starts are worth, by steps of the same refinement."""
    reports = [
        json.loads((RESULTS / f"learned_ik_{name}.json").read_text())
        for name in ("panda", "flow_panda", "losses_others", "others")
    ]
    # The second file is of the flow that had more time than that of the first.
    shown = ((False,), (True,), (False,), (False, True))
    rows = [
        row
        for report, is_of_flows in zip(reports, shown, strict=True)
        for row in report["rows"]
        if row["starts"].startswith("flow") in is_of_flows
    ]
    lines = [
        "| arm | starts | alone, median | solved after 0, 1, 3, 5 steps | solver too "
        "| solutions/s, 3 steps | parameters | training |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for robot in _names(rows, "robot"):
        own = [row for row in rows if row["robot"] == robot and "median_mm" in row]
        for starts in _names(own, "starts"):
            by_steps = {row["steps"]: row for row in own if row["starts"] == starts}
            if 3 not in by_steps or starts in UNSHOWN:
                continue
            alone, three = by_steps[0], by_steps[3]
            shares = ", ".join(f"{by_steps[steps]['success']:.2%}" for steps in (0, 1, 3, 5))
            exact = by_steps.get("3, then the solver")
            solver = f"{exact['success']:.2%}" if exact else ""
            count = time = ""
            if "parameters" in alone:
                count, time = f"{alone['parameters']:,}", f"{alone['training_s'] / 60:.2g} min"
            error = f"{alone['median_mm']:.0f} mm, {alone['median_deg']:.1f} deg"
            speed = _rounded(three["solutions_per_s"])
            cells = (robot, starts, error, shares, solver, speed, count, time)
            lines.append(f"| {' | '.join(cells)} |")
    covers = [
        f"{row['coverage']:.2f} on {row['robot']} ({row['coverage_by_others']:.2f} have one of 50 "
        f"other exact solutions, at {row['poses_with_others']} poses with so many)"
        for row in rows
        if "coverage_by_others" in row
    ]
    samples = [
        f"{row['mean_mm']:.0f} mm, {row['mean_deg']:.0f} deg on {row['robot']}"
        for row in rows
        if row["starts"] == "flow, one sample, spread 1.0"
    ]
    return "\n".join(
        [
            *lines,
            "",
            f"10,000 targets; solved: within 1 mm, 0.01 rad and the limits, as Pinocchio sees it; "
            f"other work on the machine. Alone: the best of a network's candidates; a "
            f"single sample of the flow misses by {'; '.join(samples)}, in the mean. "
            f"Share of exact solutions that have one of 50 samples of the flow within 0.3 rad in "
            f"each joint, whole turns aside: {', '.join(covers)}. {_place(reports[0])}.",
        ]
    )


def contract_table() -> str:
    """What each Keras object of fkarm can do, as the tests check it."""
    contract = json.loads((ROOT / "tests" / "contract" / "contract.json").read_text())
    marks = {reason: f"[{place}]" for place, reason in enumerate(contract["reasons"], start=1)}
    columns = contract["properties"]
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, exempt in contract["objects"].items():
        cells = [f"no {marks[exempt[each]]}" if each in exempt else "yes" for each in columns]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    meanings = [f"*{name}*: {meaning}." for name, meaning in columns.items()]
    reasons = [f"{marks[name]}: {reason}." for name, reason in contract["reasons"].items()]
    return "\n".join(
        [
            *lines,
            "",
            " ".join(meanings),
            "",
            "No, because " + " ".join(reasons),
            "",
            contract["elsewhere"],
        ]
    )


def precision_table() -> str:
    """The error of each dtype policy."""
    report = json.loads((RESULTS / "precision.json").read_text())
    kinds = {
        'the whole program\'s, or `quantize("int8")`': report["everywhere_mm"],
        "the layer's own `dtype`": report["layer_mm"],
    }
    lines = ["| policy | largest error, mm |", "|---|---|"]
    for kind, errors in kinds.items():
        cells = ", ".join(f"`{policy}` {mm:.1g}" for policy, mm in errors.items())
        lines.append(f"| {kind} | {cells} |")
    lines += [
        "",
        f"{report['rows']:,} positions of the {report['robot']}'s hand beside Pinocchio's in "
        f"float64, from configurations in float64 (`int8`: those that the network put out). "
        f"Keras {report['keras']}.",
    ]
    return "\n".join(lines)


def result_tables() -> str:
    """A table for each file that a backend's run wrote."""
    parts = []
    for path in sorted(RESULTS.glob("*_[cg]pu.json")):
        report = json.loads(path.read_text())
        if path.stem != "peers_cpu":
            parts.append(f"`{report['command']}`:\n\n{map_table(report)}")
        pictures = sorted(path.parent.glob(f"{path.stem}_*.png"))
        parts += [f"![Throughput against batch](results/{each.name})" for each in pictures]
    return "\n\n".join(parts)


def _timed(report: Report, **where: Any) -> list[Row]:
    return [
        row
        for row in report["rows"]
        if "median_s" in row and all(row[key] == value for key, value in where.items())
    ]


def _names(rows: list[Row], key: str = "case") -> list[str]:
    return list(dict.fromkeys(row[key] for row in rows))


def _times(row: Row, over: Row) -> str:
    """A ratio of throughputs; in brackets if one of them is not to be trusted."""
    text = _ratio(row["configurations_per_s"] / over["configurations_per_s"])
    return f"({text})" if any(_is_noisy(each) for each in (row, over)) else text


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def _is_noisy(row: Row) -> bool:
    return row["p90_s"] - row["p10_s"] > row["median_s"]


def _place(report: Report) -> str:
    backend = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[report["backend"]]
    package = report["versions"][report["backend"]]
    cpu = f"{report['cores']} cores of {report['processor']}"
    return f"{cpu if report['device'] == 'cpu' else report['device_name']}, {backend} {package}"


def fill(path: Path, blocks: dict[str, str]) -> None:
    """Put tables between their marks; SystemExit unless each mark is there once."""
    text = path.read_text()
    for name, table in blocks.items():
        block = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        text, count = block.subn(lambda found, t=table: f"{found[1]}{t}\n{found[2]}", text)
        if count != 1:
            raise SystemExit(f"{path} must hold one block {name!r}. Received: {count}.")
    path.write_text(text)


# What stands between the marks of each name.
TABLES = {
    "demo": demo_table,
    "benchmark": benchmark_table,
    "peers": peers_table,
    "ik": ik_table,
    "ik_peers": ik_peers_table,
    "training": training_sentence,
    "learned_ik": learned_ik_table,
    "contract": contract_table,
    "precision": precision_table,
    "backends": limits.table,
}


def main() -> None:
    tables = {name: table() for name, table in TABLES.items()}
    fill(ROOT / "README.md", tables)
    fill(ROOT / "benchmarks" / "README.md", {"results": result_tables()})
    fill(ROOT / "docs" / "ik.md", {"promises": promises.table(RESULTS / "ik_promises.json")})


if __name__ == "__main__":
    main()
