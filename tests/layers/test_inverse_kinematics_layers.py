"""IKRefinement and InverseKinematics in models: accuracy, gradients, saving, refusals."""

import keras
import numpy as np
import pytest
from autodiff import MODES, array, dtype_of, in_mode, jacobian_of, tensor
from keras import ops
from oracles import central_difference

import fkarm
from fkarm.layers import IKRefinement, InverseKinematics


@pytest.fixture(scope="module")
def q(panda):
    lower, upper = panda.lower_limits, panda.upper_limits
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    return middle + 0.7 * half * np.random.default_rng(0).uniform(-1, 1, size=(64, 7))


@pytest.fixture(scope="module")
def target(panda, q):
    return array(fkarm.forward_kinematics(panda, q, "panda_hand"))


def position_error(robot, q, target):
    poses = array(fkarm.forward_kinematics(robot, array(q).astype("float64"), "panda_hand"))
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
def test_refinement_is_differentiable_through_its_steps(panda, q, target, rng):
    layer = IKRefinement(panda, "panda_hand", steps=2, dtype="float64")
    rough = q[0] + 0.05 * rng.normal(size=7)
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


@pytest.mark.parametrize("robot", ["panda", "ur5e"])
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


def test_nan_targets_affect_their_own_rows(panda, target):
    broken = target[:4].astype("float32")
    broken[1, 0, 0] = np.nan
    found = array(InverseKinematics(panda, "panda_hand")(broken))
    assert np.isfinite(found).all()
    assert (position_error(panda, found, target[:4])[[0, 2, 3]] < 1e-2).all()


@pytest.mark.parametrize("mode", MODES)
def test_they_compile(mode, panda, q, target):
    solver, refine = InverseKinematics(panda, "panda_hand"), IKRefinement(panda, "panda_hand")
    # XLA wants the number of rows.
    shape = (8 if mode == "xla" else None, 4, 4)
    compiled = in_mode(lambda t: refine((solver(t), t)), mode, shape)
    found = compiled(tensor(target[:8], "float32"))
    assert (position_error(panda, found, target[:8]) < 1e-3).mean() > 0.7


def test_models_with_them_save_load_and_train(panda, q, target, tmp_path):
    keras.utils.set_random_seed(0)
    poses = keras.Input((4, 4))
    start = keras.layers.Dense(7)(keras.layers.Flatten()(poses))
    guess = fkarm.layers.JointLimits(panda)(start)
    refined = IKRefinement(panda, "panda_hand", steps=1)((guess, poses))
    model = keras.Model(poses, [refined, InverseKinematics(panda, "panda_hand", seeds=4)(poses)])
    assert [tuple(output.shape) for output in model.outputs] == [(None, 7), (None, 7)]
    expected = model.predict(target, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for first, second in zip(expected, loaded.predict(target, verbose=0), strict=True):
        np.testing.assert_array_equal(first, second)
    reach = keras.Model(poses, fkarm.layers.ForwardKinematics(panda, "panda_hand")(refined))
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
        with pytest.raises(ValueError, match="on the way to 'panda_link0'"):
            layer(panda, "panda_link0")
        with pytest.raises(ValueError, match="steps must be a whole number"):
            layer(panda, steps=0)
        with pytest.raises(ValueError, match="task must be"):
            layer(panda, task="speed")
    with pytest.raises(ValueError, match="seeds must be"):
        InverseKinematics(panda, seeds=True)
    with pytest.raises(ValueError, match="same batch axes"):
        IKRefinement(panda)((q[:2], target[0]))
    with pytest.raises(ValueError, match="target must have shape"):
        InverseKinematics(panda)(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="q must have shape"):
        IKRefinement(panda)((q[:2, :6], target[:2]))
