"""Solutions of closed forms: exact, complete, finite, differentiable."""

import keras
import numpy as np
import pytest
from autodiff import COMPILED, array, check_gradient, in_mode, jacobian_of, tensor
from ik.closed_form.arms import (
    PUMA_560,
    QUARTER,
    ROBOTS,
    by_turns,
    calibrated,
    check_solutions,
    draw,
    free_values,
    from_table,
    oblique,
    poses,
    solved,
)

import fkarm
from fkarm.ik.closed_form import branches

COUNT = 60
EVERY_CASE = pytest.mark.in_test_all("every case")


@pytest.mark.parametrize("name", ROBOTS)
def test_solutions_are_exact_and_contain_the_posture_of_the_target(name):
    robot = ROBOTS[name]()
    form = fkarm.ik.closed_form(robot)
    found, _, within = check_solutions(form, draw(robot, COUNT), 1e-12)
    assert within.any(axis=1).all()
    inside = found[within]
    assert (inside >= robot.lower_limits).all()
    assert (inside <= robot.upper_limits).all()


@pytest.mark.parametrize("joint", ["iiwa_joint_1", "iiwa_joint_2", "iiwa_joint_3", "iiwa_joint_6"])
def test_every_free_joint_of_the_iiwa_gives_exact_solutions(joint):
    robot = fkarm.robots.iiwa14()
    check_solutions(fkarm.ik.closed_form(robot, free=joint), draw(robot, COUNT), 1e-11)


@pytest.mark.parametrize("name", ["ur5e", "kr_6"])
def test_oblique_mounts_and_tools_are_exact(name):
    robot = oblique(ROBOTS[name]())
    check_solutions(fkarm.ik.closed_form(robot), draw(robot, COUNT), 1e-12)


def test_first_axes_may_be_parallel():
    rows = [(0.4, 0, 0.3, 0), (0.3, QUARTER, 0.1, 0), (0.05, -QUARTER, 0, 0), *PUMA_560[3:]]
    robot = from_table(rows)
    check_solutions(fkarm.ik.closed_form(robot), draw(robot, COUNT), 1e-11)


def test_newton_steps_remove_the_rounding_of_a_file():
    rows = [(a, round(alpha, 4), d, theta) for a, alpha, d, theta in PUMA_560]
    robot = from_table(rows)
    form = fkarm.ik.closed_form(robot)
    q = draw(robot, COUNT)
    targets, found, is_solution, _ = solved(form, q)
    rows, picks = np.nonzero(is_solution)
    assert np.abs(poses(robot, found[rows, picks]) - targets[rows]).max() < 1e-9
    same = by_turns(found - q[:, None]).max(axis=-1) < 1e-6
    assert (same & is_solution).any(axis=1).mean() > 0.95  # not beside singularities


@pytest.mark.parametrize("name", ["ur5e", "puma_560", "panda"])
def test_float32_solutions_are_accurate(name):
    robot = ROBOTS[name]()
    check_solutions(fkarm.ik.closed_form(robot), draw(robot, COUNT), 2e-5, "float32")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("ur5e", "float32"),
        ("panda", "float64"),
        *(
            pytest.param(*case, marks=EVERY_CASE)
            for case in (
                ("ur5e", "float64"),
                ("panda", "float32"),
                ("kr_6", "float32"),
                ("kr_6", "float64"),
            )
        ),
    ],
)
def test_compiled_solutions_equal_those_of_few_rows(name, dtype):
    robot = ROBOTS[name]()
    form = fkarm.ik.closed_form(robot)
    q = draw(robot, 40)
    expected = solved(form, q, dtype)
    with fkarm.config.compilation("graph"):
        found = solved(form, q, dtype)
    tolerance = 1e-9 if dtype == "float64" else 1e-2
    both = found[2] & expected[2]
    assert (found[2] == expected[2]).mean() > 0.99
    assert by_turns(found[1] - expected[1])[both].max() < tolerance


