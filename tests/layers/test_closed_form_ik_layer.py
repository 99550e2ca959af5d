"""The ClosedFormIK layer, and InverseKinematics by closed forms."""

import keras
import numpy as np
import pytest
from autodiff import array, gradient_of, tensor
from keras import ops

import fkarm
from fkarm.layers import ClosedFormIK, InverseKinematics

VALUES = np.linspace(-2.0, 2.0, 5)


@pytest.fixture(scope="module")
def arm():
    return fkarm.robots.ur5e()


def targets_of(robot, count=6, seed=3, dtype="float64"):
    q = fkarm.sample_configurations(robot, count, seed=seed)
    return q, array(fkarm.forward_kinematics(robot, q)).astype(dtype)


def test_the_layer_returns_what_the_closed_form_does(arm):
    _, targets = targets_of(arm)
    found = ClosedFormIK(arm, dtype="float64")(tensor(targets))
    expected = fkarm.ik.closed_form(arm).solve(targets)
    np.testing.assert_array_equal(array(found["q"]), array(expected.q))
    np.testing.assert_array_equal(array(found["is_solution"]), array(expected.is_solution))
    np.testing.assert_array_equal(array(found["within_limits"]), array(expected.within_limits))


def test_values_of_a_free_joint_come_from_the_constructor_or_the_call(panda):
    _, targets = targets_of(panda, 3)
    given = ClosedFormIK(panda, free_value=VALUES, dtype="float64")(tensor(targets))
    called = ClosedFormIK(panda, dtype="float64")(tensor(targets), free_value=tensor(VALUES))
    assert given["q"].shape == (3, 5, 8, panda.dof)
    np.testing.assert_array_equal(array(given["q"]), array(called["q"]))
    by_row = ClosedFormIK(panda, dtype="float64")(
        tensor(targets), free_value=tensor(np.tile(VALUES, (3, 1)))
    )
    np.testing.assert_array_equal(array(given["q"]), array(by_row["q"]))


def test_targets_may_be_in_the_frame_of_another_link():
    robot = fkarm.robots.iiwa14()
    layer = ClosedFormIK(robot, base="iiwa_link_1", dtype="float64")
    assert layer.get_config()["base"] == "iiwa_link_1"
    q = fkarm.sample_configurations(robot, 4, seed=1)
    ends = layer.base, robot.end_effector
    poses = [array(fkarm.forward_kinematics(robot, q, link)) for link in ends]
    found = layer(tensor(np.linalg.inv(poses[0]) @ poses[1]))
    rows = np.flatnonzero(array(found["is_solution"]).any(axis=1))
    assert len(rows) == 4
    same = np.abs(array(found["q"])[..., 1:] - q[:, None, 1:]).max(axis=-1) < 1e-6
    assert same.any(axis=1).all()


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 4, 4), (0, 4, 4)])
def test_any_batch_axes(arm, shape):
    targets = np.broadcast_to(targets_of(arm, 1)[1][0], shape).astype("float32")
    found = ClosedFormIK(arm)(tensor(targets))
    assert found["q"].shape == (*shape[:-2], 8, 6)
    assert array(found["is_solution"]).all()


def test_a_model_of_unknown_batch_has_the_shapes_and_types_of_its_outputs(panda):
    layer = ClosedFormIK(panda, free_value=VALUES)
    found = layer(keras.Input((4, 4)))
    assert found["q"].shape == (None, 5, 8, panda.dof)
    assert keras.backend.standardize_dtype(found["is_solution"].dtype) == "bool"
    again = ClosedFormIK.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    called = ClosedFormIK(panda)(keras.Input((4, 4)), free_value=keras.Input((7,)))
    assert called["q"].shape == (None, 7, 8, panda.dof)


def test_a_mask_and_units_are_carried(arm):
    _, targets = targets_of(arm, 2, dtype="float32")
    found = ClosedFormIK(arm)(keras.layers.Masking(0.0)(tensor(targets)))
    np.testing.assert_allclose(
        array(fkarm.layers.ForwardKinematics(arm)(found["q"]))[:, 0], targets, atol=1e-5
    )


def test_the_gradient_is_that_of_central_differences(arm):
    q, targets = targets_of(arm, 1)
    layer = ClosedFormIK(arm, dtype="float64")

    def total(T):
        return ops.sum(layer(T)["q"] * tensor(np.linspace(0.5, 1.5, 48).reshape(1, 8, 6)))

    slope = array(gradient_of(total)(tensor(targets)))
    step = 1e-6 * np.array([1.0, -2.0, 1.0, 2.0, 1.0, -1.0])
    moved, back = (array(fkarm.forward_kinematics(arm, q + x)) for x in (step, -step))
    expected = array(total(tensor(moved))) - array(total(tensor(back)))
    np.testing.assert_allclose(np.sum(slope * (moved - back)), expected, rtol=1e-4)


def test_bad_arguments_are_refused(arm, panda):
    with pytest.raises(TypeError, match=r"fkarm\.Robot"):
        ClosedFormIK("ur5e")
    with pytest.raises(fkarm.NoClosedFormError):
        ClosedFormIK(fkarm.robots.planar([0.4, 0.3]))
    with pytest.raises(ValueError, match="in the constructor or in the call"):
        ClosedFormIK(panda)(keras.Input((4, 4)))
    with pytest.raises(ValueError, match="no free joint"):
        ClosedFormIK(arm, free_value=[0.0])(tensor(targets_of(arm, 1, dtype="float32")[1]))
    with pytest.raises(ValueError, match="target_poses"):
        ClosedFormIK(arm)(keras.Input((3, 4)))


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("ur5e", "numeric"),
        ("panda", "closed_form"),
        pytest.param("ur5e", "closed_form", marks=pytest.mark.in_test_all("every case")),
        pytest.param("panda", "numeric", marks=pytest.mark.in_test_all("every case")),
    ],
)
def test_inverse_kinematics_solves_by_every_method(name, method):
    robot = getattr(fkarm.robots, name)()
    q, targets = targets_of(robot, 8, dtype="float32")
    layer = InverseKinematics(robot, method=method)
    with fkarm.config.compilation("eager"):
        for given in ({}, {"q_ref": tensor(q.astype("float32") + 0.02)}):
            answer = array(layer(tensor(targets), **given))
            reached = array(fkarm.forward_kinematics(robot, answer.astype("float64")))
            assert np.abs(reached - targets).max() < 1e-3
            assert (answer >= robot.lower_limits - 1e-6).all()
            assert (answer <= robot.upper_limits + 1e-6).all()
    assert InverseKinematics.from_config(layer.get_config()).method == method


def test_inverse_kinematics_searches_for_what_the_closed_form_misses(arm):
    _, targets = targets_of(arm, 3, dtype="float32")
    targets[1, :3, 3] *= 3.0
    with fkarm.config.compilation("eager"):
        far = array(InverseKinematics(arm)(tensor(targets)))
        alone = array(InverseKinematics(arm, method="numeric")(tensor(targets)))
    reached, expected = (
        array(fkarm.forward_kinematics(arm, x.astype("float64")))[1] for x in (far, alone)
    )
    np.testing.assert_allclose(reached, expected, atol=1e-3)


def test_inverse_kinematics_of_a_problem_without_a_closed_form_says_so(arm):
    with pytest.raises(fkarm.NoClosedFormError, match="task='pose'"):
        InverseKinematics(arm, task="position", method="closed_form")
    with pytest.raises(ValueError, match="method must be"):
        InverseKinematics(arm, method="analytic")
