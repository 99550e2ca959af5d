"""One network for a thousand arms: the lengths of the bones are an input, as the target is.

The network receives a target position and the lengths of an arm's bones, and returns joint angles.
Its loss is the distance of the hand of *that* arm: `ForwardKinematics` takes the geometry as a
second input, another one in every row. Look at the two lines that it prints: on arms that it never
saw the network is as good as on those that it trained with, and better than one that does not know
the lengths.

    python examples/train_over_arms.py
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import fkarm
from fkarm.kinematics import geometry_of, scale_bones

ROOT = Path(__file__).parent
ARM = fkarm.robots.ur5e()
OWN = geometry_of(ARM)
JOINTS = len(ARM.joints)
ARMS, ROWS = 1000, 4096


def draw_arms(count: int, seed: int) -> np.ndarray:
    """Factors of bone lengths, one arm per row."""
    return np.random.default_rng(seed).uniform(0.6, 1.4, (count, JOINTS)).astype("float32")


def draw_targets(factors: np.ndarray, seed: int) -> np.ndarray:
    """Positions that these arms reach, m. Shape `(rows, 3)`."""
    q = fkarm.sample_configurations(ARM, len(factors), seed=seed, dtype="float32")
    return positions(q, factors)


def positions(q: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Where the hands of these arms are, m."""
    poses = fkarm.forward_kinematics(ARM, q, geometry=scale_bones(OWN, factors))
    return keras.ops.convert_to_numpy(poses)[:, :3, 3]


def build(knows_lengths: bool) -> keras.Model:
    """A model from target and lengths to the position that the hand reaches."""
    target, factors = keras.Input((3,), name="target"), keras.Input((JOINTS,), name="factors")
    x = keras.layers.Concatenate()([target, factors]) if knows_lengths else target
    for _ in range(3):
        x = keras.layers.Dense(256, activation="silu")(x)
    q = fkarm.layers.JointLimits(ARM, name="q")(keras.layers.Dense(ARM.dof)(x))
    geometry = {"origins": scale_bones(OWN, factors)["origins"]}
    hand = fkarm.layers.ForwardKinematics(ARM, output="position", name="hand")(q, geometry)
    return keras.Model([target, factors], hand)


def errors_mm(model: keras.Model, arms: np.ndarray, seed: int) -> np.ndarray:
    """Distances from targets, mm, judged by the arms themselves."""
    factors = arms[np.random.default_rng(seed).integers(0, len(arms), ROWS)]
    target = draw_targets(factors, seed)
    angles = keras.Model(model.inputs, model.get_layer("q").output)
    q = angles.predict([target, factors], batch_size=ROWS, verbose=0)
    return 1e3 * np.linalg.norm(positions(q, factors) - target, axis=1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=3000, help="number of training steps")
    parser.add_argument("--out", type=Path, default=ROOT / "images", help="folder of the picture")
    options = parser.parse_args(arguments)
    keras.utils.set_random_seed(0)
    seen, new = draw_arms(ARMS, seed=1), draw_arms(ARMS, seed=2)
    rng, batch = np.random.default_rng(3), 512

    def batches():
        for step in range(options.steps):
            factors = seen[rng.integers(0, ARMS, batch)]
            target = draw_targets(factors, seed=100 + step)
            yield (target, factors), target

    results = {}
    for name, knows in (("knows the lengths", True), ("does not know them", False)):
        model = build(knows)
        rate = keras.optimizers.schedules.CosineDecay(2e-3, options.steps)
        model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
        for inputs, target in batches():
            model.train_on_batch(list(inputs), target)
        results[name] = errors_mm(model, seen, 10), errors_mm(model, new, 11)
        medians = [np.median(errors) for errors in results[name]]
        print(f"{name:18}: median {medians[0]:5.1f} mm on arms it saw, {medians[1]:5.1f} mm on new")

    from matplotlib.figure import Figure

    ax = (figure := Figure(figsize=(7, 4), layout="constrained")).add_subplot()
    for name, (_, errors) in results.items():
        ax.hist(errors, bins=np.geomspace(1, 2000, 60), histtype="step", label=name)
    ax.set(xscale="log", xlabel="distance from the target, mm", title="1,000 arms never seen")
    ax.legend()
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / "train_over_arms.png", dpi=110)


if __name__ == "__main__":
    main()
