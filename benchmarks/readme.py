"""`python -m benchmarks.readme`: the README's tables, from the files that the commands wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def demo_table() -> str:
    """What `make demo` printed, as a table."""
    report = json.loads((RESULTS / "ik_panda.json").read_text())
    lines = [
        "| the same network, the same time | median | p90 | within 1 cm and 5 deg |",
        "|---|---|---|---|",
    ]
    for name, row in report["models"].items():
        lines.append(
            f"| {name} | {row['median_mm']:.1f} mm, {row['median_deg']:.1f} deg "
            f"| {row['p90_mm']:.1f} mm, {row['p90_deg']:.1f} deg | {row['share_within']:.1%} |"
        )
    lines += [
        "",
        f"{report['targets']} held-out targets, {report['seconds_per_training']:.0f} s of training "
        f"each on {report['cores']} CPU cores, TensorFlow {report['tensorflow']}; forward "
        f"kinematics, forward and gradient, takes {report['fk_share_of_training_step']:.0%} of a "
        "training step.",
    ]
    return "\n".join(lines)


def benchmark_table() -> str:
    """Throughput relative to the forum's `map_fn`, where both ran on one batch size."""
    report = json.loads((RESULTS / "forward_cpu.json").read_text())
    rows = report["rows"]
    cases = list(dict.fromkeys(row["case"] for row in rows))
    batch = max(row["batch"] for row in rows if row["case"] == cases[0])
    lines = [f"| batch {batch} | forward | forward and gradient | error |", "|---|---|---|---|"]
    chosen = {(r["case"], r["mode"]): r for r in rows if r["batch"] == batch}
    for case in cases:
        cells = []
        for mode in ("forward", "forward+gradient"):
            ratio = (
                chosen[case, mode]["configurations_per_s"]
                / chosen[cases[0], mode]["configurations_per_s"]
            )
            cells.append(f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2g}x")
        error = chosen[case, "forward"]["error_m"]
        lines.append(f"| {case} | {cells[0]} | {cells[1]} | {error:.0e} m |")
    lines += [
        "",
        f"Configurations a second over the first row's, {report['robot']}, float32, "
        f"{report['cores']} CPU cores, TensorFlow {report['versions']['tensorflow']}; error "
        "against float64.",
    ]
    return "\n".join(lines)


def main() -> None:
    path = ROOT / "README.md"
    text = path.read_text()
    for name, table in (("demo", demo_table()), ("benchmark", benchmark_table())):
        block = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        text, count = block.subn(lambda found, t=table: f"{found[1]}{t}\n{found[2]}", text)
        if count != 1:
            raise SystemExit(f"README.md must hold one block {name!r}. Received: {count}.")
    path.write_text(text)


if __name__ == "__main__":
    main()
