"""Answers of the solver that keep clear, by planar geometry and by coal."""

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm.collision import HalfSpace, Sphere, world_distances
from fkarm.collision.arithmetic import NUMPY
from fkarm.ik.clearance import surroundings_of
from fkarm.ik.clearance.surroundings import FEW

LENGTHS = (0.5, 0.4, 0.3, 0.2)
RADIUS, LEAST = 0.03, 0.01


def planar_arm(lengths=LENGTHS):
    """An arm in a plane with a capsule along every link."""
    arm = fkarm.robots.planar(list(lengths))
    bodies = [
        fkarm.Body(f"link_{k}", "capsule", RADIUS, length, (length / 2, 0, 0), (0, np.pi / 2, 0))
        for k, length in enumerate(lengths, 1)
    ]
    return arm.with_bodies(bodies)


@pytest.fixture(scope="module")
def arm():
    return planar_arm()


def segments(q, lengths=LENGTHS):
    """Ends of the links of a planar arm. Shape `(n, links, 2, 2)`."""
    angles = np.cumsum(np.asarray(q, float), axis=1)[..., None]
    steps = np.array(lengths)[:, None] * np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)
    ends = np.cumsum(steps, axis=1)
    return np.stack([ends - steps, ends], axis=2)


def to_segment(point, a, b):
    """Distance of points of the plane from segments, all `(n, 2)`."""
    along = b - a
    share = np.clip(np.sum((point - a) * along, axis=1) / np.sum(along * along, axis=1), 0, 1)
    return np.linalg.norm(point - a - share[:, None] * along, axis=1)


def side(a, b, c):
    """Positive where `c` is to the left of the line from `a` to `b`."""
    (u, v), (x, y) = (b - a).T, (c - a).T
    return u * y - v * x


def gap(first, second):
    """Distances between the axes of two links, segments `(n, 2, 2)` of the plane."""
    (a, b), (c, d) = first.swapaxes(0, 1), second.swapaxes(0, 1)
    ends = [to_segment(a, c, d), to_segment(b, c, d), to_segment(c, a, b), to_segment(d, a, b)]
    crosses = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return np.where(crosses, 0.0, np.minimum.reduce(ends))


def planar_distance(q):
    """Smallest distance between links of the arm that are not neighbours."""
    links = segments(q).swapaxes(0, 1)
    pairs = [(0, 2), (0, 3), (1, 3)]
    return np.minimum.reduce([gap(links[i], links[j]) for i, j in pairs]) - 2 * RADIUS


@pytest.fixture(scope="module")
def clear_q(arm):
    q = fkarm.sample_configurations(arm, 400, seed=1)
    return q[planar_distance(q) >= LEAST][:150]


@pytest.fixture(scope="module")
def targets(arm, clear_q):
    return array(fkarm.forward_kinematics(arm, clear_q))


@pytest.fixture(scope="module")
def result(arm, targets):
    return fkarm.solve_ik(arm, targets, task="position", clearance=LEAST)


def test_answers_are_clear_as_planar_geometry_sees_it(arm, targets, result):
    usual = fkarm.solve_ik(arm, targets, task="position")
    assert (planar_distance(usual.q) < LEAST).sum() > 10  # the usual answers are not
    assert result.converged.all()
    assert (result.reason == "SOLVED").all()
    assert planar_distance(result.q).min() >= LEAST
    np.testing.assert_allclose(result.clearance, planar_distance(result.q), atol=1e-9)
    tips = segments(result.q)[:, -1, 1]
    np.testing.assert_allclose(tips, targets[:, :2, 3], atol=1e-3)
    assert (np.abs(result.q) <= np.pi).all()


def test_a_clear_answer_is_the_usual_one(arm, targets, result):
    usual = fkarm.solve_ik(arm, targets, task="position")
    is_clear = planar_distance(usual.q) >= LEAST
    np.testing.assert_array_equal(usual.q[is_clear], result.q[is_clear])
    assert np.isnan(usual.clearance).all()
    assert usual.clearance.shape == usual.converged.shape


