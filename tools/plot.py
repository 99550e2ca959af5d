"""`python -m tools.plot`: pictures of recorded figures.

Throughput against batch, for each file and robot; the cost of compiled code against the number of
joints.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.fk import MODES
from benchmarks.harness import RESULTS, Row
from tools.tables import scale
from tools.tables.fk import UNCHECKED


def main() -> None:
    for path in sorted(RESULTS.glob("*_[cg]pu.json")):
        report = json.loads(path.read_text())
        for robot in dict.fromkeys(row["robot"] for row in report["rows"]):
            target = path.with_name(f"{path.stem}_{robot}.png")
            if draw(report, robot, target):
                print(target)
    print(draw_scale(scale.chains("fkarm"), scale.chains("unrolled"), RESULTS / "scale.png"))


def draw(report: dict[str, Any], robot: str, target: Path) -> bool:
    """Write a picture of one robot's float32 rows; False if no case has two batches."""
    colormaps = _matplotlib().colormaps
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in report["rows"]:
        if row["robot"] == robot and row["dtype"] == "float32" and "median_s" in row:
            point = (row["batch"], row["configurations_per_s"])
            lines.setdefault((row["mode"], row["case"]), []).append(point)
    if all(len(points) < 2 for points in lines.values()):
        return False
    figure = _figure()
    cases = [c for c in dict.fromkeys(case for _, case in lines) if c not in UNCHECKED]
    all_axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, mode in zip(all_axes, MODES, strict=True):
        for number, case in enumerate(cases):
            points = sorted(lines.get((mode, case), []))
            own, limit = case.startswith("layer"), case.startswith("limit")
            axes.loglog(
                [batch for batch, _ in points],
                [rate for _, rate in points],
                color="black" if limit else colormaps["tab20"](number % 20),
                linestyle="--" if limit else "-",
                linewidth=2.2 if own else 1.1,
                marker="o",
                markersize=3,
                label=case,
            )
        axes.set_title(mode)
        axes.set_xlabel("batch")
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel("configurations per second")
    where = report["processor"] if report["device"] == "cpu" else report["device_name"]
    figure.suptitle(f"{robot}, float32, {report['backend']}, {where}")
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=8, frameon=False)
    figure.savefig(target, dpi=80)
    return True


def draw_scale(rows: list[Row], unrolled: list[Row], target: Path) -> Path:
    """Draw first calls, and times per configuration, of chains; return where the picture is."""
    figure = _figure()
    first, warm = figure.subplots(1, 2)
    for of, style in ((rows, "-"), (unrolled, "--")):
        name = "fkarm" if of is rows else "code for every joint"
        joints = [row["joints"] for row in of]
        first.loglog(joints, [row["first_s"] for row in of], f"k{style}o", label=name)
        for key, mode, color in (
            ("forward_ns", "poses", "tab:blue"),
            ("gradient_ns", "with gradient", "tab:red"),
        ):
            times = [row[key] for row in of]
            warm.loglog(joints, times, style, color=color, marker="o", label=f"{mode}, {name}")
    first.set_ylabel("first call, s")
    warm.set_ylabel("later calls, ns per configuration")
    for axes in (first, warm):
        axes.set_xlabel("joints of a chain")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, frameon=False)
    figure.savefig(target, dpi=80)
    return target


def _figure() -> Any:
    return _matplotlib().figure.Figure(figsize=(9.5, 4.2), layout="constrained")


def _matplotlib() -> Any:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise SystemExit("tools.plot needs: pip install matplotlib") from error
    return matplotlib


if __name__ == "__main__":
    main()
