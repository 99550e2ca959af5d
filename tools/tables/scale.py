"""What compiled code costs as robots get longer."""

from __future__ import annotations

import numpy as np

from benchmarks.harness import Row
from tools.tables import machine, read, table


def headline() -> str:
    """What the longest chain costs."""
    longest = max(chains("fkarm"), key=lambda row: row["joints"])
    return (
        f"A chain of {longest['joints']} joints compiles in {longest['first_s']:.0f} s with its "
        f"gradient, and then takes {longest['gradient_ns'] / longest['joints']:.0f} ns per joint "
        "and configuration (float32, batch 10,000)."
    )


def scale_table() -> str:
    """First calls and times per row of chains, and what further robots cost."""
    unrolled = {row["joints"]: row for row in chains("unrolled")}
    cells = [
        [
            f"{row['joints']}",
            f"{row['first_s']:.1f} s",
            f"{unrolled[row['joints']]['first_s']:.1f} s" if row["joints"] in unrolled else "",
            f"{row['forward_ns']:,.0f} ns",
            f"{row['gradient_ns']:,.0f} ns",
            f"{unrolled[row['joints']]['gradient_ns']:,.0f} ns"
            if row["joints"] in unrolled
            else "",
        ]
        for row in chains("fkarm")
    ]
    header = [
        "joints",
        "first call",
        "first call, unrolled",
        "poses",
        "with gradient",
        "with gradient, unrolled",
    ]
    searches = "; ".join(
        f"{row['first_s']:.1f} s for {row['targets']:,} targets of "
        f"{'the Panda' if row['robot'] == 'panda' else 'the feet and hands of G1'}, and later "
        f"calls {row['per_target_s'] * 1e6:,.0f} us per target"
        for row in of("solve_ik")
        if row["targets"] > 1000
    )
    worst = max(deviation(chains("fkarm"), key) for key in ("forward_ns", "gradient_ns"))
    further = ", ".join(
        f"{row['robots']} robots, {row['what']}: {row['s']:.0f} s and {row['mb']:,.0f} MB"
        for row in of("further robots")
    )
    (arms,) = of("many arms")
    return "\n".join(
        [
            *table(header, cells),
            "",
            "Forward kinematics of one link in float32, per row of a batch of 10,000; chains of up "
            "to 20 joints are unrolled in both columns. Times deviate from a line `a + b n` by at "
            f"most {worst - 1:.0%}. The first call of `solve_ik` takes {searches}. "
            f"Further robots in one process cost, with their compiled code: {further}. The "
            "gradient by the origins of a different seven-joint arm in every row takes "
            f"{arms['ratio']:.1f} times that of one arm by `q`. {machine(read('scale'))}.",
        ]
    )


def deviation(rows: list[Row], key: str) -> float:
    """The largest ratio of a time to the line that fits times against the number of joints."""
    joints, times = (np.array([row[name] for row in rows], float) for name in ("joints", key))
    slope, constant = np.polyfit(joints, times, 1)
    if constant < 0:  # the line through zero that fits best
        slope, constant = joints @ times / (joints @ joints), 0.0
    return float((times / (constant + slope * joints)).max())


def chains(engine: str) -> list[Row]:
    """The rows of chains."""
    return [row for row in of("engine") if row["robot"] == "chain" and row["engine"] == engine]


def of(figure: str) -> list[Row]:
    """The rows of a figure."""
    return [row for row in read("scale")["rows"] if row["figure"] == figure]
