"""Train one IK regressor on several machines, and resume after one of them failed.

Every process computes a part of each batch. The gradients are averaged, so the result is the same
as that of one process with the whole batch. If you kill one process, the others end too. Start all
of them again with the same output folder: at most the running epoch is lost. On hosts 10.0.0.1 and
10.0.0.2 run

    export KERAS_BACKEND=jax HOSTS=10.0.0.1:12321,10.0.0.2:12321
    python examples/train_on_several_hosts.py --hosts $HOSTS --process 0  # on the first
    python examples/train_on_several_hosts.py --hosts $HOSTS --process 1  # on the second

and look at the losses: both processes print the same numbers. To try it on one machine, use two
terminals and HOSTS=localhost:12321,localhost:12321. Without --hosts the example trains in one
process, on any backend.
"""

import argparse
import json
import os
from contextlib import nullcontext
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import fkarm
from fkarm.learning import Checkpoint, PoseBatches, join_hosts

BATCH = 512


def build_model(robot: fkarm.Robot) -> keras.Model:
    """A model from a target pose to the pose of the configuration that its network predicts."""
    keras.utils.set_random_seed(0)
    limits = fkarm.layers.JointLimits(robot)
    x = pose = keras.Input((9,), name="pose")
    for _ in range(3):
        x = keras.layers.Dense(128, activation="gelu")(x)
    q = limits(keras.layers.Dense(limits.input_size)(x))
    model = keras.Model(pose, fkarm.layers.ForwardKinematics(robot)(q))
    model.compile(keras.optimizers.Adam(1e-3), fkarm.losses.PoseLoss())
    return model


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hosts", help="host:port of every process; the first one coordinates")
    parser.add_argument("--process", type=int, default=0, help="number of this process")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="number of batches per epoch")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output" / "hosts")
    options = parser.parse_args(arguments)
    hosts = options.hosts.split(",") if options.hosts else [None]
    with join_hosts(hosts, options.process) if options.hosts else nullcontext():
        robot = fkarm.robots.ur5e()
        checkpoint = Checkpoint(options.output)
        first = checkpoint.first_epoch
        data = PoseBatches(robot, batch_size=BATCH, steps_per_epoch=options.steps,
                           part=(options.process, len(hosts)), first_epoch=first)  # fmt: skip
        print(f"{first} of {options.epochs} epochs are already done", flush=True)
        show = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(
            json.dumps({"epoch": epoch + 1, "loss": float(logs["loss"])}), flush=True))  # fmt: skip
        build_model(robot).fit(data, initial_epoch=first, epochs=options.epochs, shuffle=False,
                               callbacks=[checkpoint, show], verbose=0)  # fmt: skip


if __name__ == "__main__":
    main()
