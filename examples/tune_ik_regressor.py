"""Let KerasTuner choose the width, depth and learning rate of an IK regressor.

The last layer of the model is the robot. The objective is the position error in millimetres on
poses that no trial has trained on. The example needs `pip install keras-tuner tensorboard`; without
tensorboard every trial fails. Look at the table of trials, which begins with the best one.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import fkarm
from fkarm.learning import PoseBatches

ROBOT = fkarm.robots.ur5e()


def build(choices) -> keras.Model:
    """The model for the choices of a tuner."""
    limits = fkarm.layers.JointLimits(ROBOT)
    x = pose = keras.Input((9,), name="pose")
    for _ in range(choices.Int("layers", 2, 4)):
        x = keras.layers.Dense(choices.Choice("width", [32, 128, 512]), activation="gelu")(x)
    q = limits(keras.layers.Dense(limits.input_size)(x))
    model = keras.Model(pose, fkarm.layers.ForwardKinematics(ROBOT)(q))
    rate = choices.Float("rate", 1e-4, 1e-2, sampling="log")
    model.compile(
        keras.optimizers.Adam(rate),
        fkarm.losses.PoseLoss(),
        metrics=[fkarm.metrics.PositionError(), fkarm.metrics.OrientationError()],
    )
    return model


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--steps", type=int, default=400, help="number of training steps per trial")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output" / "tuning")
    options = parser.parse_args(arguments)
    try:
        import keras_tuner
    except ImportError as error:
        raise SystemExit("This example needs: pip install keras-tuner tensorboard") from error
    tuner = keras_tuner.RandomSearch(
        build,
        "val_position_error_mm",
        max_trials=options.trials,
        seed=0,
        directory=options.output,
        project_name="ur5e",
        overwrite=True,
    )
    unseen = PoseBatches(ROBOT, batch_size=1000, steps_per_epoch=1, seed=1, fixed=True)
    data = PoseBatches(ROBOT, batch_size=256, steps_per_epoch=options.steps)
    tuner.search(data, validation_data=unseen, shuffle=False, verbose=0)
    print(f"{'error':>10} {'layers':>7} {'width':>6} {'rate':>9}")
    for trial in tuner.oracle.get_best_trials(options.trials):
        value = trial.hyperparameters.values
        print(f"{trial.score:7.0f} mm {value['layers']:7} {value['width']:6} {value['rate']:9.1e}")


if __name__ == "__main__":
    main()
