"""IKRefinement and InverseKinematics in models: accuracy, gradients, saving, refusals."""

import keras
import numpy as np
import pytest
from autodiff import COMPILED, MODES, array, dtype_of, in_mode, jacobian_of, tensor
from keras import ops
from oracles import central_difference

import fkarm
from fkarm.layers import IKRefinement, InverseKinematics

# What three turns in a plane reach.
PLANE = ("x", "y", "rz")


@pytest.fixture(scope="module")
def plane():
    return fkarm.robots.planar([0.5, 0.4, 0.3])


@pytest.fixture(scope="module")
def plane_target(plane):
    q = np.random.default_rng(0).uniform(-1.5, 1.5, size=(64, 3))
    return array(fkarm.forward_kinematics(plane, q, plane.end_effector))


@pytest.fixture(scope="module")
def q(panda):
    lower, upper = panda.lower_limits, panda.upper_limits
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    return middle + 0.7 * half * np.random.default_rng(0).uniform(-1, 1, size=(64, 7))


@pytest.fixture(scope="module")
def target(panda, q):
    return array(fkarm.forward_kinematics(panda, q, "panda_hand"))


def position_error(robot, q, target):
    q = array(q).astype("float64")
    poses = array(fkarm.forward_kinematics(robot, q, robot.end_effector))
    return np.linalg.norm(poses[..., :3, 3] - target[..., :3, 3], axis=-1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_three_steps_turn_centimetres_into_micrometres(dtype, panda, q, target, rng):
    rough = q + 0.03 * rng.normal(size=q.shape)
    inputs = (rough.astype(dtype), target.astype(dtype))
    refined = IKRefinement(panda, "panda_hand", dtype=dtype)(inputs)
    assert np.median(position_error(panda, rough, target)) > 1e-2
    assert np.median(position_error(panda, refined, target)) < 5e-6
    assert dtype_of(refined) == dtype
    assert ((array(refined) >= panda.lower_limits) & (array(refined) <= panda.upper_limits)).all()


@pytest.mark.only_on(
    "tensorflow",
    "torch",
    reason="derivatives through several steps of `IKRefinement`: XLA compiles them for minutes",
)
def test_refinement_is_differentiable_through_its_steps(plane, plane_target, rng):
    layer = IKRefinement(plane, steps=2, task=PLANE, dtype="float64")
    target = plane_target
    rough = np.array([0.3, 0.8, -0.4]) + 0.05 * rng.normal(size=3)
    expected = central_difference(lambda x: array(layer((x, target[0]))), rough)
    np.testing.assert_allclose(
        jacobian_of(lambda x: layer((x, target[0])), rough), expected, atol=1e-6
    )
    expected = central_difference(
        lambda p: array(layer((rough, p.reshape(4, 4)))), target[0].ravel()
    )
    found = jacobian_of(lambda p: layer((rough, ops.reshape(p, (4, 4)))), target[0].ravel())
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_solver_layer_reaches_its_targets(panda, target):
    found = InverseKinematics(panda, "panda_hand")(target.astype("float32"))
    error = position_error(panda, found, target)
    assert (error < 1e-3).mean() > 0.95
    assert ((array(found) >= panda.lower_limits) & (array(found) <= panda.upper_limits)).all()


@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.parametrize(
    "robot", ["ur5e", pytest.param("panda", marks=pytest.mark.in_test_all("every case"))]
)
def test_its_gradient_is_that_of_the_implicit_function(robot):
    """Differences of the solution itself: a step along the target moves q by J^+ of it."""
    robot = getattr(fkarm.robots, robot)()
    middle = np.clip(np.array([0.3, -0.7, 0.4, -1.9, 0.5, 1.7, 0.6])[: robot.dof], -3, 3)
    link = robot.end_effector
    layer = InverseKinematics(robot, link, dtype="float64")
    # Which solution is found hangs on rounding: take a target whose solution no limit stops.
    poses = array(fkarm.forward_kinematics(robot, middle + np.linspace(0, 0.4, 5)[:, None], link))
    solutions = array(layer(poses))
    inside = (solutions > robot.lower_limits + 1e-6) & (solutions < robot.upper_limits - 1e-6)
    row = inside.all(axis=1).argmax()
    pose, solution = poses[row], array(layer(poses[row]))
    assert inside[row].all()
    jacobian = array(fkarm.geometric_jacobian(robot, solution, link))
    inverse = np.linalg.pinv(jacobian)

    def moved(twist):
        """The pose after a small motion in root axes."""
        turn = fkarm.geometry.so3_exp(twist[3:])
        rotation = turn @ tensor(pose[:3, :3])
        return fkarm.geometry.make_transform(rotation, tensor(pose[:3, 3]) + twist[:3])

    found = jacobian_of(lambda twist: layer(moved(twist)), np.zeros(6))
    np.testing.assert_allclose(found, inverse, atol=1e-4 * np.abs(inverse).max())
    # And the pose of the solution follows the target.
    twist = 1e-5 * np.array([1.0, -2.0, 0.5, 1.0, 0.3, -1.0])
    follows = array(fkarm.forward_kinematics(robot, solution + found @ twist, link))
    wanted = array(moved(tensor(twist)))
    assert np.abs(follows - wanted).max() < 1e-3 * np.abs(twist).max()


@pytest.mark.usefixtures("nothing_compiled")
def test_nan_targets_affect_their_own_rows(panda, target):
    broken = target[:4].astype("float32")
    broken[1, 0, 0] = np.nan
    found = array(InverseKinematics(panda, "panda_hand")(broken))
    assert np.isfinite(found).all()
    assert (position_error(panda, found, target[:4])[[0, 2, 3]] < 1e-2).all()


@pytest.mark.parametrize(
    ("mode", "robot", "task"),
    [
        (COMPILED, "plane", PLANE),
        *((mode, "panda", "pose") for mode in MODES),
    ],
)
@pytest.mark.in_test_all("every case")  # tests/contract compiles both
def test_they_compile(mode, robot, task, request):
    robot = request.getfixturevalue(robot)
    target = request.getfixturevalue("target" if task == "pose" else "plane_target")[:8]
    solver, refine = InverseKinematics(robot, task=task), IKRefinement(robot, task=task)
    # XLA wants the number of rows.
    shape = (8 if mode == "xla" else None, 4, 4)
    compiled = in_mode(lambda t: refine((solver(t), t)), mode, shape)
    found = compiled(tensor(target, "float32"))
    assert (position_error(robot, found, target) < 1e-3).mean() > 0.7


@pytest.mark.in_test_all("every case")  # so does tests/contract
def test_models_with_them_save_load_and_train(plane, plane_target, tmp_path):
    keras.utils.set_random_seed(0)
    target = plane_target
    poses = keras.Input((4, 4))
    start = keras.layers.Dense(3)(keras.layers.Flatten()(poses))
    guess = fkarm.layers.JointLimits(plane)(start)
    refined = IKRefinement(plane, steps=1, task=PLANE)((guess, poses))
    solved = InverseKinematics(plane, starts=4, task=PLANE)(poses)
    model = keras.Model(poses, [refined, solved])
    assert [tuple(output.shape) for output in model.outputs] == [(None, 3), (None, 3)]
    expected = model.predict(target, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for first, second in zip(expected, loaded.predict(target, verbose=0), strict=True):
        np.testing.assert_array_equal(first, second)
    reach = keras.Model(poses, fkarm.layers.ForwardKinematics(plane)(refined))
    reach.compile(keras.optimizers.Adam(1e-3), fkarm.losses.PoseLoss())
    history = reach.fit(target, target, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < history[0]


def test_bad_arguments_are_refused(panda, q, target):
    for layer in (IKRefinement, InverseKinematics):
        with pytest.raises(TypeError, match="robot must be"):
            layer("panda")
        with pytest.raises(fkarm.UnknownLinkError):
            layer(panda, "elbow")
        with pytest.raises(ValueError, match="from 'panda_link0' to 'panda_link0'"):
            layer(panda, "panda_link0")
        with pytest.raises(ValueError, match="steps must be a whole number"):
            layer(panda, steps=0)
        with pytest.raises(ValueError, match="task must be"):
            layer(panda, task="speed")
        with pytest.raises(ValueError, match=rf"{layer.__name__} must come without clearance.*0.1"):
            layer(panda, clearance=0.1)
        with pytest.raises(ValueError, match=r"without obstacles.*Use fkarm\.solve_ik\(.*SelfDist"):
            layer(panda, obstacles=[])
    with pytest.raises(ValueError, match="starts must be"):
        InverseKinematics(panda, starts=True)
    with pytest.raises(ValueError, match="same batch axes"):
        IKRefinement(panda)((q[:2], target[0]))
    with pytest.raises(ValueError, match="target_poses must have shape"):
        InverseKinematics(panda)(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="q must have shape"):
        IKRefinement(panda)((q[:2, :6], target[:2]))
