"""A small model around each public Keras object, and which objects owe which property."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import fkarm
from fkarm.layers import ForwardKinematics, IKRefinement, InverseKinematics, JointLimits
from fkarm.learning import IKFlow, IKRegressor
from fkarm.losses import BestHeadPoseLoss, PoseLoss
from fkarm.metrics import OrientationError, PoseSuccess, PositionError

CONTRACT = json.loads(Path(__file__).with_name("contract.json").read_text())
LENGTHS = (0.5, 0.4, 0.3)
ROWS, BATCH = 12, 6
# Three turns in a plane reach a position and a direction in it.
TASK = ("x", "y", "rz")


def make_arm():
    """A planar arm whose elbow can bend both ways, with limits and a tool."""
    names, ends = ("shoulder", "elbow", "wrist"), (0.0, *LENGTHS)
    joints = [
        fkarm.Joint(name, xyz=(x, 0, 0), lower=-2.0 - x, upper=2.5 + x)
        for name, x in zip(names, ends, strict=False)
    ]
    return fkarm.Robot.from_joints(joints, tool=(LENGTHS[-1], 0, 0), name="contract_arm")


ARM = make_arm()


class Case(NamedTuple):
    """A compiled model with the object in it, data to fit, and the object."""

    model: keras.Model
    x: Any
    y: Any
    thing: Any
    random: tuple[str, ...] = ()  # metrics of random samples


def poses(rows=ROWS, seed=0):
    """Poses of the arm in closed form. Float32, `(rows, 4, 4)`."""
    q = np.random.default_rng(seed).uniform(-1.5, 1.5, size=(rows, 3))
    return closed_form(q).astype("float32")


def closed_form(q):
    """Poses of the tool. Float64, `(rows, 4, 4)`."""
    angle = np.cumsum(q, axis=1)
    found = np.tile(np.eye(4), (len(q), 1, 1))
    found[:, 0, 0], found[:, 0, 1] = np.cos(angle[:, -1]), -np.sin(angle[:, -1])
    found[:, 1, 0], found[:, 1, 1] = np.sin(angle[:, -1]), np.cos(angle[:, -1])
    found[:, 0, 3] = np.cos(angle) @ LENGTHS
    found[:, 1, 3] = np.sin(angle) @ LENGTHS
    return found


def features(rows=ROWS, size=4):
    return np.random.default_rng(1).normal(size=(rows, size)).astype("float32")


def compiled(inputs, outputs, thing, x, y, loss="mse", metrics=(), **options):
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=list(metrics), **options)
    return Case(model, x, y, thing)


def around_a_layer(layer, size, spread, **options):
    """`Dense`, then the layer; targets are what the layer makes of zeros, `spread` apart."""
    inputs = keras.Input((4,))
    outputs = layer(keras.layers.Dense(size)(inputs))
    y = np.full((ROWS, *outputs.shape[1:]), spread, "float32")
    return compiled(inputs, outputs, layer, features(), y, **options)


def forward_kinematics(**options):
    layer = ForwardKinematics(ARM, ["elbow_link", "tool"], "xyz_rotvec", "deg", "mm")
    return around_a_layer(layer, 3, 100.0, **options)


def joint_limits(**options):
    layer = JointLimits(ARM)
    return around_a_layer(layer, layer.input_size, 0.5, **options)


def refinement(**options):
    layer = IKRefinement(ARM, steps=1, task=TASK)
    targets = keras.Input((4, 4))
    guess = JointLimits(ARM)(keras.layers.Dense(3)(keras.layers.Flatten()(targets)))
    outputs = ForwardKinematics(ARM)(layer((guess, targets)))
    return compiled(targets, outputs, layer, poses(), poses(seed=1), **options)


def inverse_kinematics(**options):
    layer = InverseKinematics(ARM, seeds=8, steps=12, task=TASK)
    targets = keras.Input((4, 4))
    reached = ForwardKinematics(ARM)(layer(targets))
    outputs = fkarm.primers.ChannelAffine(axis=-1)(reached)
    return compiled(targets, outputs, layer, poses(), poses(seed=1), **options)


def reaching(thing, loss=None, metrics=(), output="matrix", y=None, **options):
    """A regressor whose output is a pose."""
    inputs = keras.Input((4,))
    q = JointLimits(ARM)(keras.layers.Dense(3, activation="tanh")(inputs))
    outputs = ForwardKinematics(ARM, output=output)(q)
    y = poses() if y is None else y
    return compiled(inputs, outputs, thing, features(), y, loss or "mse", metrics, **options)


def pose_loss(**options):
    thing = PoseLoss(0.7, 0.3, "chordal", name="reach", reduction="sum")
    return reaching(thing, thing, **options)


def position_error(**options):
    thing = PositionError("m", "position", name="miss")
    return reaching(thing, None, [thing], "position", poses()[:, :3, 3], **options)


def orientation_error(**options):
    thing = OrientationError("rad")
    return reaching(thing, None, [thing], **options)


def pose_success(**options):
    thing = PoseSuccess(0.5, 2.0, name="hits")
    return reaching(thing, None, [thing], **options)


def best_head_loss(**options):
    thing = BestHeadPoseLoss(0.7, 0.3, 0.1, name="reach")
    inputs = keras.Input((4,))
    q = keras.layers.Reshape((2, 3))(keras.layers.Dense(6, activation="tanh")(inputs))
    outputs = ForwardKinematics(ARM)(JointLimits(ARM)(q))
    return compiled(inputs, outputs, thing, features(), poses(), thing, **options)


def regressor(**options):
    model = IKRegressor(ARM, heads=2, width=8, depth=2)
    model.compile(keras.optimizers.Adam(1e-3), **options)
    x = np.asarray(fkarm.geometry.matrix_to_pose(poses(), "xyz_rot6d"))
    return Case(model, x, poses(), model)


def flow(**options):
    model = IKFlow(ARM, width=8, depth=2, bins=3)
    model.compile(keras.optimizers.Adam(1e-3), **{"jit_compile": False, **options})
    q = fkarm.sample_configurations(ARM, ROWS, seed=0, dtype="float32")
    x = np.asarray(fkarm.geometry.matrix_to_pose(poses(), "xyz_rot6d"))
    return Case(model, x, q, model, ("position_error_mm", "orientation_error_deg"))


def channel_affine(**options):
    thing = fkarm.primers.ChannelAffine(1, offset=[1.0, 2.0, 3.0], scale=0.5)
    inputs = keras.Input((3, 4))
    x = features(3 * ROWS).reshape(ROWS, 3, 4)
    return compiled(inputs, thing(inputs), thing, x, 2 * x, **options)


def entropy_regularizer(**options):
    thing = fkarm.primers.EntropyRegularizer(bandwidth=0.7, weight=0.1)
    inputs = keras.Input((4,))
    outputs = keras.layers.Dense(3, kernel_regularizer=thing)(inputs)
    return compiled(inputs, outputs, thing, features(), np.zeros((ROWS, 3), "float32"), **options)


def robot(**options):
    """The robot in the configuration of a layer that someone else wrote."""
    return joint_limits(**options)._replace(thing=ARM)


CASES = {
    "layers.ForwardKinematics": forward_kinematics,
    "layers.JointLimits": joint_limits,
    "layers.IKRefinement": refinement,
    "layers.InverseKinematics": inverse_kinematics,
    "learning.IKFlow": flow,
    "learning.IKRegressor": regressor,
    "losses.BestHeadPoseLoss": best_head_loss,
    "losses.PoseLoss": pose_loss,
    "metrics.PositionError": position_error,
    "metrics.OrientationError": orientation_error,
    "metrics.PoseSuccess": pose_success,
    "primers.ChannelAffine": channel_affine,
    "primers.EntropyRegularizer": entropy_regularizer,
    "Robot": robot,
}


def make(name, **options):
    """The case of an object, its first weights always the same."""
    keras.utils.set_random_seed(0)
    return CASES[name](**options)


def owing(*properties):
    """Parametrises a test with the objects that owe all of these properties."""
    names = [
        name
        for name, exempt in CONTRACT["objects"].items()
        if not any(each in exempt for each in properties)
    ]
    return pytest.mark.parametrize("name", names)
