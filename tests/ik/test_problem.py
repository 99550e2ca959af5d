"""One description of a problem for all solvers: tasks, frames, weights, margins, wishes."""

import keras
import numpy as np
import pytest
from autodiff import array, tensor
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

import fkarm
from fkarm import Joint, Robot, config
from fkarm.ik import compiled_steps, descent, pose_errors
from fkarm.ik.problem import make_problem, make_terms, unpacked
from fkarm.layers import IKRefinement, InverseKinematics

FIVE = Robot.from_joints(
    [
        Joint("pan", axis="z", xyz=(0, 0, 0.11), lower=-1.9, upper=1.9),
        Joint("shoulder", axis="y", xyz=(0.03, 0, 0), lower=-1.8, upper=1.8),
        Joint("elbow", axis="y", xyz=(0.02, 0, 0.115), lower=-1.6, upper=1.7),
        Joint("pitch", axis="y", xyz=(0.135, 0, 0), lower=-1.7, upper=1.7),
        Joint("roll", axis="x", xyz=(0.06, 0, 0), lower=-2.7, upper=2.7),
    ],
    tool=(0.1, 0, 0),
)
DRILL = {"task": ("x", "y", "z", "ry", "rz"), "frame": "target"}
DOWN = np.array([[0, 0, 1, 0.22], [0, 1, 0, 0.05], [-1, 0, 0, 0.05], [0, 0, 0, 1.0]])


def tip(q, robot=FIVE):
    return array(fkarm.forward_kinematics(robot, np.asarray(q, float), "tool"))


def test_a_tool_points_where_the_targets_axis_does_and_turns_as_it_likes():
    target = np.stack([DOWN, DOWN @ np.diag([1.0, -1, -1, 1])])
    found = fkarm.solve_ik(FIVE, target, **DRILL)
    assert found.converged.all()
    reached = tip(found.q)
    np.testing.assert_allclose(reached[:, :3, 0], target[:, :3, 0], atol=1e-6)
    np.testing.assert_allclose(reached[:, :3, 3], target[:, :3, 3], atol=1e-6)


def test_the_orientation_error_of_two_turns_is_the_angle_between_axes():
    q = np.array([0.2, 0.3, -0.4, 0.5, 0.6])
    found = fkarm.solve_ik(FIVE, DOWN, q_init=q, joint_mask=[False] * 4 + [True], **DRILL)
    cosine = tip(found.q)[:3, 0] @ DOWN[:3, 0]
    assert found.orientation_error == pytest.approx(np.arccos(cosine), abs=1e-9)


def test_position_first_and_orientation_as_far_as_possible():
    """The optimum of SciPy's SLSQP: the least angle at the exact position."""
    pose = np.eye(4)
    pose[:3, 3] = [0.2, 0.08, 0.2]

    def angle(q):
        return Rotation.from_matrix(tip(q)[:3, :3].T).magnitude() ** 2

    there = {"type": "eq", "fun": lambda q: tip(q)[:3, 3] - pose[:3, 3]}
    limits = list(zip(FIVE.lower_limits, FIVE.upper_limits, strict=True))
    found = fkarm.solve_ik(FIVE, pose, weights=(1, 0.002))
    best = minimize(angle, found.q, method="SLSQP", bounds=limits, constraints=there)
    assert found.position_error < 1e-4
    assert found.orientation_error == pytest.approx(np.sqrt(best.fun), abs=1e-3)
    assert fkarm.solve_ik(FIVE, pose).position_error > 5e-3


def test_links_may_have_tasks_weights_and_tolerances_of_their_own():
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    elbow = arm.link_names[2]
    q = np.array([0.3, 0.5, -0.7])
    poses = {link: array(fkarm.forward_kinematics(arm, q, link)) for link in (elbow, "tool")}
    poses[elbow][0, 3] += 0.02  # it may miss that by much, and its rotation does not count
    found = fkarm.solve_ik(
        arm,
        poses,
        task={elbow: "position", "tool": "pose"},
        weights={elbow: (1e-3, 1e-3), "tool": (1.0, 0.3)},
        position_tolerance={elbow: 0.1, "tool": 1e-3},
    )
    assert found.converged
    reached = array(fkarm.forward_kinematics(arm, found.q, "tool"))
    np.testing.assert_allclose(reached, poses["tool"], atol=1e-3)
    assert found.position_error > 0.01
    for name in ("task", "weights", "position_tolerance"):
        with pytest.raises(ValueError, match=f"{name} must name all links"):
            fkarm.solve_ik(arm, poses, **{name: {"tool": 1}})
    with pytest.raises(ValueError, match="a link of task must be one of"):
        fkarm.solve_ik(arm, poses, task={"nose": "pose"})


