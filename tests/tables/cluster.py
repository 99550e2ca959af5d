"""Solve a table on a local Ray cluster of two workers, one of which is killed in the middle.

Usage: python cluster.py TARGETS OUT NODES. NODES then says how many were alive before and after.
"""

import os
import sys
import time
import warnings
from pathlib import Path

# Ray's workers give way to all other processes; on a busy machine they would never begin.
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - Ray reads this spelling

import ray
from ray.cluster_utils import Cluster

import fkarm
from fkarm.tables import solve_table

CHUNK_ROWS = 8000


def alive():
    return sum(node["Alive"] for node in ray.nodes())


def after(before):
    """How many are alive once Ray has noticed that one is gone, or after a minute."""
    for _ in range(600):
        if alive() < before:
            break
        time.sleep(0.1)
    return alive()


def main(source, out, nodes):
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    workers = [cluster.add_node(num_cpus=1) for _ in range(2)]
    ray.init(cluster.address, log_to_driver=False)
    before = alive()

    def kill_one(done, rows):
        # Both workers have chunks: the one that is killed loses what it has begun.
        if done == 2 * CHUNK_ROWS:
            cluster.remove_node(workers.pop(), allow_graceful=False)

    arm = fkarm.robots.ur5e()
    solve_table(arm, source, out, chunk_rows=CHUNK_ROWS, engine="ray", progress=kill_one)
    Path(nodes).write_text(f"{before}, then {after(before)}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
