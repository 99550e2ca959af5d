"""What every Keras object can do, and the error of each dtype policy."""

from __future__ import annotations

import json

from benchmarks.harness import ROOT
from tools.tables import read, table


def contract_table() -> str:
    """What each Keras object of fkarm can do, as the tests check it."""
    contract = json.loads((ROOT / "tests" / "contract" / "contract.json").read_text())
    marks = {reason: f"[{place}]" for place, reason in enumerate(contract["reasons"], start=1)}
    columns = contract["properties"]
    cells = [
        [f"`{name}`", *(f"no {marks[exempt[each]]}" if each in exempt else "yes"
                        for each in columns)]
        for name, exempt in contract["objects"].items()
    ]  # fmt: skip
    header, rule, *body = table(["", *columns], cells)
    meanings = [f"*{name}*: {meaning}." for name, meaning in columns.items()]
    reasons = [f"{marks[name]}: {reason}." for name, reason in contract["reasons"].items()]
    return "\n".join(
        [
            header.replace("|  |", "| |", 1),
            rule,
            *body,
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
    report = read("precision")
    kinds = {
        'the whole program\'s, or `quantize("int8")`': report["everywhere_mm"],
        "the layer's own `dtype`": report["layer_mm"],
    }
    cells = [
        [kind, ", ".join(f"`{policy}` {mm:.1g}" for policy, mm in errors.items())]
        for kind, errors in kinds.items()
    ]
    return "\n".join(
        [
            *table(["policy", "largest error, mm"], cells),
            "",
            f"{report['rows']:,} positions of the {report['robot']}'s hand, compared with "
            "Pinocchio in float64, from configurations in float64 (`int8`: those that the network "
            f"returned). Keras {report['keras']}.",
        ]
    )
