"""`solve_ik` by closed forms keeps what it promises (docs/ik.md), and says what it cannot solve."""

import itertools

import numpy as np
import pytest
from autodiff import array, tensor
from ik.closed_form.arms import PUMA_560, by_turns, calibrated, draw, from_table, poses
from ik.closed_form.sliding_arms import SLIDING, on_rail
from oracles import Pinocchio

import fkarm
from fkarm.ik.by_closed_form import NO_START
from fkarm.kinematics.joint_space import difference

ARMS = {"ur5e": (fkarm.robots.ur5e, "tool0"), "panda": (fkarm.robots.panda, "panda_hand")}
EVERY_METHOD = pytest.mark.parametrize("method", ["closed_form", "numeric"])
TURN = 2 * np.pi


@pytest.fixture(params=ARMS)
def arm(request):
    make, link = ARMS[request.param]
    return make(), link


def targets_of(robot, link, count=12, seed=3, dtype="float32"):
    q = fkarm.sample_configurations(robot, count, seed=seed)
    return q, array(fkarm.forward_kinematics(robot, q, link)).astype(dtype)


@EVERY_METHOD
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_answers_are_within_tolerances_and_limits(arm, method, dtype):
    robot, link = arm
    _, targets = targets_of(robot, link, dtype=dtype)
    found = fkarm.solve_ik(robot, targets, link, method=method)
    assert found.converged.all()
    assert found.q.dtype == dtype
    assert (found.reason == "SOLVED").all()
    assert ((found.start_index == NO_START) == (method == "closed_form")).all()
    assert (found.q >= robot.lower_limits).all()
    assert (found.q <= robot.upper_limits).all()
    oracle = Pinocchio(text=robot.to_urdf())
    reached = np.stack(
        [oracle.poses(dict(zip(robot.joint_names, q, strict=True)), [link])[0] for q in found.q]
    )
    assert np.abs(reached - targets).max() < 1e-5


def test_the_size_of_the_batch_does_not_choose_the_answer(arm):
    robot, link = arm
    _, targets = targets_of(robot, link, 40)
    whole = fkarm.solve_ik(robot, targets, link, method="closed_form").q
    for k in (0, 17):
        alone = fkarm.solve_ik(robot, targets[k], link, method="closed_form").q
        np.testing.assert_allclose(alone, whole[k], atol=1e-6)


def test_compiled_answers_are_those_of_numpy(arm):
    robot, link = arm
    _, targets = targets_of(robot, link)
    expected = fkarm.solve_ik(robot, targets, link, method="closed_form")
    with fkarm.config.compilation("graph"):
        found = fkarm.solve_ik(robot, targets, link, method="closed_form")
    np.testing.assert_allclose(found.q, expected.q, atol=1e-3)


@EVERY_METHOD
def test_joints_keep_a_margin_from_their_limits(arm, method):
    robot, link = arm
    inner = 0.8 * fkarm.sample_configurations(robot, 12, seed=4)
    if link == "panda_hand":
        inner[:, 3] -= 0.6
    targets = array(fkarm.forward_kinematics(robot, inner, link))
    found = fkarm.solve_ik(robot, targets, link, limit_margin=0.1, method=method)
    moving = np.flatnonzero(np.ptp(found.q, axis=0) > 0)
    assert found.converged.mean() > 0.9
    assert (found.q[:, moving] >= robot.lower_limits[moving] + 0.1 - 1e-9).all()
    assert (found.q[:, moving] <= robot.upper_limits[moving] - 0.1 + 1e-9).all()


