"""Small networks for inverse kinematics, and what to train them on."""

import keras
import numpy as np

import fkarm
from fkarm.learning import IKFlow, PoseBatches


def four_joints():
    """An arm with an endless joint and a sliding one."""
    joints = [
        fkarm.Joint("turn", axis="z", lower=-2.5, upper=2.0),
        fkarm.Joint("lift", axis="y", xyz=(0, 0, 0.4), lower=-1.5, upper=1.5),
        fkarm.Joint("rail", "prismatic", axis="x", xyz=(0.2, 0, 0), lower=0.0, upper=0.5),
        fkarm.Joint("wrist", "continuous", axis="x", xyz=(0.1, 0, 0)),
    ]
    return fkarm.Robot.from_joints(joints, tool=(0.1, 0.05, 0.0), name="arm")


def make(kind, robot, run_eagerly=True, **options):
    """A small compiled network. Trainings of under twenty steps run faster eagerly than traced."""
    keras.utils.set_random_seed(0)
    sizes = {"depth": 2, "bins": 4} if kind is IKFlow else {"heads": 3, "depth": 2}
    model = kind(robot, width=16, **{**sizes, **options})
    optimizer = keras.optimizers.Adam(1e-2, global_clipnorm=10.0)
    model.compile(optimizer, jit_compile=False, run_eagerly=run_eagerly)
    return model


def batches(model, steps=10, batch_size=32):
    return PoseBatches(
        model.robot, model.link, labels=model.labels, batch_size=batch_size, steps_per_epoch=steps
    )


def targets_of(robot, shape, seed=5):
    q = fkarm.sample_configurations(robot, shape, seed=seed)
    return np.asarray(fkarm.forward_kinematics(robot, q, robot.end_effector)), q
