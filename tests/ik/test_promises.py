"""What `solve_ik` promises: which answer it takes, what it holds, what stays (docs/ik.md)."""

import math

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm import Joint, Mimic, Robot
from fkarm.ik.problem import make_problem, make_terms
from fkarm.ik.starts import table_for
from fkarm.kinematics.joint_space import difference, nearest_copy, with_unit_quaternions

WIDE = 2 * math.pi
TWO = Robot.from_joints(
    [
        Joint("a", axis="z", lower=-WIDE, upper=WIDE),
        Joint("b", axis="z", xyz=(0.4, 0, 0), lower=-WIDE, upper=WIDE),
    ],
    tool=(0.3, 0, 0),
)


def tip(robot, q, link="tool"):
    return array(fkarm.forward_kinematics(robot, np.asarray(q, float), link))


LATER = pytest.mark.in_test_all("every case")


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=LATER), "float64"])
def test_a_held_joint_is_bit_equal_inside_and_outside_its_limits(dtype):
    target = tip(TWO, [0.3, 0.8]).astype(dtype)
    found = fkarm.solve_ik(
        TWO, target, q_init=[0.1, 0.8], q_ref=[0.1, -5.4], joint_mask=[True, False]
    )
    np.testing.assert_allclose(found.q, [0.3, 0.8], atol=1e-6)
    assert found.q[1] == np.asarray(0.8, dtype)
    assert found.converged
    outside = WIDE + 0.8
    found = fkarm.solve_ik(TWO, target, q_init=[0.1, outside], joint_mask=[True, False])
    np.testing.assert_allclose(found.q[0], 0.3, atol=1e-6)
    assert found.q[1] == np.asarray(outside, dtype)
    assert found.converged


def test_other_joints_stay_at_q_init_else_q_ref_else_nearest_to_zero():
    arms = Robot(
        [
            Joint("left", axis="z", parent="root", child="l"),
            Joint("jaw", "prismatic", axis="x", lower=0.2, upper=0.4, parent="l", child="l_jaw"),
            Joint("ball", "spherical", parent="root", child="b"),
            Joint("right", axis="z", parent="root", child="r"),
            Joint("hand", "fixed", xyz=(0.3, 0, 0), parent="r", child="tool"),
        ]
    )
    target = tip(arms, [0, 0, 1, 0, 0, 0, 0.7]).astype("float32")
    rest = np.array([0.3, 5.0, 0.0, 0.6, 0.8, 0.0, 0.1])
    found = fkarm.solve_ik(arms, target, "tool")
    np.testing.assert_allclose(found.q, [0, 0.2, 1, 0, 0, 0, 0.7], atol=1e-6)
    np.testing.assert_array_equal(found.q[:-1].astype(float), np.float32([0, 0.2, 1, 0, 0, 0]))
    for given in ({"q_init": rest}, {"q_ref": rest}, {"q_init": rest, "q_ref": rest + 1}):
        found = fkarm.solve_ik(arms, target.astype(float), "tool", **given)
        np.testing.assert_array_equal(found.q[:-1], rest[:-1])
        assert found.converged


def test_the_copy_by_whole_turns_is_the_nearest_inside_the_limits():
    """-6.083 has the copies 0.2 and 6.483, which is outside."""
    turn = Robot.from_joints([Joint("a", axis="z", lower=-WIDE, upper=WIDE)], tool=(1, 0, 0))
    lower, upper = np.array([-WIDE]), np.array([WIDE])
    found = nearest_copy(turn, np.array([-6.083]), np.array([6.2]), lower, upper)
    np.testing.assert_allclose(found, [WIDE - 6.083], atol=1e-12)
    target = tip(turn, [-6.083])
    assert fkarm.solve_ik(turn, target, q_ref=[6.2]).q[0] == pytest.approx(0.2002, abs=1e-4)
    assert fkarm.solve_ik(turn, target).q[0] == pytest.approx(0.2002, abs=1e-4)
    assert fkarm.solve_ik(turn, target, q_ref=[-6.2]).q[0] == pytest.approx(-6.083, abs=1e-4)