def test_of_all_solutions_the_nearest_to_the_reference_is_the_answer():
    robot = fkarm.robots.ur5e()
    _, targets = targets_of(robot, "tool0", 30, dtype="float64")
    reference = fkarm.sample_configurations(robot, 30, seed=9)
    found = fkarm.solve_ik(robot, targets, "tool0", q_ref=reference, method="closed_form")
    form = fkarm.ik.closed_form(robot, "tool0").solve(targets)
    every = np.where(array(form.is_solution)[..., None], array(form.q), np.inf)
    shifts = np.array(list(itertools.product((-TURN, 0.0, TURN), repeat=6)))  # (729, 6)
    copies = (every[:, :, None] + shifts).reshape(30, -1, 6)
    inside = ((copies >= robot.lower_limits) & (copies <= robot.upper_limits)).all(axis=-1)
    distance = np.linalg.norm(copies - reference[:, None], axis=-1)
    least = np.where(inside, distance, np.inf).min(axis=1)
    assert found.converged.all()
    np.testing.assert_allclose(np.linalg.norm(found.q - reference, axis=-1), least, atol=1e-6)


def room(robot, q):
    """The smallest distance to a limit, as a share of the joint's range, at most a whole turn."""
    half = np.minimum((robot.upper_limits - robot.lower_limits) / 2, np.pi)
    middle = (robot.upper_limits + robot.lower_limits) / 2
    return (1 - np.abs(q - middle) / half).min(axis=-1) / 2


def most_room(robot, link, targets, **values):
    """The most room of a branch within the limits; -inf where there is none."""
    form = fkarm.ik.closed_form(robot, link).solve(targets, **values)
    rooms = np.where(array(form.within_limits), room(robot, array(form.q)), -np.inf)
    return rooms.reshape(len(targets), -1).max(axis=1)


def test_without_a_preference_the_answer_is_farthest_from_the_limits(arm):
    robot, link = arm
    _, targets = targets_of(robot, link, 60, dtype="float64")
    found = fkarm.solve_ik(robot, targets, link, method="closed_form")
    assert found.converged.all()
    if link == "tool0":
        expected = most_room(robot, link, targets)
    else:  # of the values of joint 7 those at eighths of its range are tried first
        expected = np.full(60, -np.inf)
        span = robot.upper_limits[6] - robot.lower_limits[6]
        for shares in ([4, 2, 6, 1], [5, 3, 7, 0.5]):
            values = robot.lower_limits[6] + span * np.array(shares) / 8
            next_round = most_room(robot, link, targets, free_value=values)
            expected = np.where(np.isfinite(expected), expected, next_round)
    is_compared = np.isfinite(expected)
    assert is_compared.mean() > 0.8
    np.testing.assert_allclose(room(robot, found.q)[is_compared], expected[is_compared], atol=1e-6)


def test_with_a_free_joint_the_answer_is_nearer_than_that_of_the_search(panda):
    _, targets = targets_of(panda, "panda_hand", 40, dtype="float64")
    reference = fkarm.sample_configurations(panda, 40, seed=8)
    distances = []
    for method in ("closed_form", "numeric"):
        found = fkarm.solve_ik(panda, targets, "panda_hand", q_ref=reference, method=method)
        assert found.converged.all()
        distances.append(np.linalg.norm(found.q - reference, axis=-1))
    assert distances[0].mean() < distances[1].mean()


@EVERY_METHOD
def test_a_start_that_leads_to_a_solution_gives_the_answer(arm, method):
    robot, link = arm
    q, targets = targets_of(robot, link, dtype="float64")
    exact = fkarm.solve_ik(robot, targets, link, q_init=q, method=method)
    assert (exact.q == q).all()
    start = np.clip(q + 0.01, robot.lower_limits, robot.upper_limits)
    near = fkarm.solve_ik(robot, targets, link, q_init=start, method=method)
    assert (near.start_index == 0).all()
    assert np.abs(difference(robot, near.q, q)).max() < 0.2


def test_a_bad_start_is_followed_by_the_closed_form():
    robot = fkarm.robots.ur5e()
    _, targets = targets_of(robot, "tool0", 40)
    found = fkarm.solve_ik(robot, targets, "tool0", q_init=np.zeros(6), max_steps=2)
    assert found.converged.all()
    assert (found.start_index == NO_START).any()


