"""Losses and metrics in all units (`fkarm/_units.py`), and of positions alone."""

import keras
import numpy as np
import pytest
from oracles import pose, rot

import fkarm
from fkarm.losses import BestHeadPoseLoss, PoseLoss, pose_loss
from fkarm.metrics import OrientationError, PoseSuccess, PositionError

ARM = fkarm.robots.planar([1.0, 0.5])
IN_DEG_AND_MM = {"angle_unit": "deg", "length_unit": "mm"}
# 0.5 m and 30 degrees apart.
TRUE, PRED = np.eye(4), pose(rot((0, 0, 1), np.radians(30)), (0.3, 0.0, 0.4))


def written(matrix, output):
    """A batch of one pose in degrees and millimetres, computed without fkarm."""
    x, y, z = 1e3 * matrix[:3, 3]
    yaw = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
    if output == "matrix":
        return np.block([[matrix[:3, :3], 1e3 * matrix[:3, 3:]], [0, 0, 0, 1]])[None]
    half = np.radians(yaw) / 2
    return np.array(
        [
            {
                "position": [x, y, z],
                "xyz_rpy": [x, y, z, 0, 0, yaw],
                "xyz_kuka_abc": [x, y, z, yaw, 0, 0],
                "xyz_ur_rotvec": [x, y, z, 0, 0, yaw],
                "xyz_quat_wxyz": [x, y, z, np.cos(half), 0, 0, np.sin(half)],
            }[output]
        ]
    )


FULL = ["matrix", "xyz_rpy", "xyz_kuka_abc", "xyz_ur_rotvec", "xyz_quat_wxyz"]


@pytest.mark.parametrize("output", FULL)
def test_losses_and_metrics_do_not_depend_on_the_units_of_poses(output):
    both = [written(each, output) for each in (TRUE, PRED)]
    options = {"output": output, **IN_DEG_AND_MM}
    expected = 2.0 * 0.5 + 0.3 * np.radians(30)
    np.testing.assert_allclose(pose_loss(*both, 2.0, 0.3, **options), expected, rtol=1e-12)
    np.testing.assert_allclose(PoseLoss(2.0, 0.3, **options)(*both), expected, rtol=1e-6)
    heads = BestHeadPoseLoss(2.0, 0.3, **options)(both[0], both[1][:, None])
    np.testing.assert_allclose(heads, expected, rtol=1e-6)
    for metric, value in (
        (PositionError(**options), 500.0),
        (PositionError("m", **options), 0.5),
        (OrientationError(**options), 30.0),
        (OrientationError("rad", **options), np.pi / 6),
        (PoseSuccess(0.51, 0.53, **options), 1.0),
        (PoseSuccess(0.49, 0.53, **options), 0.0),
        (PoseSuccess(0.51, 0.51, **options), 0.0),
    ):
        metric.update_state(*both)
        np.testing.assert_allclose(metric.result(), value, rtol=1e-5)


@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("mm", 1e3)])
def test_a_loss_of_positions_needs_no_orientation(unit, factor):
    positions = [factor * each[None, :3, 3] for each in (TRUE, PRED)]
    options = {"output": "position", "length_unit": unit}
    np.testing.assert_allclose(pose_loss(*positions, 2.0, **options), 1.0)
    loss = PoseLoss(2.0, **options)
    np.testing.assert_allclose(loss(*positions), 1.0, rtol=1e-6)
    assert PoseLoss.from_config(loss.get_config()).get_config() == loss.get_config()
    heads = np.stack([positions[1], positions[0]], axis=1)
    np.testing.assert_allclose(
        BestHeadPoseLoss(2.0, relaxation=0.0, **options)(positions[0], heads), 0
    )
    metric = PositionError(**options)
    metric.update_state(*positions)
    np.testing.assert_allclose(metric.result(), 500.0, rtol=1e-6)


@pytest.mark.parametrize("weight", [0.1, 1])
def test_an_orientation_weight_of_positions_is_refused(weight):
    message = "orientation_weight must be 0 or None for positions.*Received"
    with pytest.raises(ValueError, match=message):
        PoseLoss(1.0, weight, output="position")
    with pytest.raises(ValueError, match=message):
        pose_loss(np.zeros(3), np.ones(3), 1.0, weight, output="position")


def reaching(output="position", **units):
    q = keras.Input((2,))
    return keras.Model(q, fkarm.layers.ForwardKinematics(ARM, None, output, **units)(q))


def test_a_model_in_millimetres_is_evaluated_in_millimetres():
    model = reaching(length_unit="mm")
    options = {"output": "position", "length_unit": "mm"}
    model.compile("sgd", PoseLoss(**options), metrics=[PositionError(**options)])
    actual = model.evaluate(np.zeros((1, 2)), np.array([[1500.0, 0, 74.0]]), verbose=0)
    np.testing.assert_allclose(actual, [0.074, 74.0], rtol=1e-5)


def test_a_model_of_positions_is_trained_and_saved(tmp_path):
    inputs = keras.Input((2,))
    limits = fkarm.layers.JointLimits(ARM, **IN_DEG_AND_MM)
    layer = fkarm.layers.ForwardKinematics(ARM, output="position", **IN_DEG_AND_MM)
    model = keras.Model(inputs, layer(limits(keras.layers.Dense(limits.input_size)(inputs))))
    options = {"output": "position", **IN_DEG_AND_MM}
    model.compile("sgd", PoseLoss(**options), metrics=[PositionError(**options)])
    x, y = np.ones((4, 2), "float32"), np.full((4, 3), 300.0, "float32")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert loaded.loss.get_config() == model.loss.get_config()


@pytest.mark.parametrize("which", ["loss", "metric"])
def test_a_model_in_other_units_is_refused(which):
    model = reaching(length_unit="mm")
    loss = PoseLoss(output="position") if which == "loss" else "mse"
    metric = PositionError(output="position")
    model.compile("sgd", loss, metrics=[] if which == "loss" else [metric])
    with pytest.raises(ValueError, match="must be in m, as length_unit says.*numbers in mm"):
        model.evaluate(np.zeros((1, 2)), np.zeros((1, 3)), verbose=0)


def test_units_of_angles_are_checked_only_if_the_pose_has_angles():
    model = reaching("xyz_rpy", angle_unit="deg")
    model.compile("sgd", PoseLoss(output="xyz_rpy"))
    with pytest.raises(ValueError, match="y_pred must be in rad, as angle_unit says.*in deg"):
        model.evaluate(np.zeros((1, 2)), np.zeros((1, 6)), verbose=0)
    model = reaching("matrix", angle_unit="deg")
    model.compile("sgd", PoseLoss(), metrics=[OrientationError()])
    assert np.isfinite(model.evaluate(np.zeros((1, 2)), np.eye(4)[None], verbose=0)).all()


@pytest.mark.parametrize("make", [PoseLoss, PositionError, OrientationError, PoseSuccess])
def test_unknown_units_are_refused(make):
    with pytest.raises(ValueError, match="length_unit must be one of"):
        make(length_unit="cm")
    with pytest.raises(ValueError, match="angle_unit must be one of"):
        make(angle_unit="turns")