SINGULAR = {
    "wrist straight": ("ur5e", {4: 0.0}),
    "elbow stretched": ("ur5e", {2: 0.0}),
    "wrist of the Puma": ("puma_560", {4: 0.0}),
    "elbow of the Puma": ("puma_560", {2: np.arctan2(0.0203, 0.4318) + QUARTER}),
    "wrist of the KR 6": ("kr_6", {4: 0.0}),
}


@pytest.mark.parametrize("case", SINGULAR)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_singular_targets_have_a_solution(case, dtype):
    name, held = SINGULAR[case]
    robot = ROBOTS[name]()
    q = draw(robot, COUNT)
    for entry, value in held.items():
        q[:, entry] = value
    form = fkarm.ik.closed_form(robot)
    targets, found, is_solution, _ = solved(form, q, dtype)
    assert np.isfinite(found).all()
    assert is_solution.any(axis=1).all()
    rows, picks = np.nonzero(is_solution)
    reached = poses(robot, found[rows, picks].astype("float64"))
    assert np.abs(reached - targets[rows]).max() < (2e-5 if dtype == "float32" else 1e-9)


# Of UR5e and Puma 560, in float32: the wrist's centre touches the cylinder that the shoulder cannot
# leave, so that the square root of joint 1 is zero but for rounding.
AT_THE_SHOULDER = {
    "ur5e": [
        [-0.6099081039428711, 0.665145993232727, -0.4308050274848938, 0.009727105498313904],
        [-0.0984608381986618, -0.6030123233795166, -0.7916322350502014, 0.043621450662612915],
        [-0.7863317131996155, -0.4404054880142212, 0.43327292799949646, 0.8219825625419617],
        [0, 0, 0, 1],
    ],
    "puma_560": [
        [-0.9001864194869995, 0.35320407152175903, 0.25477689504623413, -0.14965079724788666],
        [0.11349880695343018, -0.37453171610832214, 0.9202412962913513, -0.01093811634927988],
        [0.4204549789428711, 0.8573055863380432, 0.29706013202667236, -0.15323545038700104],
        [0, 0, 0, 1],
    ],
}


@pytest.mark.in_test_all("optimised")
@pytest.mark.parametrize("name", AT_THE_SHOULDER)
def test_compiled_code_may_round_a_root_in_several_ways(name):
    form = fkarm.ik.closed_form(ROBOTS[name]())
    target = np.array(AT_THE_SHOULDER[name], "float32")
    with fkarm.config.compilation("graph"):
        assert array(form.solve(target).is_solution).all()


def test_a_target_on_the_first_axis_has_a_solution():
    robot = ROBOTS["kr_6"]()
    targets = np.tile(np.eye(4), (4, 1, 1))
    targets[:, 2, 3] = np.linspace(0.75, 0.95, 4)
    found = fkarm.ik.closed_form(robot).solve(tensor(targets))
    assert np.isfinite(array(found.q)).all()
    assert array(found.is_solution).any(axis=1).all()


@pytest.mark.parametrize("name", ROBOTS)
def test_targets_out_of_reach_are_finite_and_not_marked(name):
    robot = ROBOTS[name]()
    form = fkarm.ik.closed_form(robot)
    targets = poses(robot, draw(robot, 5))
    targets[:, :3, 3] += 5.0
    free = None if form.free is None else tensor(np.zeros(1) + 0.5)
    found = form.solve(tensor(targets), free)
    assert np.isfinite(array(found.q)).all()
    assert not array(found.is_solution).any()


def test_nan_stays_in_its_row():
    robot = ROBOTS["ur5e"]()
    targets = poses(robot, draw(robot, 3))
    targets[1, 0, 3] = np.nan
    found = fkarm.ik.closed_form(robot).solve(tensor(targets))
    assert array(found.is_solution).any(axis=1).tolist() == [True, False, True]
    assert np.isfinite(array(found.q)[[0, 2]]).all()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0)])
