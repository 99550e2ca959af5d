"""`python -m tools.readme`: the tables of the documents, from the files that commands wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import ROOT
from tools.tables import (
    backends,
    calibration,
    closed_form,
    collision,
    files,
    fk,
    ik,
    learned,
    library,
    motion,
    presets,
    scale,
    small,
)

# For each document what stands between the marks of each name.
TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {
        "demo": learned.demo_table,
        "ik_line": ik.headline,
        "training": learned.training_sentence,
        "speed_line": lambda: f"{fk.headline()} {scale.headline()}",
    },
    "docs/keras.md": {"contract": library.contract_table, "precision": library.precision_table},
    "docs/backends.md": {"backends": backends.limits_table},
    "docs/calibration.md": {"calibration": calibration.accuracy_table},
    "docs/collision.md": {
        "collision_speed": collision.speed_table,
        "collision_training": collision.training_table,
    },
    "docs/tables.md": {"engines": files.engines_table},
    "docs/motion.md": {"motion": motion.clips_table},
    "docs/ik.md": {
        "clearance": collision.clearance_table,
        "closed_form": closed_form.solvers_table,
        "closed_form_singular": closed_form.singular_table,
        "ik": ik.own_table,
        "ik_peers": ik.peers_table,
        "promises": ik.promises_table,
    },
    "docs/learned-ik.md": {
        "demo": learned.demo_table,
        "training": learned.training_sentence,
        "presets": presets.presets_table,
        "learned_ik": learned.starts_table,
    },
    "docs/performance.md": {
        "first_answers": small.first_answers_table,
        "eager": small.eager_table,
        "scale": scale.scale_table,
        "threshold": small.threshold_sentence,
        "benchmark": fk.headline_table,
        "peers": fk.peers_table,
    },
    "benchmarks/README.md": {"results": fk.results},
}


def main() -> None:
    for document, tables in TABLES.items():
        fill(ROOT / document, {name: table() for name, table in tables.items()})
    presets.write_cards()


def fill(path: Path, blocks: dict[str, str]) -> None:
    """Put tables between their marks.

    Raises:
        SystemExit: If a mark is missing, or is there twice.
    """
    text = path.read_text()
    for name, block in blocks.items():
        marks = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        text, count = marks.subn(lambda match, b=block: f"{match[1]}{b}\n{match[2]}", text)
        if count != 1:
            raise SystemExit(f"{path} must hold one block {name!r}. Received: {count}.")
    path.write_text(text)


if __name__ == "__main__":
    main()
