"""Every solution of inverse kinematics: other libraries, singularities, and the search."""

from __future__ import annotations

from benchmarks.harness import Row
from tools.tables import in_order, machine, ratio_text, read, rounded, share_text, table

NAMES = {
    "ur5e": "UR5e",
    "puma560": "Puma 560",
    "kr6": "KR 6 R900",
    "panda": "Panda, joint 7 given",
    "iiwa14": "iiwa 14, joint 3 given",
}


def solvers_table() -> str:
    """What fkarm and other libraries return for the same targets, and how fast."""
    report = read("closed_form")
    cells, notes = [], []
    for robot in in_order(report["rows"], "robot"):
        speeds = {row["solver"]: row for row in of("speed", robot) if "median_s" in row}
        ours, *_ = speeds.values()
        for solver, row in speeds.items():
            found = solutions(robot, solver)
            cells.append([NAMES[robot], solver, *speed_cells(row, ours), *solution_cells(found)])
            if found.get("wrong"):
                notes.append(f"{solver} has {found['wrong']:,} wrong solutions of {NAMES[robot]}.")
    header = ["arm", "library", "sets/s", "fkarm is faster by", "1 target", "solutions per set"]
    own = [row for row in of("solutions") if "dtype" in row]
    errors = "; ".join(
        f"{max(row['largest_m'] for row in rows):.0e} m and "
        f"{max(row['largest_rad'] for row in rows):.0e} rad in {dtype}"
        for dtype in ("float32", "float64")
        if (rows := [row for row in own if row["dtype"] == dtype])
    )
    most = max(row["sets"] for row in of("speed") if "sets" in row)
    firsts = of("first")
    recognised, first, compiled = (
        max(row[key] for row in firsts)
        for key in ("recognise_s", "first_target_s", "first_batch_s")
    )
    return "\n".join(
        [
            *table([*header, "marked by fkarm: float64", "float32"], cells),
            "",
            f"Calls with up to {most:,} sets, in turns in one run; fkarm in float32. The largest "
            f"error of {own[0]['sets']:,} sets per arm, as Pinocchio sees it, is {errors}. "
            f"{sum(row['wrong'] for row in own)} marked solutions of fkarm are wrong. "
            + "".join(f"{note} " for note in notes)
            + f"Recognising the form takes at most {recognised * 1e3:.0f} ms, the first target "
            f"{first * 1e3:.0f} ms, and the first large call, which compiles, {compiled:.0f} s. "
            f"{machine(report)}.",
        ]
    )


def speed_cells(row: Row, ours: Row) -> list[str]:
    """Sets per second, how many times more fkarm has, and the time of one target."""
    one = f"{row['one_target_s'] * 1e3:.2g} ms"
    if "sets_per_s" not in row:
        return [f"{rounded(row['targets_per_s'])} targets/s, own values", "", one]
    over = "" if row is ours else ratio_text(ours["sets_per_s"] / row["sets_per_s"])
    return [rounded(row["sets_per_s"]), over, one]


def solution_cells(row: Row) -> list[str]:
    """Solutions per set, and the shares that fkarm marks."""
    count = f"{row['solutions']:.2f}" if "solutions" in row else "-"
    shares = (row.get(f"in_{dtype}") for dtype in ("float64", "float32"))
    return [count, *("" if share is None else share_text(share) for share in shares)]


def solutions(robot: str, solver: str) -> Row:
    """The row of a solver's solutions, of fkarm that of the type that the clock ran for."""
    rows = [row for row in of("solutions", robot) if row["solver"] == solver]
    return next((row for row in rows if row.get("dtype", "float32") == "float32"), {})


def singular_table() -> str:
    """Float32 targets at singularities, and what the search finds of all solutions."""
    report = read("closed_form")
    names = in_order(of("singular"), "set")
    cells = []
    for robot in in_order(report["rows"], "robot"):
        rows = {row["set"]: row for row in of("singular", robot)}
        search = next(iter(of("search", robot)), None)
        cells.append(
            [
                NAMES[robot],
                *(share_text(rows[name]["solved"]) for name in names),
                *(str(sum(row[key] for row in rows.values())) for key in ("not_finite", "wrong")),
                *search_cells(search),
            ]
        )
    header = ["arm", *(f"solved: {name}" for name in names), "not finite", "wrong"]
    counts = max(row["targets"] for row in of("singular"))
    searched = of("search")[0]["targets"]
    return "\n".join(
        [
            *table([*header, "search: solutions", "search: targets with all"], cells),
            "",
            f"{counts:,} targets at each singularity, {searched:,} of the search. Solved: at least "
            f"one branch is marked. {machine(report)}.",
        ]
    )


def search_cells(row: Row | None) -> list[str]:
    """The shares that the search finds; empty with seven joints, whose solutions are curves."""
    if row is None:
        return ["", ""]
    return [share_text(row[key]) for key in ("found", "targets_complete")]


def of(figure: str, robot: str | None = None) -> list[Row]:
    """The rows of a figure."""
    rows = [row for row in read("closed_form")["rows"] if row["figure"] == figure]
    return [row for row in rows if robot in (None, row["robot"])]
