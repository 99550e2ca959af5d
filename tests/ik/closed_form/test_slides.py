"""Closed forms of robots with joints that slide: exact, complete, finite, differentiable."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from autodiff import array, check_gradient, jacobian_of, tensor
from ik.closed_form.arms import by_turns, check_solutions, draw, free_values, poses, solved
from ik.closed_form.sliding_arms import (
    SLIDING,
    cylindrical,
    gantry,
    hand_first,
    on_rail,
    scara,
    slide,
    turn,
    wrist,
)
from oracles import rot
from scipy.spatial.transform import Rotation

import fkarm

COUNT = 30
FEW = ["UR5e on a rail", "SCARA", "gantry", "cylindrical"]
EVERY_CASE = pytest.mark.in_test_all("every case")
COMPILING = pytest.mark.parametrize(
    "name", [*FEW[1:2], *(pytest.param(name, marks=EVERY_CASE) for name in FEW[::2] + FEW[3:])]
)


@pytest.mark.parametrize("name", SLIDING)
def test_the_form_is_recognised_and_its_solutions_are_exact(name):
    make, kind, branches, free = SLIDING[name]
    robot = make()
    form = fkarm.ik.closed_form(robot)
    assert (form.kind, form.branches, form.free) == (kind, branches, free)
    assert max(form.residual) < 1e-14
    found, _, within = check_solutions(form, draw(robot, COUNT), 1e-12)
    assert found.shape == (COUNT, branches, robot.dof)
    assert within.any(axis=1).all()
    assert (found[within] >= robot.lower_limits).all()
    assert (found[within] <= robot.upper_limits).all()


@COMPILING
def test_float32_and_compiled_code_agree(name):
    robot = SLIDING[name][0]()
    form, q = fkarm.ik.closed_form(robot), draw(robot, COUNT)
    _, expected, is_solution, _ = solved(form, q, "float32")
    check_solutions(form, q, 2e-5, "float32")
    with fkarm.config.compilation("graph"):
        _, found, again, _ = solved(form, q, "float32")
    assert (is_solution == again).mean() > 0.99
    assert by_turns(found - expected)[is_solution & again].max() < 1e-2


@pytest.mark.parametrize("name", FEW)
def test_no_solution_of_a_dense_search_is_missing(name):
    robot = SLIDING[name][0]()
    form, q = fkarm.ik.closed_form(robot), draw(robot, 4)
    held = np.full(robot.dof, True)
    if form.free is not None:
        held[robot.joint_names.index(form.free)] = False
    T, branches, is_solution, _ = solved(form, q)
    every = fkarm.solve_ik_all(
        robot, T, starts=40, q_init=q, joint_mask=held, method="numeric",
        position_tolerance=1e-9, orientation_tolerance=1e-9,
    )  # fmt: skip
    for k in range(len(T)):
        searched = every.q[k][every.is_solution[k]]
        assert len(searched) > 1
        apart = by_turns(searched[:, None] - branches[k][is_solution[k]])
        assert apart.max(axis=-1).min(axis=1).max() < 1e-2


def test_a_scara_has_both_elbows_of_the_law_of_cosines():
    robot = scara("PRRR")
    q = draw(robot, 20)
    _, found, is_solution, _ = solved(fkarm.ik.closed_form(robot), q)
    assert is_solution.all()
    # Joint 2 points downwards; the axes are (0.3, 0.04) and (0.3, 0.06) apart.
    bend = np.arctan2(0.06, 0.3) - np.arctan2(0.04, 0.3)
    mirrored = np.stack([q[:, 2], -q[:, 2] + 2 * bend], axis=1)
    np.testing.assert_allclose(
        np.sort(np.cos(found[..., 2]), axis=1), np.sort(np.cos(mirrored), axis=1), atol=1e-9
    )
    np.testing.assert_allclose(found[..., 0], np.repeat(q[:, :1], 2, axis=1), atol=1e-12)


def test_a_gantry_moves_as_its_directions_say():
    robot = gantry()
    T, found, is_solution, _ = solved(fkarm.ik.closed_form(robot), draw(robot, 20))
    assert is_solution.all()
    tool = np.eye(4)
    tool[:3, :3] = Rotation.from_euler("xyz", (0.3, 0.2, 0.1)).as_matrix()
    tool[:3, 3] = 0.05, 0.02, -0.1
    hand = T @ np.linalg.inv(tool)
    directions = np.array([[1, 0, 0], [0, 1, 0], np.array([0.1, 0, 1]) / np.hypot(0.1, 1)]).T
    slides = np.linalg.solve(directions, (hand[:, :3, 3] - (0.2, 0.2, 0.5)).T).T
    np.testing.assert_allclose(found[..., :3], np.repeat(slides[:, None], 2, axis=1), atol=1e-12)
    yaw, pitch, roll = Rotation.from_matrix(hand[:, :3, :3]).as_euler("ZYX").T
    angles = np.stack([[yaw, pitch, roll], [yaw + np.pi, np.pi - pitch, roll + np.pi]])
    apart = by_turns(found[:, :, None, 3:] - angles.transpose(2, 0, 1)[:, None])
    assert apart.max(axis=-1).min(axis=2).max() < 1e-9


def test_a_scara_answers_a_tilted_target_by_the_nearest_orientation():
    robot = scara()
    T = poses(robot, draw(robot, 10))
    tilted = T.copy()
    tilted[:, :3, :3] = T[:, :3, :3] @ rot((1, 0.4, 0.2), 0.5)
    tilted[:, :3, 3] = 0.9 * T[:, :3, 3]
    found = fkarm.ik.closed_form(robot).solve(tilted)
    assert not array(found.is_solution).any()
    reached = poses(robot, array(found.q)[:, 0])
    np.testing.assert_allclose(reached[:, :3, 3], tilted[:, :3, 3], atol=1e-12)

    def misses(rotations):
        return Rotation.from_matrix(np.swapaxes(rotations, -1, -2) @ tilted[:, :3, :3]).magnitude()

    yaws = np.linspace(-np.pi, np.pi, 2000)
    least = np.min([misses(rot((0, 0, 1), yaw) @ T[:, :3, :3]) for yaw in yaws], axis=0)
    assert (misses(reached[:, :3, :3]) <= least + 1e-9).all()


def test_a_scara_stretches_towards_a_target_out_of_reach():
    robot = scara()
    T = poses(robot, draw(robot, 5))
    T[:, :2, 3] *= 10.0
    found = fkarm.ik.closed_form(robot).solve(T)
    assert np.isfinite(array(found.q)).all()
    assert not array(found.is_solution).any()
    reached = poses(robot, array(found.q)[:, 0])
    np.testing.assert_allclose(reached[:, 2, 3], T[:, 2, 3], atol=1e-12)


@COMPILING
def test_gradients_agree_with_central_differences(name):
    robot = SLIDING[name][0]()
    form = fkarm.ik.closed_form(robot)
    q = draw(robot, 1, seed=3)
    target, free = poses(robot, q)[0], free_values(form, q)
    given = [] if free is None else [free[0]]
    marks = array(form.solve(tensor(target), *map(tensor, given)).is_solution).ravel()

    def solutions(entries):
        values = [entries[16:]] if given else []
        found = form.solve(keras.ops.reshape(entries[:16], (4, 4)), *values).q
        return keras.ops.reshape(found, (-1, robot.dof))[int(np.argmax(marks))]

    check_gradient(solutions, np.concatenate([target.ravel(), *given]), atol=1e-5)


@COMPILING
def test_gradients_are_finite_at_singularities_and_batches_may_be_empty(name):
    robot = SLIDING[name][0]()
    form = fkarm.ik.closed_form(robot)
    q = 0.0 * draw(robot, 1)
    free = free_values(form, q)
    given = [] if free is None else [tensor(free[0])]
    jacobian = jacobian_of(lambda T: form.solve(T, *given).q, poses(robot, q)[0])
    assert np.isfinite(jacobian).all()
    assert array(form.solve(np.zeros((0, 4, 4)), *given).q).shape[-2:] == (form.branches, robot.dof)


def test_nan_stays_in_its_row():
    robot = scara()
    targets = poses(robot, draw(robot, 3))
    targets[1, 0, 3] = np.nan
    found = fkarm.ik.closed_form(robot).solve(tensor(targets))
    assert array(found.is_solution).any(axis=1).tolist() == [True, False, True]
    assert np.isfinite(array(found.q)[[0, 2]]).all()


def test_a_slide_has_no_whole_turns():
    robot = on_rail(fkarm.robots.ur5e(), lower=3.0, upper=20.0)
    form = fkarm.ik.closed_form(robot)
    q = draw(robot, 5)
    _, found, _, within = solved(form, q)
    assert (found[..., 0] == q[:, :1]).all()
    assert within.any(axis=1).all()
    tall = scara("PRRR")
    tall = replace(tall, joints=(replace(tall.joints[0], lower=5.0, upper=9.0), *tall.joints[1:]))
    q = draw(tall, 5)
    found = solved(fkarm.ik.closed_form(tall), q)[1]
    np.testing.assert_allclose(found[..., 0], np.repeat(q[:, :1], 2, axis=1), atol=1e-12)
    for lower, upper in ((0.0, 1.0), (-4.0, 4.0)):
        first = replace(tall.joints[0], lower=lower, upper=upper)
        short = replace(tall, joints=(first, *tall.joints[1:]))
        found = fkarm.ik.closed_form(short).solve(poses(tall, q))
        assert array(found.is_solution).all()
        assert not array(found.within_limits).any()


def test_the_branch_nearest_to_a_reference_moves_no_slide_by_whole_turns():
    robot = scara("PRRR")
    q = draw(robot, 10)
    reference = q + np.array([8.0, 0.1, 0.0, 0.0])
    columns = np.swapaxes(poses(robot, q)[:, :3], 1, 2).reshape(10, 12)
    values = np.concatenate([np.full(4, -9.0), np.full(4, 9.0), np.ones(4)])
    found = fkarm.ik.closed_form(robot).nearest.in_numpy(columns, reference, values)
    np.testing.assert_allclose(found[:, :4], q, atol=1e-9)


def test_the_distance_from_the_middle_is_in_float64():
    robot = scara("PRRR")
    q = draw(robot, 10)
    columns = np.swapaxes(poses(robot, q)[:, :3], 1, 2).reshape(10, 12)
    values = np.concatenate([np.full(4, -9.0), np.full(4, 9.0), np.full(4, 0.3)])
    central = fkarm.ik.closed_form(robot).central
    found = array(central.compiled(*map(tensor, (columns, np.zeros((10, 4)), values)))[0])
    expected = np.square(0.3 * np.abs(found[:, :4]).max(axis=1))
    np.testing.assert_allclose(found[:, 4], expected, rtol=1e-14)


def test_a_turn_may_be_given_where_another_joint_slides():
    robot = on_rail(fkarm.robots.ur5e())
    with pytest.raises(fkarm.NoClosedFormError, match="of which 'rail' slide"):
        fkarm.ik.closed_form(robot, free="elbow_joint")


def test_values_of_a_slide_out_of_range_are_named_in_metres():
    form = fkarm.ik.closed_form(on_rail(fkarm.robots.ur5e()))
    with pytest.raises(ValueError, match="limits of 'rail', -1 to 1 m"):
        form.solve(np.eye(4), [1.5])


def test_calibrated_slides_have_the_form_of_their_data_sheet():
    joints = [slide("z", (3e-4, -2e-4, 1)), *scara("RRR").joints[:3]]
    robot = fkarm.Robot.from_joints(
        [replace(j, parent=None, child=None) for j in joints], ((0.05, 0, 0), (0, 0, 0))
    )
    with pytest.raises(fkarm.NoClosedFormError, match="larger"):
        fkarm.ik.closed_form(robot)
    form = fkarm.ik.closed_form(robot, tolerance=3e-3)
    check_solutions(form, draw(robot, COUNT), 1e-8)


NO_FORM = {
    "two lifts": lambda: fkarm.Robot.from_joints(
        [slide("x", (1, 0, 0)), slide("y", (1, 0, 0)), slide("z"), *wrist()]
    ),
    "a wrist on its own turn": lambda: cylindrical("orR").with_fixed_joints({"turn": 0.0}),
    "a slide across": lambda: fkarm.Robot.from_joints(
        [slide("x", (1, 0, 0)), *(turn(f"j{k}", xyz=(0.2, 0, 0)) for k in range(3))]
    ),
}


@pytest.mark.parametrize("name", NO_FORM)
def test_slides_without_a_form_are_named(name):
    with pytest.raises(fkarm.NoClosedFormError, match="closed form"):
        fkarm.ik.closed_form(NO_FORM[name]())


def test_targets_may_be_in_the_frame_of_another_link():
    robot = on_rail(fkarm.robots.ur5e())
    q = draw(robot, 5)
    form = fkarm.ik.closed_form(robot, base="foot")
    assert (form.free, form.base, form.branches) == (None, "foot", 8)
    relative = np.linalg.inv(poses(robot, q, "foot")) @ poses(robot, q)
    found = form.solve(relative)
    assert array(found.is_solution).any(axis=1).all()
    same = by_turns(array(found.q)[..., 1:] - q[:, None, 1:]).max(axis=-1) < 1e-9
    assert same.any(axis=1).all()


def test_a_chain_may_be_passed_from_its_end():
    robot = hand_first()
    q = draw(robot, 5)
    form = fkarm.ik.closed_form(robot, robot.root_link, base=robot.end_effector)
    assert form.kind == "spherical wrist"
    found = form.solve(np.linalg.inv(poses(robot, q)))
    rows, picks = np.nonzero(array(found.is_solution))
    assert len(rows) == 10
    np.testing.assert_allclose(
        poses(robot, array(found.q)[rows, picks]), poses(robot, q)[rows], atol=1e-12
    )