def test_joints_keep_a_margin_to_their_limits():
    arm = fkarm.robots.planar([0.4, 0.3])
    arm = Robot.from_joints(
        [Joint("a", axis="z", lower=-1, upper=1), Joint("b", "prismatic", lower=0.1, upper=0.5)],
        tool=(0.1, 0, 0),
    )
    far = np.eye(4)
    far[:2, 3] = [0.1, 3.0]
    for solved in (
        fkarm.solve_ik(arm, far, task="position", limit_margin=0.05).q,
        fkarm.follow_path(arm, far[None], [0.0, 0.1], task="position", limit_margin=0.05).q[0],
        array(InverseKinematics(arm, task="position", limit_margin=0.05, dtype="float64")(far)),
    ):
        assert (solved >= arm.lower_limits + 0.05 - 1e-12).all()
        assert (solved <= arm.upper_limits - 0.05 + 1e-12).all()
        assert solved[0] == pytest.approx(0.95)
    with pytest.raises(ValueError, match="limit_margin must leave a range .* at most 0.2 here"):
        fkarm.solve_ik(arm, far, limit_margin=0.3)
    with pytest.raises(ValueError, match="limit_margin must be a finite number >= 0"):
        fkarm.solve_ik(arm, far, limit_margin=-0.3)


def test_a_wish_for_a_posture_pulls_along_what_the_task_leaves_free():
    """The least of the squared error and the squared distance, by SciPy."""
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    target, wish, weight = np.eye(4), np.array([0.6, -0.9, 0.8]), 0.03
    target[:2, 3] = [0.6, 0.2]

    def cost(q):
        return np.sum((tip(q, arm)[:3, 3] - target[:3, 3]) ** 2) + weight**2 * np.sum(
            (q - wish) ** 2
        )

    best = minimize(cost, wish, tol=1e-14).x
    asked = {"task": "position", "posture_weight": weight, "q_ref": wish}
    np.testing.assert_allclose(fkarm.solve_ik(arm, target, **asked).q, best, atol=1e-5)
    path = fkarm.follow_path(arm, target[None], wish, **asked)
    np.testing.assert_allclose(path.q[0], best, atol=1e-5)
    layer = IKRefinement(arm, steps=12, task="position", posture_weight=weight, dtype="float64")
    np.testing.assert_allclose(array(layer((wish, target), q_ref=wish)), best, atol=1e-5)
    with pytest.raises(ValueError, match="posture_weight must come with q_ref"):
        fkarm.solve_ik(arm, target, posture_weight=0.1)
    with pytest.raises(ValueError, match="posture_weight must come with q_ref"):
        layer((wish, target))


@pytest.mark.usefixtures("nothing_compiled")
def test_layers_hold_joints_and_stay_near_a_reference():
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    q = np.array([[0.3, 0.5, -0.7], [0.2, -0.9, 0.4]])
    target, mask = tip(q, arm), [True, True, False]
    refine = IKRefinement(arm, steps=6, task="position", joint_mask=mask, dtype="float64")
    found = array(refine((q + np.array([0.05, -0.05, 0.0]), target)))
    np.testing.assert_allclose(found, q, atol=1e-8)
    np.testing.assert_array_equal(found[:, 2], q[:, 2])
    solver = InverseKinematics(arm, task="position", joint_mask=mask, dtype="float64")
    found = array(solver(target, q_init=q))
    np.testing.assert_allclose(found, q, atol=1e-8)
    with pytest.raises(ValueError, match="joint_mask must come with q_init"):
        solver(target)
    with pytest.raises(ValueError, match="q_init and target_poses must have the same batch axes"):
        solver(target, q_init=q[0])
    near = InverseKinematics(arm, dtype="float64")
    for reference in (q, q + np.array([0.1, -0.1, 0.1])):
        np.testing.assert_allclose(array(near(target, q_ref=reference)), q, atol=1e-6)


