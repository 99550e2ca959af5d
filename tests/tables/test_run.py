"""Chunks, resumed runs, and files that are whole or absent."""

import sys
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

import fkarm
from fkarm.tables import solve_table
from fkarm.tables.solve import SolveJob


@pytest.fixture
def source(poses, tmp_path):
    np.save(tmp_path / "t.npy", poses)
    return tmp_path / "t.npy"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class Stop(Exception):
    """What interrupts a run."""


def stop_after(chunks):
    """A progress function that raises after so many calls."""
    calls = []

    def progress(done, rows):
        calls.append((done, rows))
        if len(calls) == chunks:
            raise Stop

    return progress


@pytest.fixture
def computed(monkeypatch):
    """Rows per chunk that was computed."""
    counts, call = [], SolveJob.__call__

    def counted(job, numbers):
        counts.append(len(numbers))
        return call(job, numbers)

    monkeypatch.setattr(SolveJob, "__call__", counted)
    return counts


def test_answers_do_not_depend_on_how_rows_are_cut(arm, source, tmp_path, monkeypatch):
    calls = []

    def counted(robot, targets, *arguments, **options):
        calls.append(len(targets))
        return fkarm.solve_ik(robot, targets, *arguments, **options)

    monkeypatch.setattr("fkarm.tables.solve.solve_ik", counted)
    options = {"method": "numeric", "starts": 8}
    for rows in (8, 16, 32):
        calls.clear()
        solve_table(arm, source, tmp_path / f"{rows}.npy", chunk_rows=rows, **options)
        assert calls == [0, *[4] * 7, 2]  # equal calls give equal bits
    first, *others = (np.load(tmp_path / f"{rows}.npy") for rows in (8, 16, 32))
    assert all((first == other).all() for other in others)


def test_an_interrupted_run_continues_where_it_was(arm, source, tmp_path, computed):
    whole, out = tmp_path / "whole.npy", tmp_path / "q.npy"
    solve_table(arm, source, whole, chunk_rows=8)
    with pytest.raises(Stop):
        solve_table(arm, source, out, chunk_rows=8, progress=stop_after(2))
    assert not out.exists()
    assert names(tmp_path / "q.npy.parts") == ["00000000.arrow", "00000001.arrow", "about.json"]
    computed.clear()
    seen = []
    summary = solve_table(
        arm, source, out, chunk_rows=8, progress=lambda done, rows: seen.append((done, rows))
    )
    assert computed == [0, 8, 6]  # no rows: a check of the options
    assert seen == [(8, 30), (16, 30), (24, 30), (30, 30)]
    assert (summary.rows, summary.resumed) == (30, 16)
    assert "16 rows from an earlier run" in str(summary)
    assert (np.load(out) == np.load(whole)).all()
    assert names(tmp_path) == ["q.npy", "t.npy", "whole.npy"]


def test_chunks_of_another_run_are_not_mixed_in(arm, source, tmp_path):
    out = tmp_path / "q.npy"
    with pytest.raises(Stop):
        solve_table(arm, source, out, chunk_rows=8, progress=stop_after(1))
    with pytest.raises(fkarm.TableError, match="a run with another chunk_rows, options. Delete"):
        solve_table(arm, source, out, chunk_rows=16, q_ref=np.zeros(6))
    np.save(source, np.load(source)[::-1])
    with pytest.raises(fkarm.TableError, match="a run with another source. Delete"):
        solve_table(arm, source, out, chunk_rows=8)
    summary = solve_table(arm, source, out, chunk_rows=8, overwrite=True)
    assert (summary.rows, summary.resumed) == (30, 0)


def test_what_is_there_stays_unless_it_may_be_overwritten(arm, source, tmp_path):
    out = tmp_path / "q.csv"
    out.write_text("mine")
    with pytest.raises(FileExistsError, match="out must not exist. Received: .*overwrite=True"):
        solve_table(arm, source, out)
    with pytest.raises(Stop):
        solve_table(arm, source, out, overwrite=True, progress=stop_after(1))
    assert out.read_text() == "mine"
    solve_table(arm, source, out, overwrite=True)
    assert len(pd.read_csv(out)) == 30
    (tmp_path / "mine.csv.parts").mkdir()
    (tmp_path / "mine.csv.parts" / "mine.txt").touch()
    with pytest.raises(fkarm.TableError, match="Received: a folder with other files"):
        solve_table(arm, source, tmp_path / "mine.csv", overwrite=True)


@pytest.mark.parametrize("ending", ["csv", "parquet", "npy"])
def test_a_table_without_rows(arm, poses, tmp_path, ending):
    np.save(tmp_path / "t.npy", poses[:0])
    summary = solve_table(arm, tmp_path / "t.npy", tmp_path / f"q.{ending}")
    assert (summary.rows, summary.solved) == (0, 0)
    assert "0 rows, 0 solved" in str(summary)
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet, "npy": np.load}
    found = readers[ending](tmp_path / f"q.{ending}")
    assert len(found) == 0
    columns = found.dtype.names if ending == "npy" else list(found.columns)
    assert columns[6:8] == (("solved", "reason") if ending == "npy" else ["solved", "reason"])
    header = ",".join(["x", "y", "z", "qw", "qx", "qy", "qz"])
    (tmp_path / "empty.csv").write_text(header + "\n")
    assert solve_table(arm, tmp_path / "empty.csv", tmp_path / f"e.{ending}").rows == 0


def test_without_ray_the_message_says_what_to_install(arm, source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match="needs Ray. .*: pip install pyarrow ray"):
        solve_table(arm, source, tmp_path / "q.npy", engine="ray")


class Task:
    """A call of a function, later."""

    def __init__(self, function, inputs):
        self.function, self.inputs = function, inputs


class FakeRay:
    """A cluster of one core that finishes the newest task first, and fails as it is told."""

    class exceptions:
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            pass

    def __init__(self):
        self.error, self.cancelled, self.most = None, [], 0

    def is_initialized(self):
        return True

    def remote(self, num_cpus, runtime_env):
        assert num_cpus == 1
        assert runtime_env["env_vars"]["KERAS_BACKEND"] == keras.backend.backend()
        return lambda function: SimpleNamespace(remote=lambda *inputs: Task(function, inputs))

    def put(self, value):
        return value

    def cluster_resources(self):
        return {"CPU": 1.0}

    def wait(self, tasks, num_returns):
        self.most = max(self.most, len(tasks))
        return [tasks[-1]], tasks[:-1]

    def get(self, task):
        if self.error:
            raise self.error
        return task.function(*task.inputs)

    def cancel(self, task):
        self.cancelled.append(task)


def test_chunks_that_finish_in_another_order(arm, source, tmp_path, monkeypatch):
    ray = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", ray)
    solve_table(arm, source, tmp_path / "a.npy", engine="ray", chunk_rows=8)
    solve_table(arm, source, tmp_path / "b.npy", chunk_rows=8)
    assert (np.load(tmp_path / "a.npy") == np.load(tmp_path / "b.npy")).all()
    assert ray.most == 2
    ray.error = ray.exceptions.RayError("lost")
    with pytest.raises(fkarm.TableError, match="Ray could not compute chunk 1: lost"):
        solve_table(arm, source, tmp_path / "c.npy", engine="ray", chunk_rows=8)
    assert len(ray.cancelled) == 1
    ray.error = ray.exceptions.RayTaskError("in the task")
    with pytest.raises(ray.exceptions.RayTaskError, match="in the task"):
        solve_table(arm, source, tmp_path / "d.npy", engine="ray", chunk_rows=8)
