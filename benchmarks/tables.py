"""A table of targets solved from file to file: by one process, and by a local Ray cluster.

The targets are poses of random configurations of the UR5e. The cluster has two workers of one core
each, so it has the cores of this machine and no more; the process that reads and writes is extra.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import fkarm
from benchmarks.harness import Row, describe_run, write
from fkarm.geometry import matrix_to_pose
from fkarm.tables import POSE_COLUMNS, solve_table

LINK, FORM = "tool0", "xyz_quat_wxyz"
PART = 250_000  # rows that are made at a time


def write_targets(robot: fkarm.Robot, path: Path, rows: int) -> None:
    """A Parquet file of poses."""
    schema = pa.schema([(name, pa.float64()) for name in POSE_COLUMNS[FORM]])
    with pq.ParquetWriter(path, schema) as file:
        for first in range(0, rows, PART):
            q = fkarm.sample_configurations(robot, min(PART, rows - first), seed=first)
            poses = matrix_to_pose(fkarm.forward_kinematics(robot, q, LINK), FORM)
            file.write_table(pa.table(list(np.asarray(poses).T), schema=schema))


@contextmanager
def cluster_of(workers: int) -> Iterator[None]:
    """A cluster on this machine; the process that asks computes nothing itself."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(workers):
        cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False)
    yield
    ray.shutdown()
    cluster.shutdown()


def solve(robot: fkarm.Robot, source: Path, out: Path, engine: str) -> Row:
    """Rows a second of the whole call, and after the first tenth: without imports, compilation."""
    done = []

    def progress(rows: int, _: int) -> None:
        done.append((time.perf_counter(), rows))

    summary = solve_table(robot, source, out, LINK, engine=engine, progress=progress)
    (early, few), (late, all_rows) = done[len(done) // 10], done[-1]
    return {
        "engine": engine,
        "rows": summary.rows,
        "solved": summary.solved,
        "seconds": summary.seconds,
        "rows_per_s": summary.rows / summary.seconds,
        "steady_rows_per_s": (all_rows - few) / (late - early) if all_rows > few else None,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rows, and write them."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2, help="of the cluster; 0: no cluster")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    robot = fkarm.robots.ur5e()
    with tempfile.TemporaryDirectory() as folder:
        source, here, there = (Path(folder, f"{name}.parquet") for name in ("in", "here", "there"))
        write_targets(robot, source, options.rows)
        rows = [solve(robot, source, here, "local")]
        print(rows[0], flush=True)
        if options.workers:
            with cluster_of(options.workers):
                row = solve(robot, source, there, "ray") | {"workers": options.workers}
            rows.append(row | {"same_file": filecmp.cmp(here, there, shallow=False)})
            print(rows[1])
    if options.json:
        command = " ".join(["python -m benchmarks.tables", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
