"""Steps by loops are those of code that is unrolled."""

import numpy as np
import pytest
from autodiff import array, tensor
from joint_types import ROBOTS
from keras import ops
from steps import entries_of, moving_links

import fkarm
from fkarm.ik import compiled_steps, descent
from fkarm.ik.compiled_steps import by_loops, loop_problem
from fkarm.ik.descent import target_entries
from fkarm.ik.loop import Looped
from fkarm.ik.problem import make_problem, make_terms, unpacked
from fkarm.ik.unrolled import Unrolled
from fkarm.kinematics.loop import LoopArrays

pytestmark = pytest.mark.only_on("tensorflow", reason="kinematics by loops")
LONG = [fkarm.robots.planar([0.1] * 14), fkarm.robots.planar([0.2] * 14)]
TASKS = {
    "pose": ("pose", "root"),
    "position": ("position", "target"),
    "spin": (["x", "rz"], "root"),
    "axis": (["z", "rx", "ry"], "target"),
}


def steps_of(problem):
    kind, (is_above, *arrays) = loop_problem(problem)
    fields = [tensor(x) if x.dtype.kind == "f" else x for x in (is_above, *arrays)]
    return Looped(kind, fields[0], LoopArrays(*fields[1:]))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("name", ROBOTS)
def test_errors_and_jacobians_are_the_unrolled_ones(name, task, request):
    robot = request.getfixturevalue(name)
    links = moving_links(robot)
    tasks = {link: task[0] if k % 2 == 0 else "pose" for k, link in enumerate(links)}
    problem = make_problem(robot, links, tasks, task[1])
    values = make_terms(problem, "float64", weights=(1.0, 0.5)).packed(1)
    terms = unpacked(problem.components, robot.dof, tensor(values))
    q, targets = entries_of(robot, links)
    loops, unrolled = steps_of(problem), Unrolled(problem)
    expected = unrolled.linearise(terms, q, targets)
    found = loops.linearise(terms, q, targets)
    np.testing.assert_allclose(array(found.errors), np.stack(expected.error), atol=1e-12)
    jacobian = array(found.jacobian)[list(problem.active)].swapaxes(0, 1)
    np.testing.assert_allclose(jacobian, np.stack(expected.jacobian), atol=1e-12)
    np.testing.assert_allclose(
        np.stack(loops.errors(terms.weights, q, targets)), np.stack(expected.error), atol=1e-12
    )


@pytest.mark.parametrize("name", ["every_joint", "free_robot"])
def test_damped_steps_are_the_unrolled_ones(name, request):
    robot = request.getfixturevalue(name)
    links = moving_links(robot)
    problem = make_problem(robot, links)
    values = make_terms(problem, "float64").packed(1)
    terms = unpacked(problem.components, robot.dof, tensor(values))
    q, targets = entries_of(robot, links)
    q = ops.clip(q, terms.lower[:, None], terms.upper[:, None])
    expected, _ = Unrolled(problem).damped(terms, q, targets)
    found, _ = steps_of(problem).damped(terms, q, targets)
    np.testing.assert_allclose(array(found), array(expected), atol=1e-9)


@pytest.mark.parametrize("descend", ["damped", "tested"])
def test_long_arms_reach_their_targets_by_loops(descend):
    robot = LONG[0]
    problem = make_problem(robot, ("tool",))
    assert by_loops(problem)
    q = np.random.default_rng(0).uniform(-0.5, 0.5, (20, robot.dof))
    poses = fkarm.forward_kinematics(robot, tensor(q), "tool")
    start = tensor(q + np.random.default_rng(1).uniform(-0.1, 0.1, q.shape))
    inputs = (start, target_entries(poses), start)[: 3 if descend == "tested" else 2]
    values = make_terms(problem, "float64").packed(20)
    answer, outcome = getattr(descent, f"{descend}_descent")(problem, False)(
        *inputs, tensor(values)
    )
    reached = fkarm.forward_kinematics(robot, answer, "tool")
    np.testing.assert_allclose(array(reached), array(poses), atol=1e-6)
    assert array(outcome)[:, 1].max() <= 1


def test_a_posture_pulls_redundant_joints():
    robot = LONG[0]
    T = array(fkarm.forward_kinematics(robot, np.full((2, robot.dof), 0.1), "tool"))
    with fkarm.config.compilation("graph"):
        wished = np.full(robot.dof, 0.12)
        result = fkarm.solve_ik(robot, T, q_ref=wished, posture_weight=1e-3, task="position")
        free = fkarm.solve_ik(robot, T, q_init=np.zeros(robot.dof), task="position")
    assert result.converged.all()
    distances = [np.linalg.norm(q - wished, axis=-1) for q in (result.q, free.q)]
    assert (distances[0] < 0.5 * distances[1]).all()


def test_robots_of_a_size_share_their_code():
    kinds = {loop_problem(make_problem(robot, ("tool",))).kind for robot in LONG}
    assert len(kinds) == 1
    functions = {compiled_steps._by_loops(descent._damped, kind, 3) for kind in [*kinds] * 2}
    assert len(functions) == 1


def test_short_arms_are_unrolled(panda):
    assert not by_loops(make_problem(panda, ("panda_hand",)))


def test_nan_stays_in_its_row():
    robot = LONG[0]
    T = array(fkarm.forward_kinematics(robot, np.zeros((3, robot.dof)), "tool"))
    T[1] = np.nan
    with fkarm.config.compilation("graph"):
        result = fkarm.solve_ik(robot, T)
    assert result.converged.tolist() == [True, False, True]
    assert np.isfinite(result.q).all()
