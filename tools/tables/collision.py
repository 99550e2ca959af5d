"""Distances between links against coal, and what answers clear of collisions cost."""

from __future__ import annotations

from tools.tables import in_order, machine, ratio_text, read, rounded, share_text, table


def speed_table() -> str:
    """Rows a second with the gradient, those of coal without one, first calls and deviations."""
    report = read("collision")
    rows = {(row["case"], row["who"]): row for row in report["rows"]}
    cells = []
    for case in in_order(report["rows"], "case"):
        ours, coal = rows[case, "fkarm"], rows[case, "coal"]
        cells.append(
            [
                case,
                f"{ours['bodies']}, {ours['pairs']}",
                rounded(ours["rows_per_s"]),
                rounded(coal["rows_per_s"]),
                ratio_text(ours["rows_per_s"] / coal["rows_per_s"]),
                f"{ours['first_s']:.1f} s",
                f"{ours['error_float32']:.0e} m, {ours['error_float64']:.0e} m",
            ]
        )
    header = [
        "robot",
        "bodies, pairs of links",
        "fkarm, with gradient, rows/s",
        "coal, one thread, rows/s",
        "ratio",
        "first call",
        "deviation in float32, float64",
    ]
    note = (
        f"{machine(report)}, 10,000 rows, in turns. Pinocchio and coal compute float64 distances "
        "and no gradient. The first call compiles value and gradient."
    )
    return "\n".join([*table(header, cells), "", note])


def training_table() -> str:
    """How many answers of a network collide, trained with and without the collision loss."""
    report = read("train_clear")
    cells = [
        [
            row["loss"],
            f"{row['colliding']:.2%}",
            f"{row['median_mm']:.1f} mm, {row['median_deg']:.1f} deg",
        ]
        for row in report["rows"]
    ]
    note = (
        f"{report['robot']}, {report['steps']:,} steps each, {report['targets']:,} other targets "
        "of postures that are free of collisions."
    )
    return "\n".join(
        [*table(["trained with", "answers that collide", "median error"], cells), "", note]
    )


def clearance_table() -> str:
    """How many targets are solved 5 mm clear of collisions, and at what cost."""
    report = read("clearance")
    cells = [
        [
            row["case"],
            f"{row['targets']:,}",
            share_text(row["usual_answer_clear"]),
            share_text(row["solved"]),
            ratio_text(row["times_the_usual"]),
        ]
        for row in report["rows"]
    ]
    header = ["robot", "targets", "usual answer clear", "solved with clearance", "time over usual"]
    note = (
        f"{machine(report)}. Targets of configurations that are clear by 5 mm, in one call; the "
        "time is a median of turns. Pinocchio and coal check answers of every case."
    )
    return "\n".join([*table(header, cells), "", note])
