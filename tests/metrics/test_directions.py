"""Callbacks and tuners know which way a metric is better."""

import keras
import numpy as np
import pytest

import fkarm
from fkarm import metrics

METRICS = {
    "position_error_mm": (metrics.PositionError(), "min"),
    "position_error_m": (metrics.PositionError("m"), "min"),
    "orientation_error_deg": (metrics.OrientationError(), "min"),
    "orientation_error_rad": (metrics.OrientationError("rad"), "min"),
    "pose_success": (metrics.PoseSuccess(), "max"),
}
ON_ALL = pytest.mark.parametrize("name", METRICS)


@ON_ALL
def test_callbacks_find_the_direction_by_themselves(name):
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
        callback.save_freq = 10**9  # no file
        callback.set_model(model)
    model.evaluate(q, target, verbose=0)
    for callback in (early, plateau, best):
        callback._set_monitor_op()
        better, worse = (1.0, 2.0) if direction == "min" else (2.0, 1.0)
        assert callback._is_improvement(better, worse)
        assert not callback._is_improvement(worse, better)


@ON_ALL
def test_a_tuner_finds_the_direction_by_the_name(name):
    tuner = pytest.importorskip("keras_tuner")
    for objective in (name, f"val_{name}"):
        oracle = tuner.oracles.RandomSearchOracle(objective=objective)
        assert oracle.objective.direction == METRICS[name][1]