def test_a_whole_turn_that_moves_a_mimic_is_another_configuration():
    arm = Robot(
        [
            Joint("a", axis="z", lower=-9, upper=9, parent="root", child="l"),
            Joint("b", axis="z", parent="l", child="m", xyz=(1, 0, 0), mimic=Mimic("a", 0.5)),
            Joint("t", "fixed", parent="m", child="tool", xyz=(1, 0, 0)),
        ]
    )
    q, near = np.array([-3.0]), np.array([3.0])
    np.testing.assert_array_equal(nearest_copy(arm, q, near, np.full(1, -9), np.full(1, 9.0)), q)
    found = fkarm.solve_ik(arm, tip(arm, q), q_ref=near)
    np.testing.assert_allclose(found.q, q, atol=1e-5)


def test_quaternions_have_length_one_and_the_sign_of_the_reference():
    wrist = Robot(
        [
            Joint("ball", "spherical", parent="root", child="b"),
            Joint("slide", "prismatic", axis="x", lower=0.1, upper=1, parent="b", child="tool"),
        ]
    )
    q = fkarm.sample_configurations(wrist, 4, seed=3)
    found = fkarm.solve_ik(wrist, tip(wrist, q), q_ref=q * [-1, -1, -1, -1, 1])
    assert found.converged.all()
    np.testing.assert_allclose(np.linalg.norm(found.q[:, :4], axis=1), 1.0, atol=1e-12)
    assert (np.sum(found.q[:, :4] * -q[:, :4], axis=1) > 0.99).all()
    unit = with_unit_quaternions(wrist, q * [2, 2, 2, 2, 1], q)
    np.testing.assert_allclose(unit, q, atol=1e-15)


def test_one_configuration_is_one_solution():
    free = Robot([Joint("free", "floating", parent="root", child="tool")])
    target = tip(free, [0.1, 0.2, 0.3, 0.5, 0.5, -0.5, 0.5])
    found = fkarm.solve_ik_all(free, target, starts=8)
    assert found.is_solution.sum() == 1
    target = tip(TWO, [0.3, 0.8])
    found = fkarm.solve_ik_all(TWO, target, starts=32, task="position")
    solutions = found.q[found.is_solution]
    assert len(solutions) == 2  # elbow up and down, each of them one of four copies
    assert np.abs(solutions).max() <= math.pi


@pytest.mark.parametrize(
    ("name", "dtype"), [("planar", "float64"), pytest.param("ur5e", "float32", marks=LATER)]
)
def test_an_exact_start_comes_back_as_it_is(name, dtype):
    robots = {"planar": fkarm.robots.planar([0.4, 0.3, 0.2]), "ur5e": fkarm.robots.ur5e()}
    robot = robots[name]
    q = fkarm.sample_configurations(robot, 50, seed=1, dtype=dtype)
    target = array(fkarm.forward_kinematics(robot, q, robot.end_effector))
    found = fkarm.solve_ik(robot, target, q_init=q)
    np.testing.assert_array_equal(found.q, q)
    assert found.converged.all()
    assert (found.start_index == 0).all()


def test_a_start_that_is_merely_within_the_tolerances_is_improved():
    q = np.array([[0.3, 0.8]])
    found = fkarm.solve_ik(TWO, tip(TWO, q), q_init=q + 5e-4)
    assert found.position_error[0] < 1e-9
    assert np.abs(found.q - q).max() < 1e-3


def test_a_start_that_leads_to_a_solution_gives_the_answer():
    """Both elbows are solutions; the one of the start is taken, near or far."""
    q = np.array([[0.3, 0.8], [0.3, -0.8]])
    target = tip(TWO, q)
    found = fkarm.solve_ik(TWO, target, q_init=q + np.array([0.05, -0.1]), task="position")
    np.testing.assert_allclose(found.q, q, atol=1e-6)


def test_among_misses_the_nearest_to_the_reference():
    """Out of reach by 5 mm, with tremor: no elbow is better than by micrometres."""
    arm = Robot.from_joints(
        [
            Joint("a", axis="z", lower=-3, upper=3),
            Joint("b", axis="z", xyz=(0.4, 0, 0), lower=0.4, upper=2.9),
            Joint("c", axis="x", lower=-3, upper=3),
            Joint("d", axis="z", xyz=(0.3, 0, 0), lower=-2.0, upper=2.0),
        ],
        tool=(0.2, 0, 0),
    )
    rng, q = np.random.default_rng(0), None
    for frame in range(10):
        target = np.eye(4)
        target[:3, 3] = [0.9, 0.003 * frame, 0.002] + 1e-3 * rng.normal(size=3)
        before = q
        given = {} if q is None else {"q_ref": q}
        found = fkarm.solve_ik(arm, target, task="position", starts=20, **given)
        q = found.q
        if before is not None:
            assert np.abs(q - before).max() < 0.1, frame


