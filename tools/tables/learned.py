"""Learned inverse kinematics: the demo, a training, and networks as starts."""

from __future__ import annotations

from benchmarks.harness import Row
from tools.tables import in_order, machine, read, rounded, table

# Files of the learned benchmark, and whether rows of flows are read from each: the second file is
# of the flow that trained for longer than that of the first.
FILES = {
    "learned_ik_panda": (False,),
    "learned_ik_flow_panda": (True,),
    "learned_ik_losses_others": (False,),
    "learned_ik_others": (False, True),
}


def demo_table() -> str:
    """What `make demo` printed, as a table."""
    report = read("ik_panda")
    cells = [
        [
            name,
            f"{row['median_mm']:.1f} mm, {row['median_deg']:.1f} deg",
            f"{row['p90_mm']:.1f} mm, {row['p90_deg']:.1f} deg",
            f"{row['share_within']:.1%}",
        ]
        for name, row in report["models"].items()
    ]
    header = ["the same network, the same time", "median", "p90", "within 1 cm and 5 deg"]
    return "\n".join(
        [
            *table(header, cells),
            "",
            f"{report['targets']} held-out targets, {report['seconds_per_training']:.0f} s of "
            f"training each on {report['cores']} CPU cores, TensorFlow {report['tensorflow']}; "
            "forward kinematics, forward and gradient, takes "
            f"{report['fk_share_of_training_step']:.0%} of a training step.",
        ]
    )


def training_sentence() -> str:
    """What `python -m fkarm train panda` came to."""
    report = read("train_panda")
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
        f"within 1 mm and 0.01 rad, {rounded(three['solutions_per_s'])} solutions per second; with "
        f"the solver {solved['success']:.2%}."
    )


def starts_table() -> str:
    """What networks and other starts are worth, by steps of the same refinement."""
    rows = [
        row
        for name, shown in FILES.items()
        for row in read(name)["rows"]
        if row["starts"].startswith("flow") in shown
    ]
    cells = []
    for robot in in_order(rows, "robot"):
        own = [row for row in rows if row["robot"] == robot and "median_mm" in row]
        for starts in in_order(own, "starts"):
            by_steps = {row["steps"]: row for row in own if row["starts"] == starts}
            if 3 in by_steps:
                cells.append([robot, starts, *starts_cells(by_steps)])
    header = ["arm", "starts", "one candidate, mean", "best candidate, median"]
    header += ["solved after 0, 1, 3, 5 steps", "solver too", "solutions/s, 3 steps"]
    return "\n".join(
        [
            *table([*header, "parameters", "training"], cells),
            "",
            f"10,000 targets per row. Coverage: {coverage_text(rows)}. "
            f"{machine(read('learned_ik_panda'))}.",
        ]
    )


def starts_cells(by_steps: dict[int | str, Row]) -> list[str]:
    """The cells of some starts, from their rows by steps."""
    alone, three = by_steps[0], by_steps[3]
    shares = ", ".join(f"{by_steps[steps]['success']:.2%}" for steps in (0, 1, 3, 5))
    exact = by_steps.get("3, then the solver")
    single = count = time = ""
    if "single_mm" in alone:
        single = f"{alone['single_mm']:.0f} mm, {alone['single_deg']:.1f} deg"
    if "parameters" in alone:
        count, time = f"{alone['parameters']:,}", f"{alone['training_s'] / 60:.2g} min"
    return [
        single,
        f"{alone['median_mm']:.0f} mm, {alone['median_deg']:.1f} deg",
        shares,
        f"{exact['success']:.2%}" if exact else "",
        rounded(three["solutions_per_s"]),
        count,
        time,
    ]


def coverage_text(rows: list[Row]) -> str:
    """How well samples of the flow cover the exact solutions, by robot."""
    texts = []
    for row in rows:
        if "coverage" in row:
            text = f"{row['coverage']:.2f} on {row['robot']}"
            if "coverage_by_others" in row:
                text += (
                    f" ({row['coverage_by_others']:.2f} by 50 other exact solutions, at the "
                    f"{row['poses_with_others']} of {row['poses']} poses that have so many)"
                )
            texts.append(text)
    return ", ".join(texts)
