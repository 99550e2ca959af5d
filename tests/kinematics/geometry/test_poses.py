"""Poses for a geometry: exact, differentiable in it, another one in every row, in every mode."""

import numpy as np
import pytest
from autodiff import MODES, array, check_gradient, gradient_of, in_mode, tensor
from joint_types import EVERY_CASE, ROBOTS, WEIGHTS, sample
from keras import ops
from oracles import Pinocchio, central_difference

import fkarm
from fkarm.geometry.native import matmul
from fkarm.kinematics import geometry_of


@pytest.fixture(params=ROBOTS)
def robot(request):
    return request.getfixturevalue(request.param)


def moved(joint, seed):
    """The same joint somewhere else."""
    rng = np.random.default_rng(seed)
    return fkarm.Joint(
        joint.name,
        joint.type,
        joint.axis,
        xyz=rng.normal(0, 0.3, 3),
        rpy=rng.normal(size=3),
        lower=joint.lower,
        upper=joint.upper,
        parent=joint.parent,
        child=joint.child,
        mimic=joint.mimic and fkarm.Mimic(joint.mimic.joint, *rng.normal(size=2)),
    )


def another(robot, seed):
    """A robot of the same topology, and other geometry."""
    joints = [moved(joint, 100 * seed + k) for k, joint in enumerate(robot.joints)]
    return fkarm.Robot(joints, name=f"{robot.name}_{seed}", end_effector=robot.end_effector)


@pytest.mark.parametrize("base", ["root", "a link"])
def test_the_geometry_of_another_robot_gives_its_poses(base, robot):
    base = None if base == "root" else robot.link_names[-1]
    other, q, links = another(robot, 1), sample(robot), robot.link_names
    found = fkarm.forward_kinematics(robot, tensor(q), links, base, geometry_of(other))
    expected = fkarm.forward_kinematics(other, tensor(q), links, base)
    np.testing.assert_allclose(array(found), array(expected), atol=1e-13)


def test_the_pose_is_that_of_pinocchio(panda):
    other, q = another(panda, 1), sample(panda)
    judge = Pinocchio(text=other.to_urdf())
    found = array(fkarm.forward_kinematics(panda, tensor(q), geometry=geometry_of(other)))
    for row, values in enumerate(q):
        by_name = dict(zip(panda.joint_names, values, strict=True))
        expected = judge.poses(by_name, [panda.end_effector])[0]
        np.testing.assert_allclose(found[row], expected, atol=1e-13)


@pytest.mark.parametrize(
    "shape", [(4,), *(pytest.param(s, marks=EVERY_CASE) for s in ((2, 0), (3, 1, 2)))], ids=str
)
def test_every_row_may_have_its_own_geometry(shape, robot):
    q, links = sample(robot, shape), robot.link_names
    others = [another(robot, seed) for seed in range(int(np.prod(shape)))]
    geometry = {
        name: np.array([geometry_of(other)[name] for other in others]).reshape((*shape, *x.shape))
        for name, x in geometry_of(robot).items()
    }
    found = array(fkarm.forward_kinematics(robot, tensor(q), links, geometry=geometry))
    assert found.shape == (*shape, len(links), 4, 4)
    for other, index in zip(others, np.ndindex(*shape), strict=True):
        expected = array(fkarm.forward_kinematics(other, tensor(q[index]), links))
        np.testing.assert_allclose(found[index], expected, atol=1e-13)


@pytest.mark.parametrize("jacobian", [fkarm.geometric_jacobian, fkarm.body_jacobian])
def test_jacobians_are_those_of_the_other_robot(jacobian, robot):
    q, link = sample(robot), robot.link_names[-1]
    others = [another(robot, seed) for seed in range(3)]
    geometry = {
        name: np.array([geometry_of(other)[name] for other in others])
        for name in geometry_of(robot)
    }
    found = array(jacobian(robot, tensor(q), link, geometry=geometry))
    for other, values, columns in zip(others, q, found, strict=True):
        np.testing.assert_allclose(
            columns, array(jacobian(other, tensor(values), link)), atol=1e-13
        )


def test_the_gradient_of_a_jacobian_is_exact(ball_and_plane):
    q, own = tensor(sample(ball_and_plane, (2,))), geometry_of(ball_and_plane)["origins"]
    weights = tensor(np.sin(np.arange(6.0 * ball_and_plane.dof)).reshape(6, -1))
    values = np.random.default_rng(1).normal(0, 0.2, (*own.shape[:-2], 6))

    def total(values):
        geometry = {"origins": with_frames(own, values)}
        return ops.sum(fkarm.body_jacobian(ball_and_plane, q, geometry=geometry) * weights)

    slope = array(gradient_of(total)(tensor(values)))
    expected = central_difference(
        lambda v: array(total(tensor(v.reshape(values.shape)))), values.ravel()
    )
    np.testing.assert_allclose(slope.ravel(), expected, atol=1e-7)


def test_a_tool_is_behind_every_link(every_joint):
    q = tensor(sample(every_joint))
    tool = np.eye(4)
    tool[:3, :3] = array(fkarm.geometry.rpy_to_matrix(tensor([0.1, 0.2, 0.3], "float64")))
    tool[:3, 3] = 0.1, -0.2, 0.3
    links = every_joint.link_names
    found = fkarm.forward_kinematics(every_joint, q, links, geometry={"tool": tool[:3]})
    expected = array(fkarm.forward_kinematics(every_joint, q, links)) @ tool
    np.testing.assert_allclose(array(found), expected, atol=1e-14)


def weighted_poses(robot, q, geometry, base=None):
    poses = fkarm.forward_kinematics(robot, q, base=base, geometry=geometry)
    return poses * tensor(WEIGHTS, q.dtype)


