"""What a run was, and its rows: printed and written."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import fkarm

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "tensorflow", "keras", "numpy", "jax", "torch", "pin",
    "pytorch_kinematics", "almond-pyroki", "frax", "example-robot-data",
    "roboticstoolbox-python", "pytracik", "pin-pink", "mink", "mujoco",
)  # fmt: skip

Row = dict[str, Any]


def describe_run(command: str, backend: str, device: str, device_name: str) -> dict[str, Any]:
    """Everything but the rows."""
    return {
        "command": command,
        "date": date.today().isoformat(),
        "commit": _commit(),
        "fkarm": fkarm.__version__,
        "backend": backend,
        "device": device,
        "device_name": device_name,
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def print_header(header: dict[str, Any]) -> None:
    print(
        f"fkarm {header['fkarm']} ({header['commit']}), {header['backend']} on "
        f"{header['device_name']}, {header['processor']}, {header['cores']} cores"
    )
    print(
        f"{'':28}{'robot':8}{'dtype':9}{'mode':18}{'batch':>8}{'ns/conf.':>15}{'spread':>8}"
        f"{'compile':>9}{'peak MB':>9}{'error':>9}",
        flush=True,
    )


def print_row(row: Row) -> None:
    place = f"{row['case']:28}{row['robot']:8}{row['dtype']:9}{row['mode']:18}{row['batch']:8}"
    if "unavailable" in row:
        print(f"{place}  {row['unavailable']}", flush=True)
        return
    peak = row["peak_extra_bytes"]
    spread = (row["p90_s"] - row["p10_s"]) / row["median_s"]
    print(
        f"{place}{1e9 / row['configurations_per_s']:15,.1f}{spread:8.0%}{row['compile_s']:8.1f}s"
        f"{'-' if peak is None else f'{peak / 1e6:.1f}':>9}"
        f"{max(row['errors'].values(), default=float('nan')):9.0e}",
        flush=True,
    )


def write(path: Path, header: dict[str, Any], rows: list[Row]) -> None:
    """A JSON file: the header's entries, and `rows`, one a line."""
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    head = json.dumps(header, indent=1).removesuffix("\n}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head},\n "rows": [\n{lines}\n ]\n}}\n')


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str | None:
    """Short hash; with `+` if the tree holds changes; None outside a repository."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return name + "+" * bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
