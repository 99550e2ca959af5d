"""Answers of the solver far from singularities, by planar geometry and by Pinocchio."""

from importlib.resources import files

import numpy as np
import pytest
from autodiff import array
from ik.test_limbs import two_arms
from oracles import Pinocchio, central_difference
from scipy.optimize import minimize_scalar

import fkarm
from fkarm import Joint, Robot
from fkarm.ik.request import read_request
from fkarm.ik.self_motion import Dexterity

LENGTHS = (0.5, 0.4, 0.3)
PLANE = ("x", "y")
MOST = {"manipulability": np.inf}


def planar_measure(angles):
    """The manipulability of three links in a plane, whose directions have these angles."""
    ends = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * np.array(LENGTHS)[:, None]
    levers = np.cumsum(ends[..., ::-1, :], axis=-2)[..., ::-1, :]
    jacobian = np.stack([-levers[..., 1], levers[..., 0]], axis=-2)
    return np.sqrt(np.linalg.det(jacobian @ np.swapaxes(jacobian, -1, -2)))


def best_of_three_links(target):
    """The largest manipulability of three links whose tip is at `target`, by the first angle."""

    def measure(first):
        x, y = target - LENGTHS[0] * np.array([np.cos(first), np.sin(first)])
        cosine = (x * x + y * y - LENGTHS[1] ** 2 - LENGTHS[2] ** 2) / (2 * LENGTHS[1] * LENGTHS[2])
        if abs(cosine) > 1:
            return 0.0
        bend = np.arccos(cosine)
        second = np.arctan2(y, x) - np.arctan2(
            LENGTHS[2] * np.sin(bend), LENGTHS[1] + LENGTHS[2] * np.cos(bend)
        )
        return planar_measure(np.array([first, second, second + bend]))

    grid = np.linspace(-np.pi, np.pi, 400)
    start = max(grid, key=measure)
    found = minimize_scalar(lambda a: -measure(a), bounds=(start - 0.05, start + 0.05))
    return -found.fun


@pytest.fixture(scope="module")
def arm():
    return fkarm.robots.planar(list(LENGTHS))


@pytest.fixture(scope="module")
def plane_targets(arm):
    return array(fkarm.forward_kinematics(arm, fkarm.sample_configurations(arm, 30, seed=0)))


def test_three_links_in_a_plane_reach_the_best_posture(arm, plane_targets):
    result = fkarm.solve_ik(arm, plane_targets, task=PLANE, **MOST)
    assert result.converged.all()
    reached = planar_measure(np.cumsum(result.q, axis=1))
    best = np.array([best_of_three_links(target[:2, 3]) for target in plane_targets])
    usual = planar_measure(np.cumsum(fkarm.solve_ik(arm, plane_targets, task=PLANE).q, axis=1))
    assert usual.sum() < 0.9 * best.sum()
    assert reached.sum() > 0.99 * best.sum()


@pytest.mark.parametrize("method", ["closed_form", "numeric"])
def test_the_panda_is_more_manipulable_as_pinocchio_sees_it(method, panda):
    oracle = Pinocchio(files(fkarm.robots) / "panda.urdf")

    def measures(q):
        columns = [
            oracle.jacobian_columns(dict(zip(panda.joint_names, row, strict=True)), "panda_hand")
            for row in q
        ]
        stacked = [np.concatenate([of[name] for name in panda.joint_names], -1) for of in columns]
        return np.sqrt([np.linalg.det(jacobian @ jacobian.T) for jacobian in stacked])

    q = fkarm.sample_configurations(panda, 60, seed=0)
    targets = array(fkarm.forward_kinematics(panda, q))
    usual = fkarm.solve_ik(panda, targets, method=method)
    better = fkarm.solve_ik(panda, targets, method=method, **MOST)
    assert better.converged.all()
    reached = array(fkarm.forward_kinematics(panda, better.q))
    np.testing.assert_allclose(reached, targets, atol=1e-4)
    assert (better.q >= panda.lower_limits).all()
    assert (better.q <= panda.upper_limits).all()
    before, after = measures(usual.q), measures(better.q)
    assert (after >= before * (1 - 1e-9)).all()
    assert after.mean() > 1.35 * before.mean()


