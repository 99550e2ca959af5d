"""`python -m benchmarks`: forward kinematics per second, with and without `map_fn`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

import fkarm
from benchmarks.cases import CASES, LARGEST_BATCH
from benchmarks.harness import measure


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--batch", default="1,100,1000,10000,100000", help="batch sizes")
    parser.add_argument("--cases", help=f"comma-separated, of: {', '.join(CASES)}")
    robots = [name for name in fkarm.robots.__all__ if name != "planar"]
    parser.add_argument("--robot", default="panda", choices=robots)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--xla", action="store_true", help="compile every case with XLA")
    parser.add_argument("--seconds", type=float, default=1.0, help="time for each row")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)

    names = options.cases.split(",") if options.cases else list(CASES)
    unknown = [name for name in names if name not in CASES]
    if unknown:
        parser.error(f"--cases must be of: {', '.join(CASES)}. Received: {unknown[0]!r}.")
    gpus = tf.config.list_physical_devices("GPU")
    if options.device == "gpu" and not gpus:
        parser.error("--device gpu: TensorFlow sees no GPU here. Use cpu or auto.")
    device = "/GPU:0" if gpus and options.device != "cpu" else "/CPU:0"
    robot = getattr(fkarm.robots, options.robot)()

    rows = []
    print(f"{options.robot}, {options.dtype}, {device}, xla {options.xla}")
    print(f"{'':26}{'mode':18}{'batch':>8}{'ns/conf.':>12}{'spread':>9}{'error':>10}")
    for batch in (int(word) for word in options.batch.split(",")):
        for name in names:
            if batch > LARGEST_BATCH.get(name, batch):
                continue
            for mode in ("forward", "forward+gradient"):
                with tf.device(device):
                    row = measure(
                        name, mode, robot, batch, options.dtype, options.xla, options.seconds
                    )
                rows.append(row)
                each = 1e9 / row["configurations_per_s"]
                spread = (row["p90_s"] - row["p10_s"]) / row["median_s"]
                print(f"{name:26}{mode:18}{batch:8}{each:12.0f}{spread:9.0%}{row['error_m']:10.1e}")
    if options.json:
        report = {
            "command": "python -m benchmarks " + " ".join(arguments or sys.argv[1:]),
            "date": date.today().isoformat(),
            "robot": options.robot,
            "device": device,
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
            "fkarm": fkarm.__version__,
            "rows": rows,
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
