"""`PoseLoss`: its values, its gradients, saving and training."""

import keras
import numpy as np
import pytest
from autodiff import array, check_gradient, jacobian_of, tensor
from oracles import pose, rot

import fkarm
from fkarm.geometry import chordal_distance, geodesic_distance, pose_position, pose_rotation
from fkarm.geometry.safe import safe_norm
from fkarm.losses import PoseLoss, pose_loss

QUARTER = pose(rot((0, 0, 1), np.pi / 2), (0.3, 0.0, 0.4))


@pytest.mark.parametrize(
    ("orientation", "angle"), [("geodesic", np.pi / 2), ("chordal", 2 * np.sin(np.pi / 4))]
)
def test_the_value_is_the_weighted_sum_of_both_errors(orientation, angle):
    value = pose_loss(np.eye(4), QUARTER, 2.0, 0.5, orientation)
    np.testing.assert_allclose(value, 2.0 * 0.5 + 0.5 * angle, atol=1e-12)
    loss = PoseLoss(2.0, 0.5, orientation)
    batch = loss(np.stack([np.eye(4)] * 2), np.stack([QUARTER, np.eye(4)]))
    np.testing.assert_allclose(batch, (1.0 + 0.5 * angle) / 2, atol=1e-6)


def test_geodesic_and_chordal_errors_agree_for_small_angles():
    near = pose(rot((1, 2, 3), 1e-3))
    geodesic, chordal = (
        float(pose_loss(np.eye(4), near, 0.0, 1.0, kind)) for kind in ("geodesic", "chordal")
    )
    np.testing.assert_allclose([geodesic, chordal], 1e-3, rtol=1e-6)


@pytest.mark.parametrize("orientation", ["geodesic", "chordal"])
@pytest.mark.parametrize("angle", [0.0, 1e-12, np.pi - 1e-6, np.pi], ids=str)
def test_the_gradient_is_finite_at_a_match_and_at_a_half_turn(orientation, angle):
    target = pose(rot((0, 1, 0), angle))
    gradient = jacobian_of(lambda t: pose_loss(target, t, orientation=orientation), np.eye(4))
    assert np.isfinite(gradient).all()
    if angle == 0.0:
        np.testing.assert_allclose(gradient[:3, 3], 0.0)


@pytest.mark.parametrize("orientation", ["geodesic", "chordal"])
def test_the_gradient_matches_central_differences_through_an_arm(orientation, panda, rng):
    q, target = rng.uniform(-1, 1, 7), QUARTER

    def loss(x):
        return pose_loss(
            target, fkarm.forward_kinematics(panda, x, "panda_hand"), orientation=orientation
        )

    check_gradient(loss, q)


def test_every_output_format_gives_the_same_loss(rng):
    target = np.stack([QUARTER] * 3)
    guess = np.stack([pose(rot((1, 0, 0), 0.2 * k)) for k in range(3)])
    expected = float(PoseLoss(dtype="float64")(target, guess))
    for name in fkarm.geometry.FULL_POSE_REPRESENTATIONS:
        loss = PoseLoss(output=name, dtype="float64")
        value = loss(*(fkarm.geometry.matrix_to_pose(t, name) for t in (target, guess)))
        np.testing.assert_allclose(value, expected, atol=1e-12)


@pytest.mark.only_on("tensorflow", reason="`fkarm.primers.gradient_cost`, which counts operations")
@pytest.mark.parametrize(
    ("output", "orientation"),
    [("matrix", "geodesic"), ("matrix", "chordal"), ("xyz_quat_wxyz", "geodesic")],
)
def test_a_term_of_zero_weight_is_not_in_the_graph(output, orientation):
    target = fkarm.geometry.matrix_to_pose(QUARTER, output)

    def ops_of(function):
        return fkarm.primers.gradient_cost(function, target, repeats=1)[:2]

    def ops_with(*weights):
        loss = PoseLoss(*weights, orientation, output)
        return ops_of(lambda pose: loss.call(target, pose))

    def position_alone(pose):
        true, pred = (pose_position(each, output) for each in (target, pose))
        return 2.0 * safe_norm(pred - true)

    def orientation_alone(pose):
        true, pred = (pose_rotation(each, output) for each in (target, pose))
        if orientation == "geodesic":
            return 2.0 * geodesic_distance(true, pred)
        return 2.0 * (chordal_distance(true, pred) / np.sqrt(2.0))

    assert ops_with(2.0, 0.0) == ops_of(position_alone)
    assert ops_with(0.0, 2.0) == ops_of(orientation_alone)
    both = sum(ops_with(2.0, 2.0))
    assert both > sum(ops_of(orientation_alone)) > sum(ops_of(position_alone))


@pytest.mark.parametrize("weight", [0, 0.0, np.float32(0), np.int64(0)], ids=repr)
def test_a_weight_of_zero_leaves_the_other_term(weight):
    np.testing.assert_allclose(pose_loss(np.eye(4), QUARTER, 2.0, weight), 1.0)
    np.testing.assert_allclose(pose_loss(np.eye(4), QUARTER, weight, 2.0), np.pi)
    np.testing.assert_array_equal(
        pose_loss(np.eye(4), np.stack([QUARTER] * 2), weight, weight), [0, 0]
    )
    in_a_tensor = pose_loss(np.eye(4), QUARTER, 2.0, tensor(0.0, "float64"))
    np.testing.assert_allclose(in_a_tensor, 1.0)


@pytest.mark.parametrize("weight", [0, 0.0, np.float32(0), np.int64(0)], ids=repr)
def test_an_orientation_of_nan_does_not_affect_a_loss_of_positions(weight):
    broken = QUARTER.copy()
    broken[:3, :3] = np.nan
    np.testing.assert_allclose(pose_loss(np.eye(4), broken, 2.0, weight), 1.0)
    gradient = jacobian_of(lambda pose: pose_loss(np.eye(4), pose, 2.0, weight), broken)
    assert np.isfinite(gradient).all()


def test_the_loss_is_saved_with_the_model_and_training_continues(panda, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((9,))
    limits = fkarm.layers.JointLimits(panda)
    q = limits(keras.layers.Dense(limits.input_size)(inputs))
    model = keras.Model(inputs, fkarm.layers.ForwardKinematics(panda)(q))
    model.compile(
        keras.optimizers.Adam(1e-2),
        PoseLoss(1.5, 0.25, "chordal"),
        metrics=[fkarm.metrics.PositionError(), fkarm.metrics.PoseSuccess()],
    )
    q = fkarm.sample_configurations(panda, 64, seed=0, dtype="float32")
    target = array(fkarm.forward_kinematics(panda, q, "panda_hand"))
    x = array(fkarm.geometry.matrix_to_pose(target, "xyz_rot6d"))
    losses = model.fit(x, target, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == model.loss.get_config()
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    loaded.fit(x, target, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"position_weight": -1}, "position_weight must be a finite number >= 0"),
        ({"orientation_weight": float("nan")}, "orientation_weight must be"),
        ({"orientation_weight": "x"}, "orientation_weight must be"),
        ({"orientation": "geodetic"}, "Did you mean 'geodesic'"),
        ({"output": "positions"}, "Did you mean 'position'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PoseLoss(**arguments)


def test_bad_poses_are_refused():
    with pytest.raises(ValueError, match=r"must have shape \(\.\.\., 4, 4\)"):
        pose_loss(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="orientation must be one of"):
        pose_loss(np.eye(4), np.eye(4), orientation="x")