def test_equal_arguments_give_equal_answers_in_any_batch(arm, targets, result):
    again = fkarm.solve_ik(arm, targets[::-1], task="position", clearance=LEAST)
    np.testing.assert_array_equal(again.q[::-1], result.q)


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_any_batch(shape, arm, targets):
    some = targets[: int(np.prod(shape))].reshape(*shape, 4, 4)
    found = fkarm.solve_ik(arm, some, task="position", clearance=LEAST)
    assert found.q.shape == (*shape, 4)
    assert found.clearance.shape == found.reason.shape == shape
    assert found.converged.all()


def test_float32_is_judged_in_float64(arm, targets):
    found = fkarm.solve_ik(arm, targets.astype("float32"), task="position", clearance=LEAST)
    assert found.q.dtype == np.float32
    assert found.clearance.dtype == np.float64
    np.testing.assert_allclose(found.clearance, planar_distance(found.q), atol=1e-9)
    assert found.converged.all()


def test_a_target_that_is_not_finite_has_no_clearance(arm, targets):
    broken = targets[:5].copy()
    broken[2, 0, 3] = np.nan
    found = fkarm.solve_ik(arm, broken, task="position", clearance=LEAST)
    assert np.isnan(found.clearance[2])
    assert found.reason[2] == "NAN"
    assert np.delete(found.converged, 2).all()


def test_a_target_out_of_reach_keeps_its_reason(arm):
    far = np.eye(4)
    far[0, 3] = 3.0
    found = fkarm.solve_ik(arm, far, task="position", clearance=LEAST)
    assert found.reason == "OUT_OF_REACH"
    assert found.clearance > 0


def test_a_target_inside_an_obstacle_is_reached_but_not_clear(arm, targets):
    wall = Sphere(0.1, targets[0, :3, 3])
    found = fkarm.solve_ik(arm, targets[0], task="position", clearance=LEAST, obstacles=[wall])
    assert found.reason == "COLLISION"
    assert not found.converged
    assert found.position_error < 1e-3
    # The tip is in the middle of the obstacle, and the capsule ends there.
    assert found.clearance <= -0.1 - RADIUS + 1e-3


def test_the_answer_stays_at_a_clear_q_init(arm, clear_q, targets):
    given = dict(task="position", clearance=LEAST)
    found = fkarm.solve_ik(arm, targets, q_init=clear_q, **given)
    np.testing.assert_array_equal(found.q, clear_q)
    found = fkarm.solve_ik(arm, targets, q_ref=clear_q, **given)
    np.testing.assert_allclose(found.q, clear_q, atol=1e-6)


def test_bodies_are_pushed_apart_near_q_init(arm):
    q = fkarm.sample_configurations(arm, 2000, seed=2)
    distance = planar_distance(q)
    q = q[(distance < LEAST) & (distance > -0.02)][:60]
    poses = array(fkarm.forward_kinematics(arm, q))
    found = fkarm.solve_ik(arm, poses, q_init=q, task="position", clearance=LEAST)
    assert found.converged.mean() > 0.95
    assert planar_distance(found.q)[found.converged].min() >= LEAST
    # Most stay near; where a joint is at its limit or the arm is straight, another start answers.
    is_near = np.abs(found.q - q).max(axis=1) < 0.5
    assert is_near.mean() > 0.9
    assert (found.start_index[is_near] == 0).all()
    assert (found.steps[is_near] > 0).all()
    assert found.position_error[found.converged].max() < 1e-6


def test_held_joints_stay(arm, clear_q, targets):
    held = clear_q + np.array([0.0, 0.3, 0.3, 0.3])
    mask = [False, True, True, True]
    found = fkarm.solve_ik(
        arm, targets, task="position", q_init=held, joint_mask=mask, clearance=LEAST
    )
    np.testing.assert_array_equal(found.q[:, 0], held[:, 0])
    assert found.converged.mean() > 0.95
    assert planar_distance(found.q)[found.converged].min() >= LEAST


