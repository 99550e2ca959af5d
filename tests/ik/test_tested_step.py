"""The tested step: its second derivative, and where it comes to rest."""

import numpy as np
import pytest
from autodiff import array, tensor
from keras import ops
from scipy.optimize import minimize

import fkarm
from fkarm import Joint, Mimic, Robot
from fkarm.ik.curvature import error_hessian, linearise
from fkarm.ik.descent import target_entries
from fkarm.ik.linear import solve_symmetric
from fkarm.ik.problem import make_problem, make_terms, unpacked
from fkarm.ik.residual import weighted_errors

pytestmark = pytest.mark.usefixtures("searches_as_asked")

BENT = Robot(
    [
        Joint("turn", axis="-y", xyz=(0.1, 0.2, 0.3), rpy=(0.4, -0.5, 0.6), lower=-2, upper=1,
              parent="root", child="a"),
        Joint("slide", "prismatic", axis=(0, 3, 4), xyz=(0.2, 0, 0), lower=-0.1, upper=0.4,
              parent="a", child="b"),
        Joint("flat", "planar", axis=(1, 2, 3), rpy=(0.3, 0, 0), parent="b", child="c"),
        Joint("follow", axis="x", rpy=(0.1, 0.2, 0.3), parent="c", child="d",
              xyz=(0.1, 0.2, 0), mimic=Mimic("turn", -0.5, 0.2)),
        Joint("end", "fixed", xyz=(0.3, 0.1, 0.2), parent="d", child="tip"),
    ],
    name="bent",
)  # fmt: skip


@pytest.mark.parametrize(
    ("task", "frame"),
    [
        ("pose", "root"),
        ("position", "root"),
        (("x", "z"), "target"),
        (("x", "y", "rx", "ry"), "root"),
        (("x", "y", "z", "ry", "rz"), "target"),
    ],
    ids=str,
)
def test_the_second_derivative_is_that_of_the_squared_error(task, frame):
    problem = make_problem(BENT, ("tip",), task, frame)
    terms = make_terms(problem, "float64", weights=(1.3, 0.4))
    terms = unpacked(problem, tensor(terms.packed(1)))
    q, goal = (fkarm.sample_configurations(BENT, 3, seed=seed) for seed in (0, 1))
    entries = ops.transpose(target_entries(fkarm.forward_kinematics(BENT, goal, "tip")))

    def cost(q):
        errors = weighted_errors(problem, terms, tensor(q.T), entries)
        return 0.5 * sum(array(each) ** 2 for each in errors)

    seen = linearise(problem, terms, tensor(q.T), entries)
    step = 1e-4 * np.eye(BENT.dof)
    slope = [(cost(q + a) - cost(q - a)) / 2e-4 for a in step]
    np.testing.assert_allclose(array(seen.downhill()), -np.array(slope), atol=1e-7)
    for i, row in enumerate(error_hessian(problem, terms, seen, entries, ops.ones(3, "float64"))):
        for j, entry in enumerate(row):
            a, b = step[i], step[j]
            second = (cost(q + a + b) - cost(q + a - b) - cost(q - a + b) + cost(q - a - b)) / 4e-8
            np.testing.assert_allclose(array(entry), second, atol=1e-6)


def test_one_turn_alone_has_the_right_slope(panda):
    """The component of a rotation vector changes with other turns too."""
    problem = make_problem(panda, ("panda_hand",), ("x", "rz"), "target")
    terms = unpacked(problem, tensor(make_terms(problem, "float64").packed(1)))
    q, goal = (fkarm.sample_configurations(panda, 3, seed=seed) for seed in (0, 1))
    entries = ops.transpose(target_entries(fkarm.forward_kinematics(panda, goal, "panda_hand")))

    def cost(q):
        errors = weighted_errors(problem, terms, tensor(q.T), entries)
        return 0.5 * sum(array(each) ** 2 for each in errors)

    slope = [(cost(q + a) - cost(q - a)) / 2e-5 for a in 1e-5 * np.eye(7)]
    seen = linearise(problem, terms, tensor(q.T), entries)
    np.testing.assert_allclose(array(seen.downhill()), -np.array(slope), atol=1e-7)


def test_a_pivot_has_a_least_size_and_no_sign(rng):
    """Then the solution points downhill, whatever the matrix."""
    half = rng.normal(size=(4, 4, 50))
    matrix = half + half.transpose(1, 0, 2)
    right = rng.normal(size=(4, 50))
    found = solve_symmetric(
        [[tensor(x) for x in row] for row in matrix], [tensor(x) for x in right], tensor(1e-3)
    )
    assert (np.sum(np.stack(found) * right, axis=0) > 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reach", [1.0, 3.0])
def test_out_of_reach_a_refinement_comes_to_rest_at_the_nearest_pose(dtype, reach):
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    layer = fkarm.layers.IKRefinement(arm, arm.end_effector, 3, task="position", dtype=dtype)
    target = np.eye(4)[None]
    target[0, 0, 3] = reach
    q = np.array([[0.5, 0.5, 0.5]], dtype)
    for _ in range(8):
        q = array(layer((q, target.astype(dtype))))
    after = array(layer((q, target.astype(dtype))))
    assert np.abs(after - q).max() <= (1e-9 if dtype == "float64" else 1e-6)
    np.testing.assert_allclose(q, 0.0, atol=1e-6 if dtype == "float64" else 1e-3)


def test_a_path_out_of_reach_ends_at_the_least_error():
    """The least of three methods of SciPy, each from many starts."""
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    target = np.eye(4)
    target[:2, :2], target[0, 3] = [[0, -1], [1, 0]], 1.0

    def cost(q):
        a, b, c = np.cumsum(q)
        x = 0.4 * np.cos(a) + 0.3 * np.cos(b) + 0.2 * np.cos(c)
        y = 0.4 * np.sin(a) + 0.3 * np.sin(b) + 0.2 * np.sin(c)
        return (1 - x) ** 2 + y**2 + 0.09 * (np.pi / 2 - c) ** 2

    starts = np.random.default_rng(0).uniform(-1, 1, size=(5, 3))
    least = min(minimize(cost, start).fun for start in starts)
    found = fkarm.follow_path(arm, target[None], np.array([0.5, 0.5, 0.5]))
    assert cost(found.q[0]) <= least + 1e-9
    assert not found.converged[0]