def test_batch_axes_are_those_of_the_targets(shape):
    robot = ROBOTS["panda"]()
    form = fkarm.ik.closed_form(robot)
    target = poses(robot, draw(robot, 1))[0]
    targets = np.broadcast_to(target, (*shape, 4, 4))
    found = form.solve(tensor(targets), tensor(np.linspace(-1, 1, 5)))
    assert array(found.q).shape == (*shape, 5, 8, 7)
    assert array(found.is_solution).shape == array(found.within_limits).shape == (*shape, 5, 8)


def test_a_size_of_the_batch_may_be_unknown():
    robot = ROBOTS["ur5e"]()
    form = fkarm.ik.closed_form(robot)
    targets = poses(robot, draw(robot, 6)).astype("float32")
    solve = in_mode(lambda T: form.solve(T).q, COMPILED, (None, 4, 4))
    np.testing.assert_allclose(
        np.sin(array(solve(tensor(targets)))),
        np.sin(array(form.solve(tensor(targets)).q)),
        atol=1e-3,
    )


def test_a_joint_with_a_wide_range_is_brought_into_its_limits():
    robot = from_table(PUMA_560, [(4.0, 9.0)] + [(-3.0, 3.0)] * 5)
    form = fkarm.ik.closed_form(robot)
    q = draw(robot, 20)
    _, found, is_solution, within = solved(form, q)
    assert within.any(axis=1).all()
    assert ((found[..., 0] >= 4.0) & (found[..., 0] <= 9.0))[within].all()
    assert (within <= is_solution).all()


def test_joints_elsewhere_stay_at_rest():
    arm = fkarm.robots.ur5e()
    extra = fkarm.Joint(
        "camera", xyz=(0, 0, 1), lower=0.5, upper=1.0, parent="base_link", child="eye"
    )
    robot = fkarm.Robot([*arm.joints, extra])
    form = fkarm.ik.closed_form(robot, "tool0")
    q = draw(robot, 5)
    found = form.solve(tensor(poses(robot, q, "tool0")))
    assert (array(found.q)[..., robot.joint_names.index("camera")] == 0.5).all()
    assert array(found.is_solution).any(axis=1).all()


@pytest.mark.parametrize("name", ["ur5e", "kr_6", "panda"])
def test_gradients_agree_with_central_differences(name):
    robot = ROBOTS[name]()
    form = fkarm.ik.closed_form(robot)
    q = draw(robot, 1, seed=3)
    target = poses(robot, q)[0]
    free = None if form.free is None else tensor(free_values(form, q)[0])
    marks = array(form.solve(tensor(target), free).is_solution).ravel()
    assert marks.any()

    def solutions(entries):
        found = form.solve(keras.ops.reshape(entries, (4, 4)), free).q
        return keras.ops.reshape(found, (8, robot.dof))[int(np.argmax(marks))]

    check_gradient(solutions, target.ravel(), atol=1e-5)


@pytest.mark.parametrize(
    "held",
    [{2: 0.0, 4: 0.0}, *(pytest.param(one, marks=EVERY_CASE) for one in ({2: 0.0}, {4: 0.0}))],
)
@pytest.mark.parametrize("name", ["ur5e", "kr_6"])
def test_gradients_are_finite_at_singularities(name, held):
    robot = ROBOTS[name]()
    form = fkarm.ik.closed_form(robot)
    q = draw(robot, 1)
    for entry, value in held.items():
        q[:, entry] = value
    jacobian = jacobian_of(lambda T: form.solve(T).q, poses(robot, q)[0])
    assert np.isfinite(jacobian).all()


