"""Small calls: first answers, eager calls with one row, a control loop, many robots."""

from __future__ import annotations

from benchmarks.harness import Row
from tools.tables import machine, read, table

CALLS = (
    "poses",
    "Jacobian",
    "poses and gradient",
    "layer",
    "solve_ik",
    "solve_ik, q_init 0.02 rad away",
    "poses, 256 rows",
    "poses and gradient, 256 rows",
)


def first_answers_table() -> str:
    """Time to the first answer of `solve_ik` in a new process."""
    rows = of("first answer")
    cells = [
        [row["robot"], f"{row['targets']:,}", f"{row['median_s']:.2f} s", f"{row['solved']:.0%}"]
        for row in rows
    ]
    header = ["robot", "targets", "first answer of `solve_ik`", "solved"]
    return "\n".join([*table(header, cells), "", f"{machine(read('small'))}."])


def eager_table() -> str:
    """Times of eager calls, and what a control loop and many robots cost."""
    times = {(row["robot"], row["call"]): row["median_s"] for row in of("eager call")}
    for robot in ("panda", "g1"):  # what Keras itself spends on any layer
        times[robot, "layer"] -= times[robot, "identity layer"]
    cells = [
        [call, *(text_of(times.get((robot, call))) for robot in ("panda", "g1"))] for call in CALLS
    ]
    (loop,), (many,) = of("control loop"), of("many robots")
    peers = "; ".join(
        f"{row['peer']}: {text_of(row['median_s'])}" for row in of("peer") if "median_s" in row
    )
    return "\n".join(
        [
            *table(["eager call, one row", "panda", "g1, every link"], cells),
            "",
            f"A control loop, `solve_ik` from the answer before: {text_of(loop['median_s'])} per "
            f"call, {loop['ratio']:.1f} times as long for the slowest of 1,000. "
            f"{many['robots']:,} different robots, one pose and one target each: "
            f"{many['s']:.0f} s and {many['mb']:.0f} MB. {peers + '. ' if peers else ''}"
            f"{machine(read('small'))}.",
        ]
    )


def threshold_sentence() -> str:
    """Whether the calls just below the threshold would be faster compiled."""
    halves = []
    for row in of("threshold"):
        what = f"{row['rows']:,} " + {"poses": "poses", "solve_ik": "targets"}[row["call"]]
        halves.append(
            f"{what} of the {row['robot'].title()} take {text_of(row['numpy_s'])} in NumPy and "
            f"{text_of(row['compiled_s'])} compiled, after a first compiled call of "
            f"{row['first_s']:.1f} s"
        )
    return f"Just below the threshold, {'; '.join(halves)}."


def first_answer_sentence() -> str:
    """How long a first target waits."""
    row = next(row for row in of("first answer") if row["targets"] == 1)
    return f"The first answer of `solve_ik` in a new process takes {row['median_s']:.2f} s"


def of(figure: str) -> list[Row]:
    """The rows of a figure."""
    return [row for row in read("small")["rows"] if row["figure"] == figure]


def text_of(seconds: float | None) -> str:
    """A short time."""
    return "" if seconds is None else f"{seconds * 1e3:.2g} ms"