def with_frames(frames, change):
    """Frames `(..., 3, 4)` moved by `change (..., 6)`: a rotation vector and a position."""
    rotation, position = tensor(frames[..., :3]), tensor(frames[..., 3:])
    turned = matmul(rotation, fkarm.geometry.so3_exp(change[..., :3]))
    return ops.concatenate([turned, position + change[..., 3:, None]], axis=-1)


@pytest.mark.parametrize("name", ["origins", "offsets", "multipliers", "tool"])
@pytest.mark.parametrize(
    "batch", [(), pytest.param((2,), marks=EVERY_CASE)], ids=["shared", "by row"]
)
def test_gradients_are_central_differences(name, batch, every_joint):
    q, own = tensor(sample(every_joint, (2,))), geometry_of(every_joint)[name]
    own = np.broadcast_to(own, (*batch, *own.shape))
    is_frame = name in ("origins", "tool")
    values = np.zeros((*own.shape[:-2], 6)) if is_frame else own
    values = values + np.random.default_rng(1).normal(0, 0.2, values.shape)

    def total(values):
        changed = with_frames(own, values) if is_frame else values
        return ops.sum(weighted_poses(every_joint, q, {name: changed}))

    slope = array(gradient_of(total)(tensor(values)))
    expected = central_difference(
        lambda v: array(total(tensor(v.reshape(values.shape)))), values.ravel()
    )
    np.testing.assert_allclose(slope.ravel(), expected, atol=1e-7)


@pytest.mark.parametrize("name", ["origins", "offsets"])
def test_gradients_of_joints_that_are_passed_backwards(name, every_joint):
    q, own = tensor(sample(every_joint, (2,))), geometry_of(every_joint)[name]
    values = np.random.default_rng(1).normal(0, 0.2, (len(own), 6) if name == "origins" else 6)

    def total(values):
        changed = with_frames(own, values) if name == "origins" else values
        return ops.sum(weighted_poses(every_joint, q, {name: changed}, base="tip_2"))

    slope = array(gradient_of(total)(tensor(values)))
    expected = central_difference(
        lambda v: array(total(tensor(v.reshape(values.shape)))), values.ravel()
    )
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(slope.ravel(), expected, atol=1e-7)


def test_the_gradient_of_the_gradient_is_exact():
    arm = fkarm.robots.planar([1.0])
    q, offsets = tensor(sample(arm)), geometry_of(arm)["offsets"]

    def slope(offsets):
        return gradient_of(lambda x: weighted_poses(arm, q, {"offsets": x}))(offsets)

    check_gradient(slope, offsets)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_and_an_unknown_batch(mode, free_robot):
    q = sample(free_robot, (5,))
    origins = np.stack([geometry_of(another(free_robot, seed))["origins"] for seed in range(5)])

    def both(q):
        geometry = {"origins": tensor(origins, q.dtype)}

        def poses(q):
            return fkarm.forward_kinematics(free_robot, q, free_robot.link_names, None, geometry)

        return poses(q), gradient_of(lambda q: poses(q) * tensor(WEIGHTS, q.dtype))(q)

    run = in_mode(both, mode, None if mode == "xla" else (None, free_robot.dof), "float64")
    found = [array(x) for x in run(tensor(q))]
    with fkarm.config.compilation("eager"):
        expected = [array(x) for x in both(tensor(q))]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_links_that_no_joint_moves(three_joints):
    q, tool = np.zeros((2, three_joints.dof)), np.eye(4)[:3]
    tool[:, 3] = 1, 2, 3
    root = three_joints.root_link
    found = array(fkarm.forward_kinematics(three_joints, q, root, geometry={"tool": tool}))
    np.testing.assert_array_equal(found[:, :3], [tool, tool])

    def total(x):
        geometry = {"tool": ops.concatenate([tensor(tool[:, :3]), x[:, None]], -1)}
        return fkarm.forward_kinematics(three_joints, q, root, geometry=geometry)[:, 0, 3]

    np.testing.assert_allclose(array(gradient_of(total)(tensor(tool[:, 3]))), [2, 0, 0])


def test_a_robot_without_moving_joints():
    plate = fkarm.Robot.from_joints([fkarm.Joint("bolt", "fixed", xyz=(1, 2, 3))], name="plate")
    origins = geometry_of(plate)["origins"]
    origins[:, :, 3] += 1
    geometry = {"origins": origins}
    found = array(fkarm.forward_kinematics(plate, np.zeros((2, 0)), geometry=geometry))
    np.testing.assert_array_equal(found[:, :3, 3], [[2, 3, 4], [2, 3, 4]])


def test_nan_stays_in_its_row(three_joints):
    q = tensor(sample(three_joints, dtype="float32"))
    origins = np.repeat(geometry_of(three_joints)["origins"][None], 3, 0)
    good = array(fkarm.forward_kinematics(three_joints, q, geometry={"origins": origins}))
    origins[1, 0, 0, 3] = np.nan
    found = array(fkarm.forward_kinematics(three_joints, q, geometry={"origins": origins}))
    assert np.isnan(found[1]).any()
    np.testing.assert_array_equal(found[[0, 2]], good[[0, 2]])


def test_a_far_base_is_as_exact_as_for_the_robot_itself(free_robot):
    q = sample(free_robot, dtype="float32")
    q[:, :3] += 1000
    exact = array(fkarm.forward_kinematics(free_robot, tensor(q.astype("float64"))))
    found = fkarm.forward_kinematics(free_robot, tensor(q), geometry=geometry_of(free_robot))
    np.testing.assert_allclose(array(found), exact, atol=2e-4)
