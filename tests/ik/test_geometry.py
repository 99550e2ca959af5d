"""Targets of robots whose geometry is not the one that they are described with."""

import numpy as np
import pytest
from autodiff import array

import fkarm

ARM = fkarm.robots.planar([0.4, 0.3, 0.2])


def of_lengths(rows):
    factors = np.random.default_rng(0).uniform(0.7, 1.3, (rows, len(ARM.joints)))
    return fkarm.kinematics.scale_bones(fkarm.kinematics.geometry_of(ARM), factors)


@pytest.mark.parametrize(
    "mode", ["eager", pytest.param("auto", marks=pytest.mark.in_test_all("every case"))]
)
def test_every_row_may_have_an_arm_of_its_own(mode):
    geometry, q = of_lengths(8), np.random.default_rng(1).uniform(-1, 1, (8, 3))
    T = array(fkarm.forward_kinematics(ARM, q, geometry=geometry))
    with fkarm.config.compilation(mode):
        result = fkarm.solve_ik(ARM, T, task=["x", "y", "rz"], geometry=geometry)
    assert result.converged.all()
    reached = array(fkarm.forward_kinematics(ARM, result.q, geometry=geometry))
    np.testing.assert_allclose(reached, T, atol=1e-3)
    assert result.position_error.max() < 1e-4
    # The arm itself does not reach these poses with these joint values.
    own = array(fkarm.forward_kinematics(ARM, result.q))
    assert np.abs(own - T).max() > 0.05


def test_all_rows_may_share_a_geometry():
    tool = np.eye(4)[:3]
    tool[0, 3] = 0.1
    q = np.random.default_rng(1).uniform(-1, 1, (2, 2, 3))
    T = array(fkarm.forward_kinematics(ARM, q, geometry={"tool": tool}))
    result = fkarm.solve_ik(ARM, T, q_init=q, geometry={"tool": tool})
    assert result.converged.all()
    np.testing.assert_allclose(result.q, q, atol=1e-6)


def test_one_target_and_none_have_a_geometry():
    geometry, q = of_lengths(1), [[0.3, -0.4, 0.5]]
    T = array(fkarm.forward_kinematics(ARM, q, geometry=geometry))
    one = fkarm.solve_ik(ARM, T[0], geometry={"origins": array(geometry["origins"])[0]})
    assert one.q.shape == (3,)
    assert one.converged
    none = fkarm.solve_ik(ARM, T[:0], geometry=of_lengths(0))
    assert none.q.shape == (0, 3)


def test_a_geometry_without_values_spoils_its_own_target():
    geometry, q = of_lengths(3), np.random.default_rng(1).uniform(-1, 1, (3, 3))
    T = array(fkarm.forward_kinematics(ARM, q, geometry=geometry)).astype("float32")
    origins = np.array(array(geometry["origins"]))
    origins[1, 0, 0, 3] = np.nan
    asked = {"q_init": q, "q_ref": q, "joint_mask": [True, True, False], "task": "position"}
    result = fkarm.solve_ik(ARM, T, geometry={"origins": origins}, **asked)
    assert result.converged.tolist() == [True, False, True]
    assert result.reason.tolist() == ["SOLVED", "NAN", "SOLVED"]
    assert np.isnan(result.position_error).tolist() == [False, True, False]
    np.testing.assert_allclose(result.q[[0, 2]], q[[0, 2]], atol=1e-3)


def test_a_geometry_must_fit_the_targets():
    with pytest.raises(ValueError, match=r"those of the targets: \(2,\)\. Received: \(3,\)"):
        fkarm.solve_ik(ARM, np.tile(np.eye(4), (2, 1, 1)), geometry=of_lengths(3))
    with pytest.raises(ValueError, match="geometry"):
        fkarm.solve_ik(ARM, np.eye(4), geometry={"lengths": np.ones(3)})
