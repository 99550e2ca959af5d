"""Links seen from a link of another branch, and how little the place of the base matters."""

import numpy as np
import pytest
from autodiff import MODES, array, gradient_of, in_mode, tensor
from oracles import Pinocchio

import fkarm
from fkarm.geometry import matrix_to_pose
from fkarm.kinematics import reference

HANDS = [
    fkarm.Joint(
        "free", "floating", xyz=(1, 2, 3), rpy=(0.1, 0.2, 0.3), parent="world", child="hip"
    ),
    fkarm.Joint("waist", "continuous", axis="z", xyz=(0, 0, 0.4), parent="hip", child="torso"),
    fkarm.Joint(
        "left_1",
        "continuous",
        axis=(1, 2, -2),
        xyz=(0, 0.3, 0),
        rpy=(0.3, 0, 0.1),
        parent="torso",
        child="l1",
    ),
    fkarm.Joint(
        "left_2",
        "prismatic",
        axis=(0, 3, 4),
        xyz=(0.2, 0, 0),
        lower=-1,
        upper=1,
        parent="l1",
        child="l2",
    ),
    fkarm.Joint("left_palm", "fixed", xyz=(0.05, 0, 0), rpy=(0, 0, 1), parent="l2", child="left"),
    fkarm.Joint(
        "right_1",
        "continuous",
        axis="-y",
        xyz=(0, -0.3, 0),
        parent="torso",
        child="r1",
        mimic=fkarm.Mimic("left_1", -0.5, 0.2),
    ),
    fkarm.Joint(
        "right_2", "planar", xyz=(0.1, 0, 0.2), rpy=(0.3, -0.2, 0.5), parent="r1", child="r2"
    ),
    fkarm.Joint(
        "right_3",
        "continuous",
        axis="x",
        xyz=(0.3, 0.1, 0),
        rpy=(0, 0.5, 0),
        parent="r2",
        child="right",
    ),
]
# By link: its branch, and what it is seen from.
PAIRS = [("right", "left"), ("left", "right"), ("hip", "right"), ("right", "r1"), ("world", "r2")]


@pytest.fixture(scope="module")
def hands():
    """Two arms on a floating body; one has a planar joint and follows the other."""
    return fkarm.Robot(HANDS, name="hands", end_effector="right")


@pytest.fixture
def q(hands, rng):
    return rng.uniform(-1, 1, size=hands.dof)


def named(robot, q):
    """Values by joint, those of mimics too."""
    values = {name: q[robot.coordinates[name].index :] for name in robot.joint_names}
    values = {name: value[: len(entries(robot, name))] for name, value in values.items()}
    return {**values, "right_1": -0.5 * values["left_1"] + 0.2}


def entries(robot, name):
    return next(joint.entries for joint in robot.joints if joint.name == name)


@pytest.mark.parametrize(("link", "base"), PAIRS)
def test_a_pose_is_that_of_pinocchio_seen_from_the_base(link, base, hands, q):
    in_world = Pinocchio(text=hands.to_urdf()).poses(named(hands, q), [base, link])
    expected = np.linalg.inv(in_world[0]) @ in_world[1]
    np.testing.assert_allclose(
        fkarm.forward_kinematics(hands, q, link, base=base), expected, atol=1e-13
    )


def test_several_links_are_seen_from_one_base(hands, q):
    names = ["right", "left", "world", "hip", "l1", "left"]
    batch = np.stack([[q, 0.5 * q]])
    in_world = array(reference.forward_kinematics(hands, batch, ["l2", *names]))
    expected = np.linalg.inv(in_world[..., :1, :, :]) @ in_world[..., 1:, :, :]
    seen = fkarm.forward_kinematics(hands, batch, names, "l2")
    np.testing.assert_allclose(seen, expected, atol=1e-13)
    everything = fkarm.forward_kinematics(hands, batch, hands.link_names, base="l2")
    assert everything.shape == (1, 2, len(hands.link_names), 4, 4)


def test_every_free_joint_is_passed_backwards(free_robot, rng):
    q = fkarm.sample_configurations(free_robot, (), seed=0) * rng.uniform(0.5, 2, size=15)
    forwards = array(fkarm.forward_kinematics(free_robot, q, "tip"))
    backwards = fkarm.forward_kinematics(free_robot, q, "root", base="tip")
    np.testing.assert_allclose(backwards, np.linalg.inv(forwards), atol=1e-14)
    check_derivatives(free_robot, q, "root", "tip")
    still = np.zeros(15)
    seen = fkarm.forward_kinematics(free_robot, still, "root", base="tip")
    forwards = array(fkarm.forward_kinematics(free_robot, still, "tip"))
    np.testing.assert_allclose(seen, np.linalg.inv(forwards), atol=1e-14)


