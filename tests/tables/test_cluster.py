"""A Ray cluster that loses a worker: no row is lost, none is there twice, the answers are equal."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fkarm
from fkarm.tables import jobs, solve_table

pytestmark = pytest.mark.in_test_all("process")
pytest.importorskip("ray")


def test_a_worker_that_is_killed_in_the_middle(arm, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "BLOCK_ROWS", (1000, 8000))  # as in the other processes
    q = fkarm.sample_configurations(arm, 60_000, seed=1)
    q[7] = np.nan
    source = tmp_path / "q.npy"
    np.save(source, q)
    fkarm.tables.forward_table(arm, source, tmp_path / "t.npy")
    script = Path(__file__).with_name("cluster.py")
    files = [str(tmp_path / name) for name in ("t.npy", "ray.npy", "nodes.txt")]
    command = [sys.executable, str(script), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "nodes.txt").read_text() == "3, then 2"
    solve_table(arm, tmp_path / "t.npy", tmp_path / "here.npy")
    ours, theirs = np.load(tmp_path / "here.npy"), np.load(tmp_path / "ray.npy")
    assert len(theirs) == 60_000
    assert theirs.tobytes() == ours.tobytes()
    reached = arm.configuration(theirs[list(arm.joint_names)])
    error = fkarm.forward_kinematics(arm, reached) - fkarm.forward_kinematics(arm, q)
    assert np.nanmax(np.abs(error)) < 1e-9
    assert np.flatnonzero(~theirs["solved"]).tolist() == [7]
