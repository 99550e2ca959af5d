"""Pose metrics in millimetres, degrees and success rates, and the direction of improvement."""

import keras
import numpy as np
import pytest
from oracles import pose, rot

import fkarm
from fkarm import geometry
from fkarm.metrics import OrientationError, PoseSuccess, PositionError

TRUE = np.stack([np.eye(4)] * 4)
PRED = np.stack(
    [
        np.eye(4),
        pose(rot((0, 0, 1), np.radians(3)), (0.003, 0, 0.004)),
        pose(rot((1, 0, 0), np.radians(6))),
        pose(None, (0.03, 0, 0.04)),
    ]
)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (PositionError(), (0 + 5 + 0 + 50) / 4),
        (PositionError(unit="m"), 0.055 / 4),
        (OrientationError(), (0 + 3 + 6 + 0) / 4),
        (OrientationError(unit="rad"), np.radians(9 / 4)),
        (PoseSuccess(), 0.5),
        (PoseSuccess(position_tolerance=0.06), 0.75),
        (PoseSuccess(0.0, 0.0), 0.25),
    ],
    ids=["mm", "m", "deg", "rad", "success", "wide", "exact"],
)
def test_values_are_averaged_over_batches(metric, expected):
    metric.update_state(TRUE[:1], PRED[:1])
    metric.update_state(TRUE[1:], PRED[1:])
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-4)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_names_end_in_the_unit():
    assert PositionError().name == "position_error_mm"
    assert OrientationError(unit="rad").name == "orientation_error_rad"
    assert PositionError(name="reach").name == "reach"


def test_sample_weights_apply_to_every_output_format():
    metric = PositionError(output="xyz_quat_wxyz")
    true, pred = (geometry.matrix_to_pose(t, "xyz_quat_wxyz") for t in (TRUE, PRED))
    metric.update_state(true, pred, sample_weight=np.array([0, 1, 0, 1]))
    np.testing.assert_allclose(metric.result(), 27.5, rtol=1e-5)


@pytest.mark.parametrize(
    "metric",
    [
        PositionError(unit="m", output="xyz_rpy"),
        OrientationError(unit="rad"),
        PoseSuccess(0.1, 0.2),
    ],
    ids=lambda metric: metric.name,
)
def test_a_metric_is_restored_from_its_configuration(metric):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PositionError(unit="cm"), "unit must be one of"),
        (lambda: OrientationError(unit="turns"), "unit must be one of"),
        (lambda: PoseSuccess(position_tolerance=-1), "position_tolerance must be"),
        (lambda: PoseSuccess(orientation_tolerance=np.inf), "orientation_tolerance must be"),
        (lambda: OrientationError(output="position"), "output must be one of"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"pose must have shape \(\.\.\., 4, 4\)"):
        PositionError().update_state(np.eye(3), np.eye(3))


def test_positions_alone_can_be_measured():
    metric = PositionError(output="position")
    metric.update_state(TRUE[:, :3, 3], PRED[:, :3, 3])
    np.testing.assert_allclose(metric.result(), 55 / 4, rtol=1e-5)


def test_half_precision_poses_keep_small_errors():
    near = np.eye(4)
    near[0, 3] = 0.0017
    metric = PositionError()
    metric.update_state(np.eye(4, dtype="float16"), near.astype("float16"))
    np.testing.assert_allclose(metric.result(), 1.7, rtol=1e-3)


METRICS = {
    "position_error_mm": (PositionError(), "min"),
    "position_error_m": (PositionError("m"), "min"),
    "orientation_error_deg": (OrientationError(), "min"),
    "orientation_error_rad": (OrientationError("rad"), "min"),
    "pose_success": (PoseSuccess(), "max"),
}
ON_ALL = pytest.mark.parametrize("name", METRICS)


@ON_ALL
def test_callbacks_know_the_direction_of_improvement(name):
    metric, direction = METRICS[name]
    inputs = keras.Input((2,))
    layer = fkarm.layers.ForwardKinematics(fkarm.robots.planar([1.0, 0.5]))
    model = keras.Model(inputs, layer(inputs))
    model.compile("sgd", fkarm.losses.PoseLoss(), metrics=[metric])
    q, target = np.zeros((1, 2), "float32"), np.eye(4, dtype="float32")[None]
    monitor = f"val_{name}"
    early = keras.callbacks.EarlyStopping(monitor)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor)
    best = keras.callbacks.ModelCheckpoint("unused.keras", monitor, save_best_only=True)
    for callback in (early, plateau, best):
        callback.save_freq = 10**9  # write no file
        callback.set_model(model)
    model.evaluate(q, target, verbose=0)
    for callback in (early, plateau, best):
        callback._set_monitor_op()
        better, worse = (1.0, 2.0) if direction == "min" else (2.0, 1.0)
        assert callback._is_improvement(better, worse)
        assert not callback._is_improvement(worse, better)


@ON_ALL
def test_a_tuner_knows_the_direction_of_improvement(name):
    tuner = pytest.importorskip("keras_tuner")
    for objective in (name, f"val_{name}"):
        oracle = tuner.oracles.RandomSearchOracle(objective=objective)
        assert oracle.objective.direction == METRICS[name][1]
