"""The figures of the promises: targets out of reach and the least error."""

import numpy as np
import pytest

import fkarm
from benchmarks import promises
from benchmarks.robots import Arm

pytest.importorskip("pinocchio")

pytestmark = pytest.mark.in_test_all("benchmark")


def test_the_least_error_of_a_planar_arm_is_the_distance_to_its_circle():
    arm = Arm("planar", fkarm.robots.planar([0.4, 0.3, 0.2]))
    starts = fkarm.sample_configurations(arm.robot, 5, seed=0)
    target = np.eye(4)
    target[:2, 3] = 1.2, 0.9
    assert promises.least_error(arm, "position", starts, target) == pytest.approx(0.6, abs=1e-9)


def test_targets_out_of_reach_are_farther_than_the_reach():
    arm = Arm("planar", fkarm.robots.planar([0.4, 0.3, 0.2]))
    far = np.linalg.norm(promises.far_targets(arm, 10)[:, :3, 3], axis=-1)
    assert ((far > 1.01 * 0.9) & (far < 3.01 * 0.9)).all()


def test_rows_say_how_much_larger_errors_are():
    rows = list(promises.planar_rows(5))
    assert [row["dtype"] for row in rows] == ["float64", "float32"]
    assert rows[0]["excess_max_m"] < 1e-9
    assert all(promises.line(row).startswith("out of reach  planar") for row in rows)
