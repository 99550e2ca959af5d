"""The rate of the Jacobian: Pinocchio, differences in time, the Hessian."""

from importlib.resources import files

import numpy as np
import pytest
from autodiff import COMPILED, MODES, array, check_gradient, in_mode, tensor
from oracles import Pinocchio, central_difference

import fkarm

LARGE = 2 * 1024  # rows: more than what runs in NumPy


@pytest.fixture(params=["three_joints", "every_joint", "ball_and_plane"])
def robot(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("link", ["panda_link5", "panda_hand"])
def test_the_rate_is_pinocchios(panda, link, rng):
    oracle = Pinocchio(files(fkarm.robots) / "panda.urdf")
    for q in fkarm.sample_configurations(panda, 10, seed=3):
        q_rate = rng.normal(size=7)
        values, rates = (dict(zip(panda.joint_names, x, strict=True)) for x in (q, q_rate))
        expected = oracle.jacobian_rate(values, rates, link)[:, :7]
        rate = fkarm.geometric_jacobian_rate(panda, q, q_rate, link)
        np.testing.assert_allclose(rate, expected, atol=1e-12)


def test_the_rate_is_the_derivative_in_time(robot, rng):
    q, q_rate = rng.uniform(-1, 1, size=(2, robot.dof))
    along = central_difference(
        lambda t: array(fkarm.geometric_jacobian(robot, q + t[0] * q_rate)), [0.0]
    )
    rate = fkarm.geometric_jacobian_rate(robot, q, q_rate)
    np.testing.assert_allclose(rate, along[..., 0], atol=1e-8)


@pytest.mark.parametrize(
    "name",
    ["every_joint", pytest.param("ball_and_plane", marks=pytest.mark.in_test_all("every case"))],
)
def test_compiled_code_agrees_with_the_hessian(name, request, rng):
    robot = request.getfixturevalue(name)
    q, q_rate = rng.uniform(-1, 1, size=(2, 3, robot.dof))
    run = in_mode(lambda q: fkarm.geometric_jacobian_rate(robot, q, q_rate), COMPILED)
    expected = np.einsum("nrij,nj->nri", fkarm.kinematic_hessian(robot, q), q_rate)
    np.testing.assert_allclose(array(run(tensor(q))), expected, atol=1e-12)


def test_the_rate_in_another_frame(every_joint, rng):
    q, q_rate = rng.uniform(-1, 1, size=(2, every_joint.dof))
    between = {"link": "tip_2", "base": "tip_1"}
    along = central_difference(
        lambda t: array(fkarm.geometric_jacobian(every_joint, q + t[0] * q_rate, **between)), [0.0]
    )
    rate = fkarm.geometric_jacobian_rate(every_joint, q, q_rate, **between)
    np.testing.assert_allclose(rate, along[..., 0], atol=1e-8)


@pytest.mark.parametrize("shape", [(), (0,), (2, 1, 3)])
def test_batches_and_types(three_joints, shape, rng):
    q, q_rate = rng.uniform(-1, 1, size=(2, *shape, 2))
    single = fkarm.geometric_jacobian_rate(three_joints, tensor(q, "float32"), q_rate)
    assert single.dtype == tensor(q, "float32").dtype
    double = fkarm.geometric_jacobian_rate(three_joints, q, q_rate)
    assert tuple(double.shape) == (*shape, 6, 2)
    np.testing.assert_allclose(array(single), array(double), atol=1e-6)


def test_many_rows_are_compiled(three_joints, rng):
    q, q_rate = rng.uniform(-1, 1, size=(2, LARGE, 2)).astype("float32")
    rate = array(fkarm.geometric_jacobian_rate(three_joints, q, q_rate))
    few = fkarm.geometric_jacobian_rate(three_joints, q[:5].astype(float), q_rate[:5])
    np.testing.assert_allclose(rate[:5], few, atol=1e-5)
    nothing = fkarm.geometric_jacobian_rate(three_joints, q[:1], q_rate[:1], "base")
    assert not array(nothing).any()


def test_xla_agrees_with_numpy(three_joints, rng):
    q, q_rate = rng.uniform(-1, 1, size=(2, 3, 2))
    run = in_mode(lambda q: fkarm.geometric_jacobian_rate(three_joints, q, q_rate), MODES[-1])
    expected = fkarm.geometric_jacobian_rate(three_joints, q, q_rate)
    np.testing.assert_allclose(array(run(tensor(q))), expected, atol=1e-12)


@pytest.mark.parametrize(
    "name",
    ["three_joints", pytest.param("ball_and_plane", marks=pytest.mark.in_test_all("every case"))],
)
def test_its_gradients_match_central_differences(name, rng, request):
    robot = request.getfixturevalue(name)
    q, q_rate = rng.uniform(-1, 1, size=(2, robot.dof))
    check_gradient(lambda x: fkarm.geometric_jacobian_rate(robot, x, q_rate), q)
    check_gradient(lambda x: fkarm.geometric_jacobian_rate(robot, q, x), q_rate)


def test_rates_of_another_shape_are_refused(panda):
    with pytest.raises(ValueError, match="q and q_rate must have one shape"):
        fkarm.geometric_jacobian_rate(panda, np.zeros((2, 7)), np.zeros(7))