@pytest.mark.usefixtures("nothing_compiled")
def test_layers_with_a_description_save_and_load(tmp_path):
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    poses, wish = keras.Input((4, 4)), keras.Input((3,))
    asked = {
        "task": ("x", "y", "rz"),
        "frame": "target",
        "weights": (1.0, 0.1),
        "position_tolerance": 2e-3,
        "orientation_tolerance": 2e-2,
        "limit_margin": 0.1,
        "posture_weight": 0.01,
    }
    solved = InverseKinematics(arm, starts=4, **asked)(poses, q_ref=wish)
    refined = IKRefinement(arm, **asked)((solved, poses), q_ref=wish)
    model = keras.Model([poses, wish], refined)
    q = fkarm.sample_configurations(arm, 3, seed=0, dtype="float32")
    inputs = [tip(q, arm).astype("float32"), q]
    expected = array(model(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(loaded(inputs)), expected)
    config = loaded.layers[-1].get_config()
    for name, value in asked.items():
        saved = config[name]
        assert (tuple(saved) if isinstance(saved, list) else saved) == value


@pytest.mark.only_on("tensorflow", "jax", reason="compiling searches: PyTorch compiles none")
def test_values_are_no_reason_to_compile(monkeypatch):
    arm = fkarm.robots.planar([0.4, 0.3])
    made = []
    makers = descent.damped_descent, descent.tested_descent, pose_errors._errors
    for maker in makers:
        maker.cache_clear()
    monkeypatch.setattr(
        compiled_steps, "compiled", lambda f, *args, **named: made.append(f) or (lambda *x: f(*x))
    )
    target = tip([[0.3, 0.5], [2.0, 1.0]], arm)
    target[1, 0, 3] += 3.0
    monkeypatch.setattr(config, "_mode", "graph")
    asked = {"q_init": np.array([0.1, 0.2]), "starts": 2, "task": ("x", "y")}
    fkarm.solve_ik(arm, target, **asked)
    count = len(made)
    assert count == len(makers)
    for other in (
        {"weights": (2.0, 0.1)},
        {"position_tolerance": 1e-2},
        {"joint_mask": [True, False]},
        {"limit_margin": 0.1},
        {"max_steps": 7},
        {"posture_weight": 0.1, "q_ref": np.zeros(2)},
    ):
        fkarm.solve_ik(arm, target, **{**asked, **other})
    assert len(made) == count
    for maker in makers:
        maker.cache_clear()


def test_values_come_back_from_one_vector(panda):
    problem = make_problem(panda, ("panda_hand",), {"panda_hand": ("x", "rz")})
    terms = make_terms(problem, "float64", weights=(2.0, 3.0), limit_margin=0.01)
    found = unpacked(problem.components, problem.robot.dof, tensor(terms.packed(5)))
    for name, value in zip(terms._fields[:-1], terms[:-1], strict=True):
        np.testing.assert_array_equal(array(getattr(found, name)), value)
    np.testing.assert_array_equal(array(found.weights), [2.0, 3.0])
    assert array(found.steps) == [5.0]


def test_a_frame_and_half_a_quaternion_are_refused(free_robot):
    with pytest.raises(ValueError, match="frame must be one of"):
        fkarm.solve_ik(FIVE, DOWN, frame="tool")
    mask = [True] * 3 + [True, False, True, True] + [True] * 8
    q = fkarm.sample_configurations(free_robot, 1, seed=0)[0]
    with pytest.raises(ValueError, match="four entries of a quaternion together"):
        fkarm.solve_ik(free_robot, np.eye(4), "tip", q_init=q, joint_mask=mask)


def test_targets_may_be_seen_from_another_link():
    """One hand from the other, on a body that floats; the poses' product is NumPy's."""
    sides = [("left", 1.0), ("right", -1.0)]
    robot = Robot(
        [Joint("body", "floating", parent="world", child="torso")]
        + [
            Joint(f"{side}_{name}", axis=axis, xyz=xyz, lower=-2, upper=2, parent=parent,
                  child=child)
            for side, sign in sides
            for name, axis, xyz, parent, child in (
                ("shoulder", "z", (0, 0.2 * sign, 0), "torso", f"{side}_arm"),
                ("elbow", "y", (0.3, 0, 0), f"{side}_arm", f"{side}_forearm"),
                ("wrist", "x", (0.3, 0, 0), f"{side}_forearm", f"{side}_hand"),
            )
        ]
    )  # fmt: skip
    hands = ["left_hand", "right_hand"]

    def hand_to_hand(q):
        left, right = np.moveaxis(array(fkarm.forward_kinematics(robot, q, hands)), -3, 0)
        return np.linalg.inv(left) @ right

    q = fkarm.sample_configurations(robot, 4, seed=0)
    q[:, :3] += 50.0
    target = hand_to_hand(q)
    start = q + 0.05 * (np.arange(robot.dof) > 6)
    found = fkarm.solve_ik(robot, target, "right_hand", base="left_hand", q_init=start)
    assert found.converged.all()
    np.testing.assert_array_equal(found.q[:, :7], q[:, :7])
    np.testing.assert_allclose(hand_to_hand(found.q), target, atol=1e-6)
    path = fkarm.follow_path(robot, target[:, None], start, "right_hand", base="left_hand")
    np.testing.assert_allclose(hand_to_hand(path.q[:, 0]), target, atol=1e-6)
    layer = IKRefinement(robot, "right_hand", steps=8, base="left_hand", dtype="float64")
    np.testing.assert_allclose(hand_to_hand(array(layer((start, target)))), target, atol=1e-6)
    with pytest.raises(fkarm.UnknownLinkError, match="left_nose"):
        fkarm.solve_ik(robot, target, "right_hand", base="left_nose")
    with pytest.raises(ValueError, match="on the way from 'left_hand' to 'left_hand'"):
        fkarm.solve_ik(robot, target, "left_hand", base="left_hand")
