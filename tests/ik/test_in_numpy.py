"""The solver in NumPy: its derivatives, its systems, and the answers of the compiled solver."""

from itertools import cycle

import numpy as np
import pytest
from autodiff import array
from oracles import central_difference

import fkarm
from fkarm import Joint, Mimic, Robot
from fkarm.ik.in_numpy import curvature, residual, steps
from fkarm.ik.problem import make_problem, make_terms
from fkarm.kinematics.in_numpy import posture

TREE = Robot(
    [
        Joint("turn", axis="-y", xyz=(0.1, 0.2, 0.3), rpy=(0.4, -0.5, 0.6), lower=-2, upper=1,
              parent="root", child="a"),
        Joint("ball", "spherical", xyz=(0.2, 0.1, 0), parent="a", child="b"),
        Joint("slide", "prismatic", axis=(0, 3, 4), xyz=(0.2, 0, 0), lower=-0.1, upper=0.4,
              parent="b", child="c"),
        Joint("follow", axis="x", rpy=(0.1, 0.2, 0.3), parent="c", child="d",
              xyz=(0.1, 0.2, 0), mimic=Mimic("turn", -0.5, 0.2)),
        Joint("end", "fixed", xyz=(0.3, 0.1, 0.2), parent="d", child="tip"),
        Joint("other", axis=(1, 2, 3), xyz=(0, 0.3, 0.1), parent="b", child="hand",
              lower=-1.5, upper=1.5),
        Joint("palm", "fixed", xyz=(0, 0.1, 0.3), parent="hand", child="palm"),
    ],
    name="tree", end_effector="tip",
)  # fmt: skip
TASKS = [
    ("pose", "root"),
    ("position", "root"),
    ("orientation", "target"),
    (("x", "z"), "target"),
    (("x", "rz"), "target"),
    (("y", "rx"), "root"),
    (("x", "y", "rx", "ry"), "root"),
    (("x", "y", "z", "ry", "rz"), "target"),
]
every_task = pytest.mark.parametrize(("task", "frame"), TASKS, ids=str)
LINKS = ("tip", "palm")


def at_random(task, frame):
    problem = make_problem(TREE, LINKS, task, frame)
    terms = make_terms(problem, "float64", weights=(1.3, 0.4))
    q, goal = (fkarm.sample_configurations(TREE, 3, seed=seed) for seed in (0, 1))
    targets = array(fkarm.forward_kinematics(TREE, goal, LINKS))
    return residual.structure_of(problem), terms, q, targets


@every_task
def test_first_and_second_derivatives_are_those_of_the_squared_error(task, frame):
    of, terms, q, targets = at_random(task, frame)
    local = residual.linearise(of, terms, q, targets)
    slope = (local.error[:, None] @ local.jacobian)[:, 0]
    gauss = local.jacobian.swapaxes(1, 2) @ local.jacobian
    hessian = gauss + curvature.second_order_terms(of, terms, local, targets)

    for row in range(len(q)):
        target = targets[row : row + 1]

        def downhill(x, target=target):
            at = residual.linearise(of, terms, x[None], target)
            return (at.error[:, None] @ at.jacobian)[0, 0]

        def cost(x, target=target):
            at = posture(of.tree, x[None])
            return 0.5 * np.sum(residual.weighted_errors(of, terms, at, target) ** 2)

        expected = central_difference(cost, q[row])[of.active]
        np.testing.assert_allclose(slope[row], -expected, atol=1e-8)
        if sum(name.startswith("r") for name in task if not isinstance(task, str)) == 1:
            continue  # the second derivative of one turn alone is not exact
        second = np.stack(
            [central_difference(lambda x, k=k: downhill(x)[k], q[row]) for k in range(TREE.dof)]
        )
        ball = slice(1, 5)  # only changes along the sphere count
        flat = np.eye(TREE.dof)
        flat[ball, ball] -= np.outer(q[row, ball], q[row, ball])
        np.testing.assert_allclose(flat @ hessian[row] @ flat, -flat @ second @ flat, atol=1e-6)


def test_positive_systems_are_solved(rng):
    root = rng.normal(size=(4, 5, 5))
    matrix, right = root @ root.swapaxes(1, 2), rng.normal(size=(4, 5))
    x = steps.solve_positive(matrix, right, np.full(4, 1e-9))
    np.testing.assert_allclose((matrix @ x[..., None])[..., 0], right, atol=1e-9)


def test_indefinite_systems_give_directions_of_descent(rng):
    root = rng.normal(size=(50, 5, 5))
    matrix, right = root + root.swapaxes(1, 2), rng.normal(size=(50, 5))
    x = steps.solve_positive(matrix, right, np.full(50, 1e-3))
    assert (np.sum(x * right, axis=1) > 0).all()


@pytest.mark.parametrize(
    ("task", "frame", "dtype"),
    [
        (*TASKS[0], "float32"),
        pytest.param(*TASKS[0], "float64", marks=pytest.mark.in_test_all("every case")),
        *(
            pytest.param(*task, dtype, marks=pytest.mark.in_test_all("every case"))
            for task, dtype in zip(TASKS[1:], cycle(["float32", "float64"]), strict=False)
        ),
    ],
    ids=str,
)
def test_the_answers_are_those_of_the_compiled_solver(task, frame, dtype):
    q = fkarm.sample_configurations(TREE, 40, seed=2)
    poses = array(fkarm.forward_kinematics(TREE, q, LINKS)).astype(dtype)
    poses[-4:, 0, :3, 3] += 2.0  # out of reach
    targets = dict(zip(LINKS, poses.swapaxes(0, 1), strict=True))
    asked = {"task": task, "frame": frame, "starts": 8}
    with fkarm.config.compilation("auto"):
        found = fkarm.solve_ik(TREE, targets, **asked)
    with fkarm.config.compilation("graph"):
        expected = fkarm.solve_ik(TREE, targets, **asked)
    np.testing.assert_array_equal(found.converged, expected.converged)
    is_same = np.abs(found.q - expected.q).max(axis=1) < 1e-3
    assert is_same.mean() >= 0.9
    assert (found.start_index == expected.start_index).mean() >= 0.9
    assert found.q.dtype == dtype


def test_zero_targets_are_solved():
    found = fkarm.solve_ik(TREE, np.zeros((0, 4, 4)), "tip")
    assert found.q.shape == (0, TREE.dof)
    assert found.converged.shape == (0,)


def test_a_target_with_nan_stays_alone():
    q = fkarm.sample_configurations(TREE, 3, seed=4)
    poses = array(fkarm.forward_kinematics(TREE, q, "tip"))
    alone = fkarm.solve_ik(TREE, poses[[0, 2]], "tip")
    poses[1, 0, 0] = np.nan
    found = fkarm.solve_ik(TREE, poses, "tip")
    assert found.reason.tolist() == ["SOLVED", "NAN", "SOLVED"]
    np.testing.assert_array_equal(found.q[[0, 2]], alone.q)