@EVERY_METHOD
def test_the_free_joint_of_seven_may_be_held(panda, method):
    q, targets = targets_of(panda, "panda_hand", dtype="float64")
    mask = np.arange(panda.dof) != 6
    found = fkarm.solve_ik(panda, targets, "panda_hand", q_init=q, joint_mask=mask, method=method)
    assert found.converged.all()
    start = q.copy()
    start[:, :6] = 0.5 * (panda.lower_limits + panda.upper_limits)[:6]
    found = fkarm.solve_ik(
        panda, targets, "panda_hand", q_init=start, joint_mask=mask, max_steps=3, method=method
    )
    assert (found.q[:, 6:] == start[:, 6:]).all()
    if method == "closed_form":
        assert found.converged.all()


@EVERY_METHOD
def test_targets_out_of_reach_and_nan_stay_in_their_rows(arm, method):
    robot, link = arm
    _, targets = targets_of(robot, link, 4)
    targets[1, :3, 3] += 5.0
    targets[2, 0, 0] = np.nan
    found = fkarm.solve_ik(robot, targets, link, method=method)
    assert found.converged.tolist() == [True, False, False, True]
    assert found.reason[2] == "NAN"
    assert np.isfinite(found.q).all()
    none = fkarm.solve_ik(robot, targets[:0], link, method=method)
    assert none.q.shape == (0, robot.dof)


def test_tight_tolerances_are_met():
    robot = fkarm.robots.ur5e()
    _, targets = targets_of(robot, "tool0", 50)
    tight = {"position_tolerance": 4e-6, "orientation_tolerance": 4e-6}
    found = fkarm.solve_ik(robot, targets, "tool0", method="closed_form", **tight)
    assert found.converged.mean() > 0.95


def test_two_arms_are_solved_by_their_closed_forms():
    left, right = (fkarm.robots.ur5e() for _ in range(2))
    robot = two_arms(left, right)
    links = ("left_tool0", "right_tool0")
    q = fkarm.sample_configurations(robot, 5, seed=0)
    targets = {
        link: array(fkarm.forward_kinematics(robot, q, link)).astype("float32") for link in links
    }
    found = fkarm.solve_ik(robot, targets, method="closed_form")
    assert found.converged.all()
    assert (found.start_index == NO_START).all()


def two_arms(left, right):
    """Two arms on one base, a metre apart."""
    joints = []
    for side, arm, y in (("left", left, 0.5), ("right", right, -0.5)):
        foot = f"{side}_{arm.root_link}"
        joints.append(
            fkarm.Joint(f"{side}_foot", "fixed", xyz=(0, y, 0), parent="base", child=foot)
        )
        for joint in arm.joints:
            data = {**joint.__dict__}
            for name in ("name", "parent", "child"):
                data[name] = f"{side}_{data[name]}"
            joints.append(fkarm.Joint(**data))
    return fkarm.Robot(joints)


def test_all_solutions_of_six_joints_are_complete():
    robot = fkarm.robots.ur5e()
    q, targets = targets_of(robot, "tool0", 30, dtype="float64")
    every = fkarm.solve_ik_all(robot, targets, "tool0")
    assert every.q.shape == (30, 84, 6)
    assert not every.is_solution[:, 8:].any()
    few = fkarm.solve_ik_all(robot, targets, "tool0", starts=3)
    assert few.q.shape == (30, 8, 6)
    assert (few.is_solution == every.is_solution[:, :8]).all()
    form = fkarm.ik.closed_form(robot, "tool0").solve(targets)
    rows, branches = np.nonzero(array(form.within_limits))
    apart = difference(robot, every.q[rows], array(form.q)[rows, branches][:, None], by_turns=True)
    apart = np.where(every.is_solution[rows], np.abs(apart).max(axis=-1), np.inf)
    assert apart.min(axis=1).max() < 0.05
    exact = {"position_tolerance": 1e-6, "orientation_tolerance": 1e-6}
    search = fkarm.solve_ik_all(robot, targets, "tool0", method="numeric", **exact)
    assert search.q.shape == (30, 84, 6)
    assert search.is_solution.sum() <= every.is_solution.sum()
    apart = difference(robot, every.q, q[:, None], by_turns=True)
    assert (np.abs(apart).max(axis=-1).min(axis=1) < 1e-6).all()


