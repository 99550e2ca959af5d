"""The solver: success by an independent judge, limits, tasks, warm starts, refusals."""

from importlib.resources import files

import keras
import numpy as np
import pytest
from autodiff import COMPILED, array, in_mode, tensor
from oracles import Pinocchio
from scipy.spatial.transform import Rotation

import fkarm
from fkarm import config
from fkarm.ik import batch


@pytest.fixture(scope="module")
def targets(panda):
    q = fkarm.sample_configurations(panda, 300, seed=11, dtype="float32")
    return array(fkarm.forward_kinematics(panda, q, "panda_hand"))


@pytest.fixture(scope="module")
def result(panda, targets):
    return fkarm.solve_ik(panda, targets, "panda_hand")


def angle(a, b):
    return Rotation.from_matrix(a @ np.swapaxes(b, -1, -2)).magnitude()


def test_random_targets_are_reached_as_pinocchio_sees_it(panda, targets, result):
    oracle = Pinocchio(files(fkarm.robots) / "panda.urdf")
    fingers = {"panda_finger_joint1": 0.0, "panda_finger_joint2": 0.0}
    poses = np.concatenate(
        [
            oracle.poses(
                {**dict(zip(panda.joint_names, q.astype(float), strict=True)), **fingers},
                ["panda_hand"],
            )
            for q in result.q
        ]
    )
    position = np.linalg.norm(poses[:, :3, 3] - targets[:, :3, 3], axis=-1)
    assert result.converged.mean() > 0.99
    assert position[result.converged].max() < 1e-3
    assert angle(poses[:, :3, :3], targets[:, :3, :3])[result.converged].max() < 1e-2
    # The reported errors are the oracle's.
    np.testing.assert_allclose(result.position_error, position, atol=1e-9)


def test_solutions_are_within_limits_and_sharp(panda, result):
    assert ((result.q >= panda.lower_limits) & (result.q <= panda.upper_limits)).all()
    assert np.median(result.position_error[result.converged]) < 1e-6
    assert result.q.dtype == np.float32
    by_search = result.converged & (result.start_index >= 0)
    assert (result.steps[by_search] > 0).all()