def test_no_start_takes_more_steps_than_allowed(panda):
    far = np.eye(4, dtype="float32")
    far[0, 3] = 2.0
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    for given in ({}, {"q_init": np.full(3, 0.5)}, {"q_ref": np.full(3, 0.5)}):
        for most in (1, 5, 20):
            found = fkarm.solve_ik(arm, far, max_steps=most, starts=20, **given)
            assert 0 < found.steps <= most


@pytest.mark.usefixtures("nothing_compiled")
def test_a_free_base_starts_where_the_target_is():
    base = Robot(
        [
            Joint("base", "planar", parent="root", child="b"),
            Joint("lift", axis="y", xyz=(0, 0, 0.3), lower=-1, upper=1, parent="b", child="l"),
            Joint("tip", "fixed", xyz=(0.5, 0, 0), parent="l", child="tool"),
        ]
    )
    q = np.array(
        [
            [x, y, turn, lift]
            for far in (0.0, 40.0, 1000.0)
            for x, y, turn, lift in ((far, -0.7 * far, 2.0, 0.5), (-far, 3.0, -1.0, -0.4))
        ]
    )
    target = tip(base, q)
    problem = make_problem(base, ("tool",))
    for mask, moves in ((None, True), ([False, False, True, True], False)):
        table = table_for(problem, make_terms(problem, "float64", joint_mask=mask), 0, 0)
        starts = table.at(table.nearest(target[:, None], 4)[0], target[:, None])
        apart = np.abs(tip(base, starts)[..., :2, 3] - target[:, None, :2, 3]).max(axis=(1, 2))
        assert ((apart < 1e-9) == moves).all()
    assert fkarm.solve_ik(base, target.astype("float32")).converged.all()
    layer = fkarm.layers.InverseKinematics(base, dtype="float64")
    assert np.abs(tip(base, array(layer(target))) - target).max() < 1e-3


def test_the_order_of_answers_does_not_hang_on_rounding():
    arm = fkarm.robots.ur5e()
    q = fkarm.sample_configurations(arm, 100, seed=5, dtype="float32")
    target = array(fkarm.forward_kinematics(arm, q, arm.end_effector))
    moved = target.copy()
    moved[:, :3, 3] += 1e-7
    first, second = (fkarm.solve_ik(arm, each).q for each in (target, moved))
    assert (np.abs(difference(arm, first, second)).max(axis=1) > 0.05).sum() <= 1
    alone = fkarm.solve_ik(arm, target[:7]).q
    np.testing.assert_allclose(alone, first[:7], atol=1e-5)


@pytest.mark.parametrize(
    "given",
    [{}, {"q_init": [0.1, 0.2]}, {"q_ref": [0.1, 0.2]}],
    ids=["plain", "q_init", "q_ref"],
)
def test_no_targets_have_no_answers(given):
    result = fkarm.solve_ik(TWO, np.zeros((0, 4, 4)), **given)
    assert result.q.shape == (0, 2)
    assert result.converged.size == result.reason.size == 0
    every = fkarm.solve_ik_all(TWO, np.zeros((0, 4, 4)), starts=3, **given)
    assert every.q.shape == (0, 3, 2)
    assert every.is_solution.shape == (0, 3)


@pytest.mark.parametrize("given", ["q_init", "q_ref"])
def test_nan_stays_in_its_own_row_with_a_start_too(given):
    target = tip(TWO, [[0.3, 0.8], [0.1, 0.4]])
    target[0, 0, 0] = np.nan
    found = fkarm.solve_ik(TWO, target, **{given: [0.1, 0.5]})
    assert np.isnan(found.position_error[0])
    assert np.isfinite(found.q).all()
    np.testing.assert_array_equal(found.converged, [False, True])