@pytest.mark.parametrize("starts", [8, 20])
def test_branches_of_the_data_sheet_are_starts_of_a_calibrated_arm(starts):
    robot = calibrated(from_table(PUMA_560), 1e-3)
    q = draw(robot, 30)
    targets = poses(robot, q)
    targets = np.concatenate([targets, np.full((1, 4, 4), np.nan)])
    exact = {"position_tolerance": 1e-6, "orientation_tolerance": 1e-6, "starts": starts}
    every = fkarm.solve_ik_all(robot, targets, **exact)
    searched = fkarm.solve_ik_all(robot, targets, method="numeric", **exact)
    assert every.q.shape == (31, starts, 6)
    assert not every.is_solution[-1].any()
    rows, picks = np.nonzero(every.is_solution)
    np.testing.assert_allclose(poses(robot, every.q[rows, picks]), targets[rows], atol=3e-6)
    apart = np.where(every.is_solution[:30], by_turns(every.q[:30] - q[:, None]).max(axis=-1), 9)
    assert (apart.min(axis=1) < 1e-3).mean() > 0.9
    assert every.is_solution.sum() > 1.2 * searched.is_solution.sum()


@pytest.mark.parametrize(
    "options", [{"method": "numeric"}, {"joint_mask": [True] * 5 + [False], "q_init": [0.0] * 6}]
)
def test_a_search_without_branches_has_its_own_starts(options, monkeypatch):
    robot = calibrated(from_table(PUMA_560), 1e-3)
    monkeypatch.setattr("fkarm.ik.search.all_branches_of", lambda *_: pytest.fail("asked"))
    every = fkarm.solve_ik_all(robot, poses(robot, draw(robot, 1)), starts=3, **options)
    assert every.q.shape == (1, 3, 6)


def test_all_solutions_of_seven_joints_are_a_sample(panda):
    _, targets = targets_of(panda, "panda_hand", 3)
    every = fkarm.solve_ik_all(panda, targets, "panda_hand", starts=40, q_init=np.zeros(panda.dof))
    assert every.q.shape == (3, 40, panda.dof)  # q_init, and four values of joint 7
    assert every.is_solution.any(axis=1).all()
    assert every.position_error[every.is_solution].max() < 1e-5


@pytest.mark.parametrize("name", ["UR5e on a rail", "SCARA", "gantry", "SCARA on a rail"])
def test_robots_with_slides_are_solved(name):
    robot = SLIDING[name][0]()
    q, targets = targets_of(robot, robot.end_effector, 20, dtype="float64")
    for options in ({}, {"q_ref": q}):
        found = fkarm.solve_ik(robot, targets, method="closed_form", **options)
        assert found.converged.all()
        assert (found.start_index == (0 if options else NO_START)).all()
        assert (found.q >= robot.lower_limits).all()
        assert (found.q <= robot.upper_limits).all()
    reference = fkarm.sample_configurations(robot, 20, seed=9)
    near = fkarm.solve_ik(robot, targets, q_ref=reference, method="closed_form")
    assert near.converged.all()
    apart = [np.linalg.norm(each.q - reference, axis=-1) for each in (near, found)]
    assert (apart[0] <= apart[1] + 0.02).all()
    every = fkarm.solve_ik_all(robot, targets)
    assert every.is_solution.any(axis=1).all()


@pytest.mark.parametrize("name", ["UR5e on a rail", "SCARA"])
def test_the_layer_solves_robots_with_slides(name, nothing_compiled):
    robot = SLIDING[name][0]()
    _, targets = targets_of(robot, robot.end_effector, 6, dtype="float64")
    layer = fkarm.layers.InverseKinematics(robot, method="closed_form", dtype="float64")
    reached = array(fkarm.forward_kinematics(robot, layer(tensor(targets))))
    assert np.abs(reached - targets).max() < 1e-3


