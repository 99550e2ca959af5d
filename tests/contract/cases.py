"""Small models that together contain all public Keras objects, and the properties they support."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import fkarm
from fkarm.layers import (
    CalibratedForwardKinematics,
    ClosedFormIK,
    CorrectionBounds,
    CorrectionPrior,
    ForwardKinematics,
    IKRefinement,
    InverseKinematics,
    JointLimits,
    SelfDistance,
)
from fkarm.learning import IKFlow, IKRegressor
from fkarm.losses import BestHeadPoseLoss, CollisionLoss, PoseLoss
from fkarm.metrics import CollisionRate, OrientationError, PoseSuccess, PositionError

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
    """A compiled model, data to fit, and the public objects in the model by their names."""

    model: keras.Model
    x: Any
    y: Any
    objects: dict[str, Any]
    compiled_with: dict[str, Any] | None = None
    random: tuple[str, ...] = ()  # names of metrics of random samples


def poses(rows=ROWS, seed=0):
    """Poses of the arm in closed form. Float32, `(rows, 4, 4)`."""
    q = np.random.default_rng(seed).uniform(-1.5, 1.5, size=(rows, 3))
    return closed_form(q).astype("float32")


def closed_form(q):
    """Poses of the tool. Float64, `(rows, 4, 4)`."""
    angle = np.cumsum(q, axis=1)
    pose = np.tile(np.eye(4), (len(q), 1, 1))
    pose[:, 0, 0], pose[:, 0, 1] = np.cos(angle[:, -1]), -np.sin(angle[:, -1])
    pose[:, 1, 0], pose[:, 1, 1] = np.sin(angle[:, -1]), np.cos(angle[:, -1])
    pose[:, 0, 3] = np.cos(angle) @ LENGTHS
    pose[:, 1, 3] = np.sin(angle) @ LENGTHS
    return pose


def features(rows=ROWS, size=4):
    return np.random.default_rng(1).normal(size=(rows, size)).astype("float32")


def compiled(inputs, outputs, objects, x, y, options, loss="mse", **losses):
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-3), loss, **losses, **options)
    return Case(model, x, y, objects, {"loss": loss, **losses})


def reach(**options):
    """From numbers to limits to poses in three output formats, with a loss and three metrics."""
    limits = JointLimits(ARM, "deg", "mm")
    degrees = ForwardKinematics(ARM, ["elbow_link", "tool"], "xyz_rotvec", "deg", "mm")
    loss = PoseLoss(0.7, 0.3, "chordal", name="reach", reduction="sum")
    position = PositionError("m", "position", name="miss")
    orientation, success = OrientationError("rad"), PoseSuccess(0.5, 2.0, name="hits")
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(limits.input_size, activation="tanh")(inputs)
    q = JointLimits(ARM)(hidden)
    outputs = {
        "pose": ForwardKinematics(ARM)(q),
        "position": ForwardKinematics(ARM, output="position")(q),
        "degrees": degrees(limits(hidden)),
    }
    y = {
        "pose": poses(),
        "position": poses()[:, :3, 3],
        "degrees": np.full((ROWS, 2, 6), 100.0, "float32"),
    }
    objects = {
        "layers.ForwardKinematics": degrees,
        "layers.JointLimits": limits,
        "losses.PoseLoss": loss,
        "metrics.PositionError": position,
        "metrics.OrientationError": orientation,
        "metrics.PoseSuccess": success,
        "Robot": ARM,
    }
    return compiled(
        inputs,
        outputs,
        objects,
        features(),
        y,
        options,
        {"pose": loss, "position": "mse", "degrees": "mse"},
        loss_weights={
            "pose": 1.0,
            "position": 1.0,
            "degrees": 1e-6,
        },  # mm^2, where the others are in m
        metrics={"pose": [orientation, success], "position": [position]},
    )


def refinement(**options):
    layer = IKRefinement(ARM, steps=1, task=TASK)
    targets = keras.Input((4, 4))
    guess = JointLimits(ARM)(keras.layers.Dense(3)(keras.layers.Flatten()(targets)))
    outputs = ForwardKinematics(ARM)(layer((guess, targets)))
    objects = {"layers.IKRefinement": layer}
    return compiled(targets, outputs, objects, poses(), poses(seed=1), options)


def inverse_kinematics(**options):
    layer = InverseKinematics(ARM, starts=8, steps=12, task=TASK)
    targets = keras.Input((4, 4))
    reached = ForwardKinematics(ARM)(layer(targets))
    outputs = fkarm.primers.ChannelAffine(axis=-1)(reached)
    objects = {"layers.InverseKinematics": layer}
    return compiled(targets, outputs, objects, poses(), poses(seed=1), options)


def make_wrist():
    """Six joints of which the last three meet in a point."""
    axes = [("z", 0.0), ("y", 0.3), ("y", 0.4), ("z", 0.3), ("y", 0.0), ("z", 0.0)]
    joints = [
        fkarm.Joint(f"joint_{k}", axis=axis, xyz=(0, 0.05 * (k == 2), z), lower=-3.0, upper=3.0)
        for k, (axis, z) in enumerate(axes)
    ]
    return fkarm.Robot.from_joints(joints, tool=(0, 0, 0.1), name="wrist_arm")


def every_posture(**options):
    """All branches, the poses that they reach, and which of them count."""
    arm = make_wrist()
    layer = ClosedFormIK(arm)
    targets = keras.Input((4, 4))
    found = layer(targets)
    counts = keras.layers.Reshape((8, 1, 1))(found["is_solution"])
    reached = keras.layers.Multiply()([ForwardKinematics(arm)(found["q"]), counts])
    outputs = fkarm.primers.ChannelAffine(axis=-1)(reached)
    q = np.random.default_rng(0).uniform(0.3, 1.2, size=(ROWS, 6))
    x = np.asarray(fkarm.forward_kinematics(arm, q), "float32")
    y = 0.1 + np.repeat(x[:, None], 8, axis=1)
    return compiled(targets, outputs, {"layers.ClosedFormIK": layer}, x, y, options)


def calibrated(**options):
    """A trained geometry behind a layer that is trained, too."""
    every = {"origins": True, "offsets": True, "gains": True, "harmonics": True, "tool": True}
    parameters = fkarm.calibration.parameters(ARM, **every)
    bounds = CorrectionBounds.of(parameters, 5.0, 3.0)
    layer = CalibratedForwardKinematics(ARM, parameters=parameters, corrections_constraint=bounds)
    inputs = keras.Input((4,))
    outputs = layer(JointLimits(ARM)(keras.layers.Dense(3)(inputs)))
    objects = {
        "layers.CalibratedForwardKinematics": layer,
        "layers.CorrectionBounds": bounds,
    }
    return compiled(inputs, outputs, objects, features(), poses(), options)


def correction_prior(**options):
    prior = CorrectionPrior([0.5, 1.0, 2.0], weight=0.1)
    inputs = keras.Input((4,))
    outputs = keras.layers.Dense(3, kernel_regularizer=prior)(inputs)
    objects = {"layers.CorrectionPrior": prior}
    return compiled(inputs, outputs, objects, features(), np.zeros((ROWS, 3), "float32"), options)


def heads(**options):
    loss = BestHeadPoseLoss(0.7, 0.3, 0.1, name="reach")
    inputs = keras.Input((4,))
    q = keras.layers.Reshape((2, 3))(keras.layers.Dense(6, activation="tanh")(inputs))
    outputs = ForwardKinematics(ARM)(JointLimits(ARM)(q))
    objects = {"losses.BestHeadPoseLoss": loss}
    return compiled(inputs, outputs, objects, features(), poses(), options, loss)


def distances(**options):
    """Two pairs of links that come near to each other, and the smallest distance."""
    links = [("base", "wrist_link"), ("base", "tool")]
    bodies = [fkarm.Body(link, "sphere", 0.1) for link in ("base", "wrist_link", "tool")]
    arm = ARM.with_bodies(bodies)
    layer = SelfDistance(arm, links, by_pair=True, name="by_pair")
    loss, rate = CollisionLoss(0.6, 0.1, name="near"), CollisionRate(0.5, name="hits")
    inputs = keras.Input((4,))
    q = JointLimits(arm)(keras.layers.Dense(3)(inputs))
    outputs = {"pairs": layer(q), "least": SelfDistance(arm, links)(q)}
    objects = {
        "layers.SelfDistance": layer,
        "losses.CollisionLoss": loss,
        "metrics.CollisionRate": rate,
    }
    y = {"pairs": np.zeros((ROWS, 2), "float32"), "least": np.zeros((ROWS, 1), "float32")}
    losses = {"pairs": loss, "least": "mse"}
    return compiled(
        inputs, outputs, objects, features(), y, options, losses, metrics={"pairs": [rate]}
    )


def regressor(**options):
    model = IKRegressor(ARM, heads=2, width=8, depth=2)
    model.compile(keras.optimizers.Adam(1e-3), **options)
    x = np.asarray(fkarm.geometry.matrix_to_pose(poses(), "xyz_rot6d"))
    return Case(model, x, poses(), {"learning.IKRegressor": model})


def flow(**options):
    model = IKFlow(ARM, width=8, depth=2, bins=3)
    model.compile(keras.optimizers.Adam(1e-3), **{"jit_compile": False, **options})
    q = fkarm.sample_configurations(ARM, ROWS, seed=0, dtype="float32")
    x = np.asarray(fkarm.geometry.matrix_to_pose(poses(), "xyz_rot6d"))
    objects = {"learning.IKFlow": model}
    return Case(model, x, q, objects, random=("position_error_mm", "orientation_error_deg"))


def channel_affine(**options):
    layer = fkarm.primers.ChannelAffine(1, offset=[1.0, 2.0, 3.0], scale=0.5)
    inputs = keras.Input((3, 4))
    x = features(3 * ROWS).reshape(ROWS, 3, 4)
    objects = {"primers.ChannelAffine": layer}
    return compiled(inputs, layer(inputs), objects, x, 2 * x, options)


def entropy_regularizer(**options):
    regularizer = fkarm.primers.EntropyRegularizer(bandwidth=0.7, weight=0.1)
    inputs = keras.Input((4,))
    outputs = keras.layers.Dense(3, kernel_regularizer=regularizer)(inputs)
    objects = {"primers.EntropyRegularizer": regularizer}
    return compiled(inputs, outputs, objects, features(), np.zeros((ROWS, 3), "float32"), options)


# The models, and the objects in each of them.
MODELS = {
    "reach": (
        reach,
        (
            "layers.ForwardKinematics",
            "layers.JointLimits",
            "losses.PoseLoss",
            "metrics.PositionError",
            "metrics.OrientationError",
            "metrics.PoseSuccess",
            "Robot",
        ),
    ),
    "refinement": (refinement, ("layers.IKRefinement",)),
    "inverse kinematics": (inverse_kinematics, ("layers.InverseKinematics",)),
    "every posture": (every_posture, ("layers.ClosedFormIK",)),
    "calibrated": (
        calibrated,
        (
            "layers.CalibratedForwardKinematics",
            "layers.CorrectionBounds",
        ),
    ),
    "correction prior": (correction_prior, ("layers.CorrectionPrior",)),
    "heads": (heads, ("losses.BestHeadPoseLoss",)),
    "distances": (
        distances,
        ("layers.SelfDistance", "losses.CollisionLoss", "metrics.CollisionRate"),
    ),
    "regressor": (regressor, ("learning.IKRegressor",)),
    "flow": (flow, ("learning.IKFlow",)),
    "channels": (channel_affine, ("primers.ChannelAffine",)),
    "entropy": (entropy_regularizer, ("primers.EntropyRegularizer",)),
}


def make(name, **options):
    """The case of a model. Its initial weights are always the same."""
    keras.utils.set_random_seed(0)
    return MODELS[name][0](**options)


def supporting(*properties, later=()):
    """Parametrise a test with the models that contain an object with all these properties.

    The models in `later` are tested by `make test-all` only.
    """
    names = [
        name
        for name, (_, objects) in MODELS.items()
        if any(not CONTRACT["objects"][path].keys() & set(properties) for path in objects)
    ]
    wait = pytest.mark.in_test_all("every case")
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=wait if name in later else ()) for name in names]
    )


def outputs(model, x):
    """The outputs of a model for `x`, as a list of float64 arrays."""
    return [np.asarray(output, "float64") for output in keras.tree.flatten(model(x))]