def test_the_same_arguments_give_the_same_answer(panda, targets, result):
    again = fkarm.solve_ik(panda, targets, "panda_hand")
    for first, second in zip(result, again, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_any_batch(shape, panda, targets):
    count = int(np.prod(shape))
    found = fkarm.solve_ik(panda, targets[:count].reshape(*shape, 4, 4), "panda_hand")
    assert found.q.shape == (*shape, 7)
    for field in found[1:]:
        assert field.shape == shape
    assert found.converged.all()


def test_float64_reaches_tight_tolerances(panda, targets):
    q = fkarm.sample_configurations(panda, 50, seed=3)
    found = fkarm.solve_ik(
        panda,
        array(fkarm.forward_kinematics(panda, q, "panda_hand")),
        "panda_hand",
        position_tolerance=1e-9,
        orientation_tolerance=1e-9,
    )
    assert found.q.dtype == np.float64
    assert found.converged.all()
    assert found.position_error.max() < 1e-9


def test_targets_out_of_reach_are_not_reached_and_said_so(panda, targets):
    far = targets[:20].copy()
    far[:, :3, 3] *= 2.0 / np.linalg.norm(far[:, :3, 3], axis=-1, keepdims=True)
    found = fkarm.solve_ik(panda, far, "panda_hand")
    assert not found.converged.any()
    assert np.isfinite(found.q).all()
    assert ((found.q >= panda.lower_limits) & (found.q <= panda.upper_limits)).all()
    assert found.position_error.max() < 2.0  # it points there: the arm is about 1.2 m long


def test_nan_stays_in_its_own_row(panda, targets, result):
    broken = targets[:40].copy()
    broken[7, 0, 3] = np.nan
    found = fkarm.solve_ik(panda, broken, "panda_hand")
    assert not found.converged[7]
    assert np.isnan(found.position_error[7])
    assert np.isfinite(found.q).all()
    others = np.delete(np.arange(40), 7)
    assert found.converged[others].all()


def test_joints_that_turn_endlessly_and_sliding_ones():
    robot = fkarm.Robot(
        [
            fkarm.Joint(
                "lift", "prismatic", axis="z", lower=0.0, upper=0.5, parent="base", child="a"
            ),
            fkarm.Joint("pan", "continuous", axis="z", parent="a", child="b"),
            fkarm.Joint(
                "reach", "prismatic", axis="x", lower=0.2, upper=0.9, parent="b", child="c"
            ),
            fkarm.Joint("wrist", "continuous", axis="z", parent="c", child="tool"),
        ]
    )
    q = fkarm.sample_configurations(robot, 200, seed=0)
    target = array(fkarm.forward_kinematics(robot, q, "tool"))
    assert fkarm.solve_ik(robot, target).converged.all()


def test_position_only_and_chosen_axes(panda, targets):
    free = fkarm.solve_ik(panda, targets[:50], "panda_hand", task="position")
    assert free.converged.all()
    assert (free.orientation_error == 0).all()
    arm = fkarm.robots.planar([1.0, 0.5])
    reachable = array(fkarm.forward_kinematics(arm, fkarm.sample_configurations(arm, 20), "tool"))
    found = fkarm.solve_ik(arm, reachable, task=("x", "y"))
    assert found.converged.all()
    poses = array(fkarm.forward_kinematics(arm, found.q, "tool"))
    np.testing.assert_allclose(poses[:, :2, 3], reachable[:, :2, 3], atol=1e-3)


def test_two_links_at_once(every_joint):
    q = fkarm.sample_configurations(every_joint.with_fixed_joints({"spin": 0.3}), 10, seed=1)
    robot = every_joint.with_fixed_joints({"spin": 0.3})
    pose = {link: array(fkarm.forward_kinematics(robot, q, link)) for link in ("tip_1", "tip_2")}
    found = fkarm.solve_ik(robot, pose)
    assert found.converged.all()
    for link, target in pose.items():
        np.testing.assert_allclose(
            fkarm.forward_kinematics(robot, found.q, link)[:, :3, 3], target[:, :3, 3], atol=1e-3
        )


def test_a_warm_start_is_tried_first_and_stays_near(panda, targets, result):
    near = result.q + np.float32(0.01)
    found = fkarm.solve_ik(panda, targets, "panda_hand", q_init=near, starts=1)
    reached = found.converged & result.converged
    assert reached.mean() > 0.97
    assert np.median(np.abs(found.q - result.q)[reached].max(axis=-1)) < 0.1
    assert (found.start_index[reached] == 0).all()


def test_the_solution_nearest_to_a_reference(panda, targets):
    goal = fkarm.sample_configurations(panda, 300, seed=11)[:50]
    plain = fkarm.solve_ik(panda, targets[:50], "panda_hand")
    near = fkarm.solve_ik(panda, targets[:50], "panda_hand", q_ref=goal, starts=64)
    both = plain.converged & near.converged
    assert both.mean() > 0.9

    def distance(found):
        return np.linalg.norm(found.q - goal, axis=-1)[both]

    assert (distance(near) <= distance(plain) + 0.1).mean() > 0.9
    assert np.median(distance(near)) < 0.7 * np.median(distance(plain))


@pytest.mark.parametrize("elbow", [-0.8, 0.8])
def test_of_two_solutions_the_reference_chooses_whatever_the_search_begins_with(elbow):
    """The other elbow of a planar arm with equal links turns the first joint by as much."""
    arm = fkarm.robots.planar([0.5, 0.5])
    solutions = np.array([[0.3, elbow], [0.3 + elbow, -elbow]])
    pose = array(fkarm.forward_kinematics(arm, solutions[0], "tool"))
    for nearest, other in (solutions, solutions[::-1]):
        found = fkarm.solve_ik(arm, pose, task=("x", "y"), q_init=other, q_ref=nearest)
        np.testing.assert_allclose(found.q, nearest, atol=1e-5)


@pytest.mark.in_test_all("every case")  # of test_promises
def test_held_joints_keep_their_values(panda, targets):
    start = fkarm.sample_configurations(panda, 20, seed=5).astype("float32")
    mask = [True] * 6 + [False]
    found = fkarm.solve_ik(
        panda, targets[:20], "panda_hand", q_init=start, joint_mask=mask, task="position"
    )
    assert found.converged.all()
    np.testing.assert_array_equal(found.q[:, 6], start[:, 6])


@pytest.mark.in_test_all("every case")  # test_promises.py has a planar arm
def test_all_solutions_are_solutions_and_differ(targets):
    robot = fkarm.robots.ur5e()
    q = fkarm.sample_configurations(robot, 5, seed=2)
    pose = array(fkarm.forward_kinematics(robot, q, robot.end_effector))
    found = fkarm.solve_ik_all(robot, pose, starts=64)
    assert found.q.shape == (5, 64, 6)
    for row in range(5):
        solutions = found.q[row][found.is_solution[row]]
        assert len(solutions) >= 4
        reached = array(fkarm.forward_kinematics(robot, solutions, robot.end_effector))
        np.testing.assert_allclose(
            reached[:, :3, 3], np.tile(pose[row, :3, 3], (len(reached), 1)), atol=1e-3
        )
        apart = np.abs(solutions[:, None] - solutions[None]).max(axis=-1)
        assert apart[~np.eye(len(solutions), dtype=bool)].min() >= 0.05


@pytest.mark.parametrize("turns", [0, 1])
def test_the_reference_itself_if_it_is_a_solution(turns):
    arm = fkarm.robots.ur5e()
    q = np.clip(fkarm.sample_configurations(arm, 20, seed=1) / 2, -3, -0.1)
    reference = q + 2 * np.pi * turns
    poses = array(fkarm.forward_kinematics(arm, q, "tool0"))
    found = fkarm.solve_ik(arm, poses, "tool0", q_ref=reference)
    inside = reference <= arm.upper_limits
    np.testing.assert_allclose(found.q, np.where(inside, reference, q), atol=1e-5)


def test_more_starts_than_the_table_has():
    arm = fkarm.robots.planar([1.0, 0.5])
    pose = array(fkarm.forward_kinematics(arm, [0.3, 0.8], "tool"))
    found = fkarm.solve_ik_all(arm, pose, starts=1100, task=("x", "y"))
    assert found.q.shape == (1100, 2)
    assert found.is_solution.sum() == 2  # elbow up and down


@pytest.mark.in_test_all("optimised")
@pytest.mark.only_on("tensorflow", reason="batches of any size compiled for few, by padding")
def test_any_number_of_targets_is_compiled_for_few_sizes(panda, targets, monkeypatch):
    from fkarm.kinematics.stage import tensorflow as stage

    monkeypatch.setattr(config, "_mode", "graph")
    fkarm.solve_ik(panda, targets[:1], "panda_hand")  # the table of starts is made once
    rows = set()
    run = stage.in_rows

    def counted(concrete, inputs, *rest):
        rows.add(inputs[0].shape[0])
        return run(concrete, inputs, *rest)

    monkeypatch.setattr(stage, "in_rows", counted)
    for count in (1, 2, 15, 40, 100, 130):
        fkarm.solve_ik(panda, targets[:count], "panda_hand")
    assert rows <= set(batch.ROWS)


def test_bad_input_is_refused(panda, targets):
    def refused(message, error=ValueError, target=targets[:2], **kwargs):
        with pytest.raises(error, match=message):
            fkarm.solve_ik(panda, target, **{"link": "panda_hand", **kwargs})

    refused(r"target_poses must have shape \(\.\.\., 4, 4\)", target=np.zeros((2, 3)))
    refused("is off by 7", target=2 * np.eye(4))
    refused("Is the matrix transposed", target=array(targets[:2]).swapaxes(-1, -2))
    refused("rot6d", target=np.diag([1.0, 1.0, -1.0, 1.0]))
    refused("from 'panda_link0' to 'panda_link0'", link="panda_link0")
    refused("elbow", error=fkarm.UnknownLinkError, link="elbow")
    refused("may move", q_init=np.zeros(7), joint_mask=[False] * 7)
    refused("7 booleans", q_init=np.zeros(7), joint_mask=[True])
    refused("must come with q_init", joint_mask=[True] * 7)
    refused("at least 2e-06 for float32", position_tolerance=1e-7)
    refused("orientation_tolerance", orientation_tolerance=float("nan"))
    refused("q_init must be finite, of shape", q_init=np.zeros(6))
    refused("q_ref must be finite", q_ref=np.full(7, np.nan))
    refused("starts must be a whole number", starts=0)
    refused("max_steps must be", max_steps=1.5)
    refused("weights must be two", weights=(1.0, -1.0))
    refused("task must be one of", task="pos")
    refused("link must then be None", target={"panda_hand": targets[:2]})
    refused("one shape", target={"panda_hand": targets[:2], "panda_link7": targets[:3]}, link=None)
    with pytest.raises(TypeError, match="InverseKinematics in a model"):
        fkarm.solve_ik(panda, keras.Input((4, 4)), "panda_hand")


@pytest.mark.only_on("tensorflow", "jax", reason="refusing a traced target: PyTorch traces none")
def test_a_traced_target_is_refused(panda, targets):
    with pytest.raises(TypeError, match="InverseKinematics in a model"):
        in_mode(lambda t: fkarm.solve_ik(panda, t, "panda_hand"), COMPILED)(tensor(targets[:2]))