def test_a_branch_is_continuous_along_a_path():
    robot = ROBOTS["ur5e"]()
    start, end = (
        np.array([0.3, -1.2, 1.4, -0.6, 0.9, 0.2]),
        np.array([0.6, -1.0, 1.1, -0.9, 1.3, 0.5]),
    )
    q = start + np.linspace(0, 1, 200)[:, None] * (end - start)
    found = fkarm.ik.closed_form(robot).solve(tensor(poses(robot, q)))
    is_path = by_turns(array(found.q) - q[:, None]).max(axis=-1) < 1e-9
    assert is_path.all(axis=0).sum() == 1


def test_bad_targets_and_values_are_named():
    arm, panda = fkarm.ik.closed_form(ROBOTS["ur5e"]()), fkarm.ik.closed_form(ROBOTS["panda"]())
    with pytest.raises(ValueError, match=r"T must have shape \(..., 4, 4\)"):
        arm.solve(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="must hold rotations"):
        arm.solve(2.0 * np.eye(4))
    with pytest.raises(ValueError, match="free_value must be None"):
        arm.solve(np.eye(4), [0.0])
    with pytest.raises(ValueError, match="free_value must hold values of the free joint"):
        panda.solve(np.eye(4))
    with pytest.raises(ValueError, match="free_value must have shape"):
        panda.solve(np.eye(4), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="within the limits of 'panda_joint7'"):
        panda.solve(np.eye(4), [9.0])
    with pytest.raises(TypeError, match="real numbers"):
        arm.solve(np.full((4, 4), "a"))


def test_a_matrix_that_is_nearly_a_pose_is_not_marked():
    robot = ROBOTS["ur5e"]()
    target = poses(robot, draw(robot, 1))[0]
    target[:3, 0] += 2e-4
    assert not array(fkarm.ik.closed_form(robot).solve(tensor(target)).is_solution).any()


def test_tolerances_are_those_of_the_documentation():
    assert branches.TOLERANCES == {"float32": 1e-5, "float64": 1e-9}


@pytest.mark.parametrize("name", ["ur5e", "puma_560", "kr_6"])
def test_no_solution_of_a_dense_search_is_missing(name):
    arm = ROBOTS[name]()
    T = poses(arm, draw(arm, 10, seed=3))
    found = fkarm.ik.closed_form(arm).solve(T)
    branches, is_solution = array(found.q), array(found.is_solution)
    exact = {"position_tolerance": 1e-9, "orientation_tolerance": 1e-9}
    every = fkarm.solve_ik_all(arm, T, starts=150, method="numeric", **exact)
    for k in range(len(T)):
        searched = every.q[k][every.is_solution[k]]
        assert len(searched) > 1
        apart = searched[:, None] - branches[k][is_solution[k]]
        assert by_turns(apart).max(axis=-1).min(axis=1).max() < 1e-2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["ur5e", "puma_560", "iiwa14"])
def test_a_calibrated_arm_has_the_form_of_its_data_sheet(name, dtype):
    robot = calibrated(ROBOTS[name](), 5e-4)
    with pytest.raises(fkarm.NoClosedFormError, match="larger tolerance"):
        fkarm.ik.closed_form(robot)
    form = fkarm.ik.closed_form(robot, tolerance=3e-3)
    assert max(form.residual) > 1e-4
    q = draw(robot, 200)
    targets, found, is_solution, _ = solved(form, q, dtype)
    rows, picks = np.nonzero(is_solution)
    reached = poses(robot, found[rows, picks].astype("float64"))
    assert np.abs(reached - targets[rows]).max() < (2e-5 if dtype == "float32" else 2e-9)
    apart = np.abs(by_turns(found - q[:, None])).max(axis=-1)
    is_found = (is_solution & (apart < (1e-6 if dtype == "float64" else 2e-2))).any(axis=1)
    assert is_found.mean() > 0.9


@pytest.mark.parametrize("tolerance", [0.0, 0.1, "1e-3"])
def test_a_tolerance_out_of_range_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance must be"):
        fkarm.ik.closed_form(fkarm.robots.ur5e(), tolerance=tolerance)