def test_a_held_slide_keeps_its_value():
    robot = SLIDING["UR5e on a rail"][0]()
    q, targets = targets_of(robot, robot.end_effector, 6, dtype="float64")
    start = q.copy()
    start[:, 1:] = 0.0
    mask = np.arange(robot.dof) != 0
    found = fkarm.solve_ik(
        robot, targets, q_init=start, joint_mask=mask, max_steps=2, method="closed_form"
    )
    assert found.converged.all()
    assert (found.q[:, 0] == q[:, 0]).all()


def test_a_long_rail_brings_its_arm_to_far_targets():
    robot = on_rail(fkarm.robots.ur5e(), lower=2.0, upper=30.0)
    _, targets = targets_of(robot, robot.end_effector, 20, dtype="float64")
    found = fkarm.solve_ik(robot, targets, starts=2, max_steps=1)
    assert found.converged.mean() > 0.9
    assert (found.start_index[found.converged] == NO_START).all()


@pytest.mark.parametrize("base", ["base_link", "cart", "camera"])
def test_targets_in_the_frame_of_any_link_before_the_arm_have_a_closed_form(base):
    arm = fkarm.robots.ur5e()
    before = [
        fkarm.Joint("drive", "floating", parent="world", child="cart"),
        fkarm.Joint("mount", "fixed", parent="cart", child=arm.root_link, xyz=(0.1, 0, 0.4)),
        fkarm.Joint("mast", "fixed", parent="cart", child="camera", rpy=(0.3, 0.2, 0.1)),
    ]
    robot = fkarm.Robot([*before, *arm.joints], end_effector="tool0")
    q = fkarm.sample_configurations(robot, 8, seed=2)
    poses = [array(fkarm.forward_kinematics(robot, q, link)) for link in (base, "tool0")]
    targets = np.linalg.inv(poses[0]) @ poses[1]
    found = fkarm.solve_ik(robot, targets, base=base, method="closed_form")
    assert found.converged.all()
    assert (found.start_index == NO_START).all()
    reached = [array(fkarm.forward_kinematics(robot, found.q, link)) for link in (base, "tool0")]
    np.testing.assert_allclose(np.linalg.inv(reached[0]) @ reached[1], targets, atol=1e-8)
    with pytest.raises(fkarm.NoClosedFormError, match="the floating joint 'drive'"):
        fkarm.solve_ik(robot, targets, method="closed_form")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"task": "position"}, "task='pose'"),
        ({"base": "forearm_link"}, "Received: 3 joints that turn"),
        ({"q_ref": np.zeros(6), "posture_weight": 0.1}, "posture_weight=0"),
        ({"q_init": np.zeros(6), "joint_mask": [True] * 5 + [False]}, "holds 1 of 6 joints"),
        ({"geometry": fkarm.kinematics.geometry_of(fkarm.robots.ur5e())}, "own geometry"),
    ],
)
def test_problems_without_a_closed_form_say_so(options, words):
    robot = fkarm.robots.ur5e()
    with pytest.raises(fkarm.NoClosedFormError, match=words):
        fkarm.solve_ik(robot, np.eye(4), "tool0", method="closed_form", **options)


def test_links_that_share_joints_and_arms_without_a_form_say_so(panda):
    both = dict.fromkeys(("panda_link5", "panda_hand"), np.eye(4))
    with pytest.raises(fkarm.NoClosedFormError, match="share no joint"):
        fkarm.solve_ik(panda, both, method="closed_form")
    planar = fkarm.robots.planar([0.4, 0.3])
    with pytest.raises(fkarm.NoClosedFormError, match="six joints"):
        fkarm.solve_ik_all(planar, np.eye(4), method="closed_form")
    with pytest.raises(ValueError, match="method must be"):
        fkarm.solve_ik(planar, np.eye(4), method="analytic")
