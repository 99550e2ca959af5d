"""The packaged presets: their cards, and the table of their errors."""

from __future__ import annotations

from benchmarks.harness import Row
from fkarm.learning import IKRegressor
from fkarm.learning.presets import FOLDER
from tools.tables import share_text, table


def presets_table() -> str:
    """The errors of every packaged preset on uniform targets."""
    cells = []
    for name, card in IKRegressor.presets.items():
        uniform = [row for row in card["rows"] if row["set"] == "uniform"]
        alone, three, solved = (row_of(uniform, *key) for key in ((0, 0), (3, 0), (3, 1)))
        cells.append(
            [
                f"`{name}`",
                f"`{card['link']}`",
                f"{alone['median_mm']:.1f} mm, {alone['median_deg']:.1f} deg",
                share_text(three["success"]),
                share_text(solved["success"]),
                f"{card['weights_kb']} kB",
            ]
        )
    header = ["preset", "link", "alone, median", "solved after 3 steps", "solver too", "weights"]
    return "\n".join(table(header, cells))


def row_of(rows: list[Row], steps: int, solver: int) -> Row:
    """The row of a number of steps, with or without the solver."""
    return next(row for row in rows if row["steps"] == steps and row["solver"] == bool(solver))


def write_cards() -> None:
    """Write the card of every packaged preset as a page."""
    for name, card in IKRegressor.presets.items():
        (FOLDER / name / "card.md").write_text(card_page(name, card))


def card_page(name: str, card: Row) -> str:
    """A card as a page."""
    training, versions = card["training"], card["versions"]
    batches = training["epochs"] * training["steps_per_epoch"]
    minutes = training["cpu_minutes"]
    cells = [
        [
            f"{row['targets']:,} {row['set']}",
            f"{row['steps']} + solver" if row["solver"] else str(row["steps"]),
            f"{row['median_mm']:.3g} mm, {row['median_deg']:.3g} deg",
            f"{row['p95_mm']:.3g} mm, {row['p95_deg']:.3g} deg",
            share_text(row["success"]),
        ]
        for row in card["rows"]
    ]
    return "\n".join(
        [
            f"# {name}",
            "",
            f'`{card["model"]}.from_preset("{name}")` proposes four configurations for a pose of '
            f"`{card['link']}` of `fkarm.robots.{card['robot']}()`.",
            "",
            "## Data",
            "",
            f"- {batches * training['batch_size']:,} poses: {batches:,} batches of "
            f"{training['batch_size']:,}, all different. They are the poses of configurations that "
            "are uniform within the joint limits, and within one turn for endless joints.",
            f"- Adam, learning rate {training['learning_rate']:g} falling to zero along half a "
            f"cosine, seed {training['seed']}"
            + (f", {minutes:.0f} minutes of processor time." if minutes else "."),
            f"- `{card['command']}` at commit {card['commit']}: fkarm {card['fkarm']}, TensorFlow "
            f"{versions['tensorflow']}, Keras {versions['keras']}, on {card['processor']}.",
            "",
            "## Accuracy",
            "",
            "Of the packaged file, on targets that the training did not draw "
            "(`fkarm.learning.evaluate_ik`):",
            "",
            *table(["targets", "steps", "median", "95 %", "solved"], cells),
            "",
            "*Steps*: of refinement, by `predict_ik`. *Solved*: within 1 mm, 0.01 rad and the "
            f"joint limits. {card['parameters']:,} parameters, rounded to float16: "
            f"{card['weights_kb']} kB.",
            "",
            "## Limits",
            "",
            "- The answers without refinement are starts, not solutions. Use `predict_ik`.",
            "- It is for this arm, this link and these joint limits alone. Convert poses of a tool "
            "to poses of the link.",
            "- It was not trained on poses out of reach, and knows neither collisions nor the "
            "configuration that the arm is in.",
            "- Near joint limits and singularities it is less accurate: see the table.",
            "",
        ]
    )