@pytest.mark.parametrize("clearance", [None, 0.005])
def test_an_arm_without_self_motion_takes_its_best_branch(clearance):
    ur5e = fkarm.robots.ur5e()
    targets = fkarm.forward_kinematics(ur5e, fkarm.sample_configurations(ur5e, 40, seed=1))
    every = fkarm.solve_ik_all(ur5e, targets, clearance=clearance)
    jacobian = array(fkarm.geometric_jacobian(ur5e, every.q))
    measure = np.where(every.is_solution, np.abs(np.linalg.det(jacobian)), 0.0).max(axis=1)
    best = fkarm.solve_ik(ur5e, targets, clearance=clearance, **MOST)
    reached = np.abs(np.linalg.det(array(fkarm.geometric_jacobian(ur5e, best.q))))
    solved = every.is_solution.any(axis=1)
    assert solved.sum() > 30
    np.testing.assert_allclose(reached[solved], measure[solved], rtol=1e-6)


def test_answers_that_have_enough_stay(panda):
    targets = fkarm.forward_kinematics(panda, fkarm.sample_configurations(panda, 40, seed=2))
    usual = fkarm.solve_ik(panda, targets)
    before = array(fkarm.manipulability(panda, usual.q))
    result = fkarm.solve_ik(panda, targets, manipulability=0.04)
    is_enough = before >= 0.04
    assert 5 < is_enough.sum() < 35
    np.testing.assert_array_equal(result.q[is_enough], usual.q[is_enough])
    after = array(fkarm.manipulability(panda, result.q))
    assert (after >= 0.04).sum() > is_enough.sum() + 5
    nothing = fkarm.solve_ik(panda, targets, manipulability=0.0)
    np.testing.assert_array_equal(nothing.q, usual.q)


def test_with_a_given_configuration_the_answer_keeps_its_branch(arm, plane_targets):
    q = np.array(fkarm.sample_configurations(arm, 30, seed=0))
    given = {name: q for name in ("q_init", "q_ref")}
    for name, start in given.items():
        near = fkarm.solve_ik(arm, plane_targets, task=PLANE, **{name: start}, **MOST)
        assert near.converged.all()
        before, after = (planar_measure(np.cumsum(each, axis=1)) for each in (q, near.q))
        assert (after >= before - 1e-9).all()
        same_bend = np.sign(np.sin(near.q[:, 2])) == np.sign(np.sin(q[:, 2]))
        assert same_bend.mean() > 0.8  # self-motion may straighten the elbow and bend it again


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_any_batch_and_type(shape, dtype, arm, plane_targets):
    some = plane_targets[: int(np.prod(shape))].reshape(*shape, 4, 4).astype(dtype)
    result = fkarm.solve_ik(arm, some, task=PLANE, **MOST)
    assert result.q.shape == (*shape, 3)
    assert result.q.dtype == dtype
    assert result.converged.shape == result.reason.shape == shape
    assert result.converged.all()
    usual = fkarm.solve_ik(arm, some, task=PLANE)
    before, after = (planar_measure(np.cumsum(each.q, axis=-1)) for each in (usual, result))
    assert (after >= before - 1e-6).all()


def test_answers_stay_clear(panda):
    q = fkarm.sample_configurations(panda, 30, seed=4)
    targets = fkarm.forward_kinematics(panda, q)
    usual = fkarm.solve_ik(panda, targets, clearance=0.02)
    best = fkarm.solve_ik(panda, targets, clearance=0.02, **MOST)
    np.testing.assert_array_equal(best.converged, usual.converged)
    clear = array(fkarm.collision.self_distance(panda, best.q[best.converged]))
    assert clear.min() >= 0.02
    heedless = fkarm.solve_ik(panda, targets, **MOST)
    assert array(fkarm.collision.self_distance(panda, heedless.q)).min() < 0.02
    before, after = (array(fkarm.manipulability(panda, each.q)).mean() for each in (usual, best))
    assert after > 1.2 * before


def test_held_joints_and_misses_stay(panda):
    q = np.array(fkarm.sample_configurations(panda, 4, seed=1))
    targets = np.array(fkarm.forward_kinematics(panda, q))
    targets[1, :3, 3] = 5.0  # out of reach
    targets[2] = np.nan
    mask = [True] * 6 + [False]
    usual = fkarm.solve_ik(panda, targets, q_init=q, joint_mask=mask)
    best = fkarm.solve_ik(panda, targets, q_init=q, joint_mask=mask, **MOST)
    assert best.converged.tolist() == [True, False, False, True]
    np.testing.assert_array_equal(best.q[:, 6], q[:, 6])
    np.testing.assert_array_equal(best.q[1:3], usual.q[1:3])


