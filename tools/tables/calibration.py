"""How far calibrated robots are off, and how that compares with what measurements can tell."""

from __future__ import annotations

import statistics
from typing import Any

from tools.tables import read, table

LOSS = "huber"  # of measured robots


def accuracy_table() -> str:
    """Errors of measured robots at other places, of simulations, and what the layer costs."""
    report = read("calibration")
    measured = [row for row in report["measured"] if row["loss"] == LOSS]
    panda = {len(row["fitted_to"]): row for row in reversed(measured) if row["robot"] == "panda"}
    iiwa = sorted(row["fitted"]["error_mm"] for row in measured if row["robot"].startswith("iiwa"))
    ratios = {row["loss"]: row["ratio"] for row in report["simulated"]}
    deviations, layer = report["standard_deviations"], report["layer"]
    gains = [statistics.median(row["variance_ratios"]) for row in report["suggested"]]
    return "\n".join(
        table(
            ["figure", "value"],
            [
                ["Panda, fitted on three places, error on the other six: before, after",
                 _before_after(panda[3])],
                ["Panda, fitted on one place, error on the other eight: before, after",
                 _before_after(panda[1])],
                ["iiwa, fitted on two places, error on the third",
                 ", ".join(f"{error:.2f} mm" for error in iiwa)],
                ["simulated UR5e, error over the bound of the covariance: clean, "
                 "with 5 % outliers (Cauchy)", f"{ratios['l2']:.2f}, {ratios['cauchy']:.2f}"],
                [f"stated standard deviation over the spread of {deviations['simulations']:,} "
                 "simulations: least, most",
                 f"{deviations['least']:.2f}, {deviations['most']:.2f}"],
                [f"`fit` of the layer, {report['learnt']['steps']:,} full-batch steps of Adam, "
                 "against `calibrate`: largest distance of predicted points",
                 f"{report['learnt']['most_mm']:.0e} mm"],
                ["20 suggested configurations: variance of the tip after random ones over that "
                 "after these, UR5e and Panda", ", ".join(f"{gain:.2f}" for gain in gains)],
                [f"{layer['rows']:,} rows, forward and gradient of the calibrated layer over the "
                 "plain one: offsets, origins, all",
                 ", ".join(f"{layer['over_plain'][kind]:.2f}"
                           for kind in ("offsets", "origins", "all"))],
            ],
        )
    )  # fmt: skip


def _before_after(row: dict[str, Any]) -> str:
    return ", ".join(f"{row[when]['error_mm']:.2f} mm" for when in ("nominal", "fitted"))
