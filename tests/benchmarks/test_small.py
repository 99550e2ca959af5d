"""The benchmark of small calls measures what it says."""

import numpy as np
import pytest

from benchmarks import small, small_cases

pytestmark = pytest.mark.in_test_all("benchmark")


def test_targets_are_poses_of_the_links_that_are_solved_for():
    (link, targets), *others = small.targets_of("panda", 3).items()
    assert (link, others) == ("panda_hand", [])
    trial = small.solver("panda")
    assert trial.read(trial.run({link: targets})).all()


def test_calls_return_what_they_are_named_after():
    calls = small_cases.calls("panda")
    assert calls["poses"]().shape == (1, 4, 4)
    assert calls["poses and gradient, 256 rows"]().shape == (256, 7)
    assert calls["Jacobian"]().shape == (1, 6, 7)
    assert calls["solve_ik"]().converged
    assert calls["solve_ik, q_init 0.02 rad away"]().start_index == 0


def test_the_threshold_is_measured_on_both_of_its_sides(monkeypatch):
    monkeypatch.setattr(small_cases, "FEW", 5)
    poses, searches = small_cases.threshold_rows()
    assert (poses["call"], searches["call"]) == ("poses", "solve_ik")
    for row in (poses, searches):
        assert row["rows"] == 5
        assert row["first_s"] > row["compiled_s"] > 0
        assert row["numpy_s"] > 0


def test_memory_is_that_of_this_process():
    before = small_cases.resident()
    block = np.ones(20_000_000)
    assert small_cases.resident() - before > 100
    assert block.all()
