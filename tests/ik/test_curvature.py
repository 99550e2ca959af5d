"""The second derivative of the squared error, and the slope that steps follow."""

import numpy as np
import pytest
from autodiff import array, tensor
from keras import ops

import fkarm
from fkarm import Joint, Mimic, Robot
from fkarm.ik.curvature import error_hessian, linearise
from fkarm.ik.descent import target_entries
from fkarm.ik.problem import make_problem, make_terms, unpacked
from fkarm.ik.residual import weighted_errors

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
    terms = unpacked(problem.components, problem.robot.dof, tensor(terms.packed(1)))
    q, goal = (fkarm.sample_configurations(BENT, 3, seed=seed) for seed in (0, 1))
    entries = ops.transpose(target_entries(fkarm.forward_kinematics(BENT, goal, "tip")))

    def cost(q):
        errors = weighted_errors(problem, terms.weights, tensor(q.T), entries)
        return 0.5 * sum(array(each) ** 2 for each in errors)

    local = linearise(problem, terms, tensor(q.T), entries)
    step = 1e-4 * np.eye(BENT.dof)
    slope = [(cost(q + a) - cost(q - a)) / 2e-4 for a in step]
    np.testing.assert_allclose(array(local.downhill()), -np.array(slope), atol=1e-7)
    for i, row in enumerate(error_hessian(problem, terms, local, entries, ops.ones(3, "float64"))):
        for j, entry in enumerate(row):
            a, b = step[i], step[j]
            second = (cost(q + a + b) - cost(q + a - b) - cost(q - a + b) + cost(q - a - b)) / 4e-8
            np.testing.assert_allclose(array(entry), second, atol=1e-6)


def test_one_turn_alone_has_the_right_slope(panda):
    """The component of a rotation vector changes with other turns too."""
    problem = make_problem(panda, ("panda_hand",), ("x", "rz"), "target")
    terms = unpacked(
        problem.components, problem.robot.dof, tensor(make_terms(problem, "float64").packed(1))
    )
    q, goal = (fkarm.sample_configurations(panda, 3, seed=seed) for seed in (0, 1))
    entries = ops.transpose(target_entries(fkarm.forward_kinematics(panda, goal, "panda_hand")))

    def cost(q):
        errors = weighted_errors(problem, terms.weights, tensor(q.T), entries)
        return 0.5 * sum(array(each) ** 2 for each in errors)

    slope = [(cost(q + a) - cost(q - a)) / 2e-5 for a in 1e-5 * np.eye(7)]
    local = linearise(problem, terms, tensor(q.T), entries)
    np.testing.assert_allclose(array(local.downhill()), -np.array(slope), atol=1e-7)
