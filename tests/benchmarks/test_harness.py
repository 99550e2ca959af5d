"""Workers, turns and options of the benchmarks."""

import argparse
import json

import numpy as np
import pytest

from benchmarks import harness


def make_sum(task):
    """What a process of its own imports: adds a number to what it is asked."""
    print("a library that prints")
    if task is None:
        raise ValueError("a task must be\n a number")
    return harness.Trial(lambda x: x + task)


@pytest.mark.in_test_all("process")
def test_a_process_answers_like_a_worker_and_its_errors_are_reasons():
    remote = harness.Remote(
        "tests.benchmarks.test_harness:make_sum", {"PYTHONPATH": str(harness.ROOT)}
    )
    for worker in (harness.Worker(make_sum, may_fail=True), remote):
        assert worker.prepare(2.0) >= 0.0
        answer, seconds = worker.answer(np.arange(3.0))
        assert answer.tolist() == [2.0, 3.0, 4.0]
        assert seconds >= 0.0
        with pytest.raises(harness.Unavailable, match="^ValueError: a task must be a number$"):
            worker.prepare(None)
    remote._process.kill()
    with pytest.raises(harness.Unavailable, match="its process ended"):
        remote.prepare(1.0)
    remote.close()
    with pytest.raises(ValueError, match="a number"):
        harness.Worker(make_sum).prepare(None)


@pytest.mark.in_test_all("process")
def test_a_package_that_is_missing_is_a_reason():
    remote = harness.Remote("benchmarks.peers.nobody:fk")
    with pytest.raises(harness.Unavailable, match="^ModuleNotFoundError: No module named"):
        remote.prepare(1.0)
    remote.close()


def test_workers_take_turns_and_one_that_fails_has_no_further_turn():
    order = []

    def turn(name):
        order.append(name)
        if name == "c" and len(order) > 3:
            raise harness.Unavailable("its process ended")
        return [1e-9]

    turns = {name: lambda name=name: turn(name) for name in "abc"}
    times = dict(harness.take_turns(turns, 4, lambda spent: len(spent) >= 3))
    assert order == list("abc" + "abc" + "ab")
    assert times == {"a": [1e-9] * 3, "b": [1e-9] * 3, "c": "its process ended"}


def test_repetitions_go_on_until_the_time_is_spent():
    assert len(harness.repeated(lambda: None)) == 1
    assert len(harness.repeated(lambda: None, fewest=7)) == 7
    assert len(harness.repeated(lambda: None, seconds=10.0, most=20)) == 20


def test_statistics_are_percentiles():
    row = harness.statistics([float(n) for n in range(101)])
    keys = ("p10_s", "median_s", "p90_s", "p95_s", "mean_s", "repeats")
    assert [row[key] for key in keys] == [10.0, 50.0, 90.0, 95.0, 50.0, 101]


def test_a_file_holds_the_run_and_its_rows(tmp_path):
    path = tmp_path / "new" / "rows.json"
    harness.write(path, harness.describe_run("a command"), [{"a": 1.0}, {"a": 2.0}])
    report = json.loads(path.read_text())
    assert report["rows"] == [{"a": 1.0}, {"a": 2.0}]
    assert report["versions"]["numpy"] == np.__version__
    assert {"commit", "command", "date", "processor", "cores", "device"} <= set(report)


def test_options_name_what_exists(capsys):
    parser = argparse.ArgumentParser()
    assert harness.names_of(parser, "robots", "a, b", ("a", "b")) == ["a", "b"]
    assert harness.names_of(parser, "kinds", "a, 1; b", ("a, 1", "b"), ";") == ["a, 1", "b"]
    assert harness.numbers_of(parser, "batch", "1, 20") == [1, 20]
    with pytest.raises(SystemExit):
        harness.names_of(parser, "robots", "a,c", ("a", "b"))
    with pytest.raises(SystemExit):
        harness.numbers_of(parser, "batch", "1,0")
    error = capsys.readouterr().err
    assert "--robots must be of: a, b. Received: 'c'." in error
    assert "--batch must be numbers from 1, comma-separated. Received: 1,0." in error