@pytest.mark.parametrize(("link", "base"), PAIRS[:3])
def test_the_derivatives_are_those_of_the_pose_in_the_base(link, base, hands, q):
    check_derivatives(hands, q, link, base)


def difference(function, q, step=1e-6):
    """Central differences of a function of batches, `(m..., n)`: all of them in one call."""
    moves = step * np.concatenate([np.eye(q.size), -np.eye(q.size)])
    ahead, behind = np.split(array(function(q + moves)), 2)
    return np.moveaxis(ahead - behind, 0, -1) / (2 * step)


def check_derivatives(robot, q, link, base):
    """Jacobians, Hessian and gradient against differences of what they are derivatives of."""

    def pose(x):
        return fkarm.forward_kinematics(robot, x, link, base)

    def jacobian(x):
        return fkarm.geometric_jacobian(robot, x, link, base)

    here = array(pose(q))
    geometric = difference(lambda x: fkarm.geometry.pose_error(here[None], pose(x)), q)
    np.testing.assert_allclose(jacobian(q), geometric, atol=1e-8)
    turned = np.kron(np.eye(2), here[:3, :3].T) @ geometric
    np.testing.assert_allclose(fkarm.body_jacobian(robot, q, link, base), turned, atol=1e-8)
    numbers = difference(lambda x: matrix_to_pose(pose(x), "xyz_rpy"), q)
    analytic = fkarm.analytic_jacobian(robot, q, link, base=base)
    np.testing.assert_allclose(analytic, numbers, atol=1e-7)
    hessian = fkarm.kinematic_hessian(robot, q, link, base)
    np.testing.assert_allclose(hessian, difference(jacobian, q), atol=1e-7)
    rates = np.linspace(-1, 1, robot.dof)
    velocity = fkarm.link_velocity(robot, q, rates, link, base)
    np.testing.assert_allclose(velocity, geometric @ rates, atol=1e-7)
    weights = np.linspace(-1, 1, 16).reshape(4, 4)
    gradient = gradient_of(lambda x: tensor(weights) * pose(x))(tensor(q))
    expected = np.tensordot(weights, difference(pose, q), 2)
    np.testing.assert_allclose(array(gradient), expected, atol=1e-8)


def test_the_jacobian_is_the_difference_of_pinocchios_velocities(hands, q):
    oracle, values = Pinocchio(text=hands.to_urdf()), named(hands, q)
    (left, right) = oracle.poses(values, ["left", "right"])
    hand, palm = (oracle.jacobian_columns(values, link)["left_2"] for link in ("right", "left"))
    linear = hand[:3] - palm[:3] - np.cross(palm[3:].T, right[:3, 3] - left[:3, 3]).T
    expected = np.concatenate([left[:3, :3].T @ linear, left[:3, :3].T @ (hand - palm)[3:]])
    jacobian = array(fkarm.geometric_jacobian(hands, q, "right", "left"))
    np.testing.assert_allclose(jacobian[:, 9:10], expected, atol=1e-12)


def test_only_joints_between_base_and_link_matter(hands, q):
    lost = q.copy()
    lost[:8] = np.nan  # the floating body and the waist
    for function in (fkarm.forward_kinematics, fkarm.geometric_jacobian):
        here, there = (function(hands, x, "right", base="left") for x in (q, lost))
        np.testing.assert_array_equal(here, there)
    assert not array(fkarm.geometric_jacobian(hands, q, "right", base="left"))[:, :8].any()
    still = fkarm.forward_kinematics(hands, lost, "left", base="left")
    np.testing.assert_array_equal(still, np.eye(4))
    assert not array(fkarm.geometric_jacobian(hands, lost, "left", base="left")).any()


def test_manipulability_is_that_of_the_axes_of_the_base(hands, q):
    jacobian = array(fkarm.geometric_jacobian(hands, q, "right", base="left"))[[0, 1, 5]]
    expected = np.sqrt(np.linalg.det(jacobian @ jacobian.T))
    measure = fkarm.manipulability(hands, q, "right", ("x", "y", "rz"), base="left")
    np.testing.assert_allclose(measure, expected, atol=1e-12)
    with pytest.raises(
        ValueError, match=r"'left' has degrees of freedom in 'l1': 1.*'pose', with 6"
    ):
        fkarm.manipulability(hands, q, "left", base="l1")