@pytest.mark.parametrize("torso", ["fixed", "revolute"])
def test_the_manipulability_of_several_links_is_that_of_all_their_rows(torso):
    robot, hands = two_arms(torso, "zyxy"), ("left_hand", "right_hand")
    q = np.random.default_rng(0).uniform(-1, 1, (10, robot.dof))
    targets = {hand: array(fkarm.forward_kinematics(robot, q, hand)) for hand in hands}

    def measure(q):
        rows = [array(fkarm.geometric_jacobian(robot, q, hand))[:, :3] for hand in hands]
        jacobian = np.concatenate(rows, axis=1)
        return np.sqrt(np.linalg.det(jacobian @ np.swapaxes(jacobian, 1, 2)))

    usual = fkarm.solve_ik(robot, targets, task="position", q_init=q)
    best = fkarm.solve_ik(robot, targets, task="position", q_init=q, **MOST)
    assert best.converged.all()
    assert (measure(best.q) >= measure(usual.q) * (1 - 1e-9)).all()
    assert measure(best.q).mean() > 1.02 * measure(usual.q).mean()
    for hand, poses in targets.items():
        reached = array(fkarm.forward_kinematics(robot, best.q, hand))
        np.testing.assert_allclose(reached[:, :3, 3], poses[:, :3, 3], atol=1e-4)


@pytest.mark.parametrize("frame", ["root", "target"])
def test_a_step_is_a_self_motion_along_which_the_measure_grows_most(frame, panda):
    q = np.array(fkarm.sample_configurations(panda, 5, seed=2))
    targets = array(fkarm.forward_kinematics(panda, q))
    request = read_request(panda, targets, None, task=("x", "y", "rx", "ry"), frame=frame)
    dexterity, rows = Dexterity(request), np.arange(5)
    uphill = dexterity.uphill(rows, q)
    np.testing.assert_allclose(np.abs(uphill).max(axis=1), 1.0)
    for row in rows:
        axes = np.eye(3) if frame == "root" else targets[row, :3, :3]

        def measure(at, axes=axes):
            columns = array(fkarm.geometric_jacobian(panda, at)).reshape(2, 3, 7)
            jacobian = (axes.T @ columns)[:, :2].reshape(4, 7)
            return np.sqrt(np.linalg.det(jacobian @ jacobian.T)), jacobian

        value, jacobian = measure(q[row])
        np.testing.assert_allclose(dexterity.measure(rows, q)[row], value, rtol=1e-9)
        slope = central_difference(lambda at: np.log(measure(at)[0]), q[row])
        along = slope - np.linalg.pinv(jacobian) @ (jacobian @ slope)
        np.testing.assert_allclose(uphill[row], along / np.abs(along).max(), atol=1e-5)


def test_a_joint_stays_at_its_limit_while_the_others_move():
    joints = [
        Joint(
            f"joint_{k}", axis="z", xyz=(0.3 * (k > 0), 0, 0), lower=-3, upper=0.4 if k < 1 else 3
        )
        for k in range(4)
    ]
    short = Robot.from_joints(joints, tool=(0.3, 0, 0))
    q = np.array([0.4, 0.3, 0.2, -0.1])
    target = array(fkarm.forward_kinematics(short, q))
    mask = [False, True, True, True]
    best, held = (
        fkarm.solve_ik(short, target, task=PLANE, q_init=q, joint_mask=of, **MOST)
        for of in (None, mask)
    )
    assert best.q[0] == held.q[0] == 0.4
    before, after, expected = (
        array(fkarm.manipulability(short, each, task=PLANE)) for each in (q, best.q, held.q)
    )
    assert after > 1.05 * before
    np.testing.assert_allclose(after, expected, rtol=1e-2)


def test_what_is_refused(panda):
    T = np.eye(4)
    for value in (-1.0, np.nan, "most", True):
        with pytest.raises(ValueError, match="manipulability must be a finite number >= 0"):
            fkarm.solve_ik(panda, T, manipulability=value)
    with pytest.raises(ValueError, match="must come without posture_weight"):
        fkarm.solve_ik(panda, T, q_ref=np.zeros(7), posture_weight=0.1, manipulability=1.0)
    geometry = fkarm.kinematics.geometry_of(panda)
    with pytest.raises(ValueError, match="must come without geometry"):
        fkarm.solve_ik(panda, T, geometry=geometry, manipulability=1.0)


def test_links_that_cannot_move_along_the_whole_task_are_refused(arm, panda):
    with pytest.raises(ValueError, match="it is always zero. Received: 6 components.* 3 can"):
        fkarm.solve_ik(arm, np.eye(4)[None][:0], manipulability=1.0)
    mask = [True] * 5 + [False] * 2
    with pytest.raises(ValueError, match="Received: 6 components for 'panda_hand', of which 5"):
        fkarm.solve_ik(panda, np.eye(4), q_init=np.zeros(7), joint_mask=mask, **MOST)
