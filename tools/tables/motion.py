"""Whole clips of a humanoid: speed, limits kept, smoothness."""

from __future__ import annotations

from tools.tables import machine, ratio_text, read, rounded, share_text, table


def clips_table() -> str:
    """Frames a second, limits kept, and jerk against a path solved frame by frame."""
    report = read("motion")
    (first,) = (row for row in report["rows"] if row["clip"] == "first call")
    cells = [
        [
            row["clip"],
            f"{row['frames']:,}",
            rounded(row["frames_per_s"]),
            rounded(row["frames"] / row["processor_s"]),
            share_text(row["within_velocity_limits"]),
            f"{row['position_error_mm']:.2g} mm",
            ratio_text(row["jerk_frame_by_frame"] / row["jerk"])
            if "jerk_frame_by_frame" in row
            else "-",
        ]
        for row in report["rows"]
        if row is not first
    ]
    header = [
        "clip",
        "frames",
        "frames/s",
        "frames per processor second",
        "steps within velocity limits",
        "mean error",
        "jerk frame by frame over this",
    ]
    note = (
        f"{machine(report)}. Unitree G1 with a floating base and poses of six "
        f"links. The first call, {first['frames']:,} frames in a new process, took "
        f"{first['median_s']:.1f} s."
    )
    return "\n".join([*table(header, cells), "", note])
