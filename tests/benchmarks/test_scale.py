"""The benchmark of long robots measures what it says."""

import numpy as np
import pytest

from benchmarks import scale
from tools.tables import scale as table

pytestmark = pytest.mark.in_test_all("benchmark")


def test_chains_have_the_joints_that_are_asked_for():
    assert scale.chain(5).dof == 5
    assert scale.chain(5) != scale.chain(5, seed=1)


def test_every_row_is_made_once():
    names = [(make.__name__, values) for make, values in scale.all_rows((7, 112))]
    assert len(names) == len(set(names))
    assert ("engine_row", ("chain", 112, "fkarm")) in names
    assert ("engine_row", ("chain", 112, "unrolled")) not in names


def test_rows_come_from_processes_of_their_own():
    row = scale.alone(scale.jacobian_row, 3)
    assert (row["figure"], row["joints"]) == ("jacobian", 3)
    assert row["first_s"] > 0


def test_an_engine_row_has_first_calls_and_times():
    row = scale.engine_row("chain", 3, "fkarm")
    assert row["joints"] == 3
    for key in ("first_s", "forward_ns", "gradient_ns", "first_in_xla_s", "second_robot_s"):
        assert row[key] > 0


def test_the_deviation_from_a_line():
    rows = [{"joints": n, "ns": 10.0 + 2.0 * n} for n in (1, 2, 3, 4)]
    np.testing.assert_allclose(table.deviation(rows, "ns"), 1.0)
    rows[1]["ns"] *= 2
    assert table.deviation(rows, "ns") > 1.3
    bent = [{"joints": n, "ns": n**2.0} for n in (1, 2, 3)]  # its line would start below zero
    np.testing.assert_allclose(table.deviation(bent, "ns"), 9 / (3 * 36 / 14))