def test_obstacles_are_avoided(arm, targets, result):
    q = fkarm.sample_configurations(arm, 2000, seed=4)
    below = -0.3
    height = segments(q)[..., 1].min(axis=(1, 2)) - RADIUS - below
    q = q[(planar_distance(q) >= LEAST) & (height >= LEAST)][:100]
    goals = array(fkarm.forward_kinematics(arm, q))
    floor = HalfSpace((0, 1, 0), below)
    usual = fkarm.solve_ik(arm, goals, task="position")
    assert (segments(usual.q)[..., 1].min(axis=(1, 2)) < below).any()
    found = fkarm.solve_ik(arm, goals, task="position", clearance=LEAST, obstacles=[floor])
    assert found.converged.all()
    height = segments(found.q)[..., 1].min(axis=(1, 2)) - RADIUS - below
    expected = np.minimum(height, planar_distance(found.q))
    np.testing.assert_allclose(found.clearance, expected, atol=1e-9)
    assert expected.min() >= LEAST


@pytest.mark.only_on("tensorflow", "jax", reason="compiling distances: PyTorch compiles none")
def test_a_search_compiles_nothing_for_an_obstacle_that_moves(monkeypatch, arm):
    q, codes, by_body = fkarm.sample_configurations(arm, FEW, seed=3), [], world_distances._by_body

    def counted(by, *arguments):
        codes.extend([by] if by is not NUMPY else [])
        return by_body(by, *arguments)

    monkeypatch.setattr(world_distances, "_by_body", counted)
    after_first = []
    for y in (0.3, 0.5, -0.8):
        around = surroundings_of(arm, LEAST, Sphere(0.1, (0.4, y, 0)), in_numpy=False)
        links = segments(q).swapaxes(0, 1)
        from_ball = [to_segment(np.array([[0.4, y]]), *ends.swapaxes(0, 1)) for ends in links]
        expected = np.minimum(planar_distance(q), np.min(from_ball, axis=0) - 0.1 - RADIUS)
        np.testing.assert_allclose(around.distances(q), expected, atol=1e-9)
        after_first = after_first or list(codes)
    assert codes == after_first != []


def test_every_solution_that_is_marked_is_clear():
    arm = planar_arm((0.4, 0.3))
    pose = array(fkarm.forward_kinematics(arm, [0.3, 0.8]))
    usual = fkarm.solve_ik_all(arm, pose, task="position")
    assert usual.is_solution.sum() == 2  # elbow down and elbow up
    assert np.isnan(usual.clearance).all()
    elbow = 0.4 * np.array([np.cos(0.3), np.sin(0.3), 0])
    post = Sphere(0.05, elbow)
    found = fkarm.solve_ik_all(arm, pose, task="position", clearance=LEAST, obstacles=[post])
    assert found.clearance.shape == found.is_solution.shape
    (q,) = found.q[found.is_solution]
    assert q[1] < 0
    tip, bend = segments(q[None], (0.4, 0.3))[0, 1, ::-1]
    ends = [(np.zeros(2), bend), (bend, tip)]
    expected = min(to_segment(elbow[None, :2], a[None], b[None])[0] for a, b in ends)
    np.testing.assert_allclose(
        found.clearance[found.is_solution], expected - 0.05 - RADIUS, atol=1e-9
    )


SIDES = {"left": 0.35, "right": -0.35}


