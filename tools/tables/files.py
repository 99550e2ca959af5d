"""Tables from file to file: rows a second of one process and of a cluster."""

from __future__ import annotations

from tools.tables import machine, read, rounded, table


def engines_table() -> str:
    """Rows a second of the whole call, and without what comes before the first answers."""
    report = read("tables")
    cells = [
        [
            "one process" if row["engine"] == "local" else f"Ray, {row['workers']} workers",
            f"{row['rows']:,}",
            f"{row['seconds']:.0f} s",
            rounded(row["rows_per_s"]),
            rounded(row["steady_rows_per_s"]),
        ]
        for row in report["rows"]
    ]
    header = ["computed by", "rows", "whole call", "rows/s", "rows/s after the first tenth"]
    same = all(row.get("same_file", True) for row in report["rows"])
    note = (
        f"{machine(report)}, UR5e, float64. The workers have one core each. The output files "
        f"{'are equal, byte by byte' if same else 'differ'}."
    )
    return "\n".join([*table(header, cells), "", note])
