"""Eager calls with few rows are computed in NumPy; the answers are those of compiled code."""

import threading

import numpy as np
import pytest
from autodiff import array, gradient_of, tensor
from oracles import Pinocchio

import fkarm
from fkarm.kinematics import in_numpy
from fkarm.kinematics.tree import tree_of

ROBOTS = ["three_joints", "ball_and_plane", "every_joint", "free_robot"]
SHAPES = [(3,), (), (2, 0), (3, 1, 2)]
# What `make test` compiles for joints of several entries, besides those of `every_joint`.
BALL = ("poses", "geometric Jacobian", "velocity")
EVERY_CASE = pytest.mark.in_test_all("every case")


@pytest.fixture(params=ROBOTS)
def robot(request):
    return request.getfixturevalue(request.param)


def sample(robot, shape=(3,), dtype="float64"):
    return np.random.default_rng(5).uniform(-1, 1, (*shape, robot.dof)).astype(dtype)


def in_a_base(robot, q):
    """Poses in a link that joints move, in the middle of the tree."""
    base = robot.link_names[len(robot.link_names) // 2]
    return fkarm.forward_kinematics(robot, q, robot.link_names, base)


ARRAYS = {
    "poses": lambda robot, q: fkarm.forward_kinematics(robot, q, robot.link_names),
    "poses in a base": in_a_base,
    "pose": fkarm.forward_kinematics,
    "geometric Jacobian": fkarm.geometric_jacobian,
    "body Jacobian": fkarm.body_jacobian,
    "Hessian": fkarm.kinematic_hessian,
    "manipulability": lambda robot, q: fkarm.manipulability(robot, q, task=("x",)),
    "velocity": lambda robot, q: fkarm.link_velocity(robot, q, 0.5 * q),
}
every_array = pytest.mark.parametrize("function", ARRAYS.values(), ids=ARRAYS)


def compiled(*shapes):
    """Cases of tests that compile: one robot has the joints of most, and tracing takes seconds."""
    for name, function in ARRAYS.items():
        for robot in ROBOTS:
            is_quick = robot == "every_joint" or (robot == "ball_and_plane" and name in BALL)
            for shape in shapes:
                yield pytest.param(
                    function,
                    robot,
                    shape,
                    marks=() if is_quick and shape == SHAPES[0] else EVERY_CASE,
                    id=f"{robot}-{shape}-{name}",
                )


@pytest.mark.parametrize(
    ("function", "robot", "shape"), list(compiled(*SHAPES)), indirect=["robot"]
)
def test_numpy_gives_what_compiled_code_gives(function, shape, robot):
    q = tensor(sample(robot, shape))
    found = function(robot, q)
    with fkarm.config.compilation("graph"):
        expected = function(robot, q)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(array(found), array(expected), atol=1e-13)


@every_array
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_batch_is_as_its_rows(function, shape, robot):
    q = sample(robot, shape)
    found = array(function(robot, tensor(q)))
    assert found.shape[: len(shape)] == shape
    for index in np.ndindex(*shape):
        np.testing.assert_allclose(
            found[index], array(function(robot, tensor(q[index]))), atol=1e-14
        )


@pytest.mark.parametrize(
    ("function", "robot", "shape"), list(compiled(SHAPES[0])), indirect=["robot"]
)
def test_gradients_in_numpy_are_those_of_compiled_code(function, robot, shape):
    q = tensor(sample(robot, shape))

    def slope(q):
        return gradient_of(lambda q: function(robot, q) ** 2)(q)

    found = array(slope(q))
    with fkarm.config.compilation("graph"):
        expected = array(slope(q))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@every_array
def test_float32_is_rounded_once(function, robot):
    q = sample(robot, dtype="float32")
    exact = array(function(robot, tensor(q.astype("float64"))))
    found = array(function(robot, tensor(q)))
    np.testing.assert_allclose(found, exact.astype("float32"), rtol=1e-7)


@every_array
def test_nan_and_infinity_stay_in_their_row(function, robot):
    q = sample(robot)
    good = array(function(robot, tensor(q)))
    q[1, 0], q[2, -1] = np.nan, np.inf
    np.testing.assert_array_equal(array(function(robot, tensor(q)))[0], good[0])


def test_the_panda_is_that_of_pinocchio(panda):
    judge = Pinocchio(text=panda.to_urdf())
    q = sample(panda, (5,))
    tree = tree_of(panda, ("panda_hand",), panda.root_link)
    at = in_numpy.posture(tree, q)
    for row, values in enumerate(q):
        by_name = dict(zip(panda.joint_names, values, strict=True))
        pose = judge.poses(by_name, ["panda_hand"])[0]
        np.testing.assert_allclose(at.links[0, row], pose, atol=1e-14)


def test_threads_may_call_while_another_forgets(three_joints):
    q = sample(three_joints)
    expected = array(fkarm.forward_kinematics(three_joints, q))
    wrong = []

    def call():
        for _ in range(50):
            found = array(fkarm.forward_kinematics(three_joints, q))
            if not np.array_equal(found, expected):
                wrong.append(found)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        fkarm.config.clear()
    for thread in threads:
        thread.join()
    assert not wrong
