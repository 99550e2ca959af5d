"""Unrolled steps whose frames are an input, so that arms share their code."""

import numpy as np
import pytest
from autodiff import array, tensor
from joint_types import ROBOTS
from keras import ops
from steps import entries_of, moving_links

import fkarm
from fkarm.ik import compiled_steps, descent
from fkarm.ik.compiled_steps import unrolled_problem
from fkarm.ik.problem import make_problem, make_terms, unpacked
from fkarm.ik.unrolled import Unrolled


def kind_of(robot, link=None):
    return unrolled_problem(make_problem(robot, (robot.link_or_end_effector(link),)))[0]


@pytest.mark.parametrize("name", ROBOTS)
def test_frames_may_be_an_input(name, request):
    robot = request.getfixturevalue(name)
    links = moving_links(robot)
    problem = make_problem(robot, links, frame="target")
    values = make_terms(problem, "float64", weights=(1.0, 0.5)).packed(1)
    terms = unpacked(problem.components, robot.dof, tensor(values))
    q, targets = entries_of(robot, links)
    q = ops.clip(q, terms.lower[:, None], terms.upper[:, None])
    kind, frames = unrolled_problem(problem)

    def damped(steps, q, targets):
        return steps.damped(terms, q, targets)

    given = compiled_steps._unrolled(damped, kind, 2)(q, targets, *map(tensor, frames))
    own = damped(Unrolled(problem), q, targets)
    np.testing.assert_allclose(array(given[0]), array(own[0]), atol=1e-9)
    np.testing.assert_allclose(np.stack(given[1]), np.stack(own[1]), atol=1e-12)


def test_arms_with_the_same_motions_share_their_code():
    arms = [fkarm.robots.planar([0.4, 0.3]), fkarm.robots.planar([0.2, 0.5])]
    functions = {compiled_steps._unrolled(descent._damped, kind_of(arm), 3) for arm in arms}
    assert len(functions) == 1
    other = kind_of(fkarm.robots.planar([0.4, 0.3, 0.2]))
    assert compiled_steps._unrolled(descent._damped, other, 3) not in functions