def two_arms():
    """Two planar arms on one base, which reach each other."""
    joints, bodies = [], []
    for name, y in SIDES.items():
        parent = "base"
        for k, length in enumerate((0.4, 0.3, 0.2)):
            xyz, link = ((0, y, 0), (0.4, 0, 0), (0.3, 0, 0))[k], f"{name}_{k}"
            joints.append(
                fkarm.Joint(
                    link, axis="z", xyz=xyz, lower=-2.8, upper=2.8, parent=parent, child=link
                )
            )
            place = {"xyz": (length / 2, 0, 0), "rpy": (0, np.pi / 2, 0)}
            bodies.append(fkarm.Body(link, "capsule", RADIUS, length, **place))
            parent = link
        tip = fkarm.Joint(
            f"{name}_tip", "fixed", xyz=(0.2, 0, 0), parent=parent, child=f"{name}_hand"
        )
        joints.append(tip)
    return fkarm.Robot(joints, name="two arms").with_bodies(bodies)


def distance_of_two_arms(q):
    """Smallest distance between the links of two arms, but for neighbours."""
    lengths = (0.4, 0.3, 0.2)
    left, right = (
        (segments(q[:, first : first + 3], lengths) + np.array([0, y])).swapaxes(0, 1)
        for first, y in zip((0, 3), SIDES.values(), strict=True)
    )
    gaps = [gap(left[0], left[2]), gap(right[0], right[2])]
    gaps += [gap(a, b) for a in left for b in right]
    return np.minimum.reduce(gaps) - 2 * RADIUS


def test_arms_that_share_no_joint_keep_clear_of_each_other():
    robot = two_arms()
    assert robot.joint_names[:3] == ("left_0", "left_1", "left_2")
    q = fkarm.sample_configurations(robot, 600, seed=3)
    q = q[distance_of_two_arms(q) >= LEAST][:80]
    hands = ["left_hand", "right_hand"]
    poses = array(fkarm.forward_kinematics(robot, q, hands)).swapaxes(0, 1)
    goals = dict(zip(hands, poses, strict=True))
    usual = fkarm.solve_ik(robot, goals, task="position")
    assert (distance_of_two_arms(usual.q) < LEAST).sum() > 8
    found = fkarm.solve_ik(robot, goals, task="position", clearance=LEAST)
    assert found.converged.mean() > 0.95
    np.testing.assert_allclose(found.clearance, distance_of_two_arms(found.q), atol=1e-9)
    assert (found.converged == (found.clearance >= LEAST)).all()
    assert (found.reason[~found.converged] == "COLLISION").all()
    again = fkarm.solve_ik(robot, goals, task="position", clearance=LEAST)
    np.testing.assert_array_equal(again.q, found.q)


def test_one_start_may_still_be_pushed(arm, targets):
    found = fkarm.solve_ik(arm, targets[:20], task="position", clearance=LEAST, starts=1)
    usual = fkarm.solve_ik(arm, targets[:20], task="position", starts=1)
    assert found.converged.sum() >= (usual.converged & (planar_distance(usual.q) >= LEAST)).sum()
    assert planar_distance(found.q)[found.converged].min() >= LEAST


@pytest.mark.parametrize("value", [-0.01, np.nan, np.inf, "wide", True])
def test_a_clearance_is_a_finite_length(value, arm, targets):
    with pytest.raises(ValueError, match="clearance must be a finite number >= 0.*try clearance="):
        fkarm.solve_ik(arm, targets, clearance=value)


def test_obstacles_without_a_clearance_are_refused(arm, targets):
    with pytest.raises(ValueError, match=r"obstacles must come with clearance.*Try clearance="):
        fkarm.solve_ik(arm, targets, obstacles=[])


def test_a_robot_without_bodies_is_refused(targets):
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        fkarm.solve_ik(fkarm.robots.planar(list(LENGTHS)), targets, clearance=LEAST)


def test_a_geometry_by_target_is_refused(arm, targets):
    geometry = fkarm.kinematics.geometry_of(arm)
    with pytest.raises(ValueError, match="clearance must come without geometry"):
        fkarm.solve_ik(arm, targets, clearance=LEAST, geometry=geometry)