@pytest.mark.parametrize("mode", MODES)
def test_a_base_compiles_for_an_unknown_batch(mode, hands, rng):
    def run(q):
        pose = fkarm.forward_kinematics(hands, q, "right", "left")
        return pose[..., :3, 3], fkarm.geometric_jacobian(hands, q, "right", "left")

    q = tensor(rng.uniform(-1, 1, size=(3, hands.dof)))
    compiled = in_mode(run, mode, (None, hands.dof), "float64")
    for one, other in zip(compiled(q), run(q), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)
    assert compiled(q[:0])[1].shape == (0, 6, hands.dof)


def far_away(*joints):
    """An arm on a fixed joint of 5,430 km, and the same arm without it."""
    arm = [*joints, fkarm.Joint("j1", axis="z"), fkarm.Joint("j2", axis="y", xyz=(0.5, 0.1, 0))]
    utm = fkarm.Joint("utm", "fixed", xyz=(448262.16, 5411932.68, 210.5), rpy=(0, 0, 0.4))
    near = fkarm.Joint("utm", "fixed", rpy=(0, 0, 0.4))
    return [fkarm.Robot.from_joints([first, *arm], tool=(1, 0, 0.2)) for first in (utm, near)]


def derivatives(robot, q):
    rates = np.linspace(-1, 1, robot.dof, dtype=q.dtype)
    yield fkarm.geometric_jacobian(robot, q)
    yield fkarm.body_jacobian(robot, q)
    yield fkarm.analytic_jacobian(robot, q)
    yield fkarm.kinematic_hessian(robot, q)
    yield fkarm.link_velocity(robot, q, rates)
    yield fkarm.manipulability(robot, q, task=("x", "y"))
    weights = tensor(np.linspace(-1, 1, 12, dtype=q.dtype).reshape(3, 4))

    def weighed(x):
        return weights * fkarm.forward_kinematics(robot, x, robot.end_effector)[:3]

    yield gradient_of(weighed)(tensor(q))


def test_the_jacobian_of_a_turn_is_exact_however_far_the_base_stands():
    utm = fkarm.Joint("utm", "fixed", xyz=(448262.16, 5411932.68, 210.5))
    robot = fkarm.Robot.from_joints([utm, fkarm.Joint("j", axis="z")], tool=(1, 0, 0))
    jacobian = fkarm.geometric_jacobian(robot, np.array([0.3], "float32"))
    expected = [-np.sin(0.3), np.cos(0.3), 0, 0, 0, 1]
    np.testing.assert_allclose(jacobian[:, 0], expected, atol=1e-7)


def test_derivatives_in_float32_do_not_depend_on_where_the_base_stands(rng):
    far, near = far_away()
    q = rng.uniform(-1, 1, size=2).astype("float32")
    for one, other in zip(derivatives(far, q), derivatives(near, q), strict=True):
        np.testing.assert_array_equal(array(one), array(other))


@pytest.mark.parametrize("kind", ["floating", "planar", "gantry"])
def test_derivatives_in_float32_do_not_depend_on_where_the_body_went(kind, rng):
    if kind == "gantry":
        joints = [fkarm.Joint(f"slide_{axis}", "prismatic", axis=axis) for axis in "xy"]
    else:
        joints = [fkarm.Joint("body", kind, axis="z")]
    robot = far_away(*joints)[1]
    here = rng.uniform(-1, 1, size=robot.dof).astype("float32")
    there = here.copy()
    there[:2] = 448262.16, 5411932.68
    for one, other in zip(derivatives(robot, here), derivatives(robot, there), strict=True):
        np.testing.assert_array_equal(array(one), array(other))


def test_one_hand_seen_from_the_other_has_all_digits_of_float32(hands, q):
    expected = array(fkarm.forward_kinematics(hands, q, "right", base="left"))
    q[:3] = 448262.16, 5411932.68, 210.5
    seen = array(fkarm.forward_kinematics(hands, q.astype("float32"), "right", base="left"))
    np.testing.assert_allclose(seen, expected, atol=5e-7)


FUNCTIONS = [
    fkarm.forward_kinematics,
    fkarm.geometric_jacobian,
    fkarm.body_jacobian,
    fkarm.analytic_jacobian,
    fkarm.kinematic_hessian,
    fkarm.manipulability,
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_base_that_is_no_link_is_refused(function, hands, q):
    with pytest.raises(fkarm.UnknownLinkError, match="Did you mean 'left'"):
        function(hands, q, "right", base="lefty")
    with pytest.raises(fkarm.UnknownLinkError, match=r"\['left'\]"):
        function(hands, q, "right", base=["left"])
    with pytest.raises(fkarm.UnknownLinkError, match="Did you mean 'left'"):
        fkarm.link_velocity(hands, q, q, "right", base="lefty")
