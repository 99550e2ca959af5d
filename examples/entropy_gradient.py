"""The derivative of an entropy, and how the step of a finite difference spoils it.

A forum question counted the values of a vector, computed the entropy of the counts in bits, and
differentiated it by finite differences with a step of 1e-12. Look for three things:

1. The picture: small steps have rounding errors, large steps have truncation errors. Numbers near
   the entropy are 2.2e-16 apart, so a difference divided by 1e-12 is a multiple of 2.2e-4.
2. The sum of the partial derivatives is not the derivative of the entropy of a distribution,
   because partial derivatives leave the simplex. The projected gradient stays on it, and is 0 for a
   uniform distribution.
3. The gradient with respect to the values does not exist: counts do not change when a value moves a
   little. For a trainable entropy see spread_configurations.py.

    python examples/entropy_gradient.py
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from fkarm.primers import entropy_gradient, projected_entropy_gradient, shannon_entropy

VECTORS = ([1, 1, 1, 3, 3, 2], [1, 1, 1, 3, 3, 3], [1, 1, 1, 1, 1, 1])
P = np.array([3, 2, 1]) / 6  # probabilities of the values in the first vector


def print_entropies() -> None:
    print(f"{'vector':22}{'entropy':>20}{'sum of partials':>18}   projected gradient")
    for vector in VECTORS:
        _, counts = np.unique(vector, return_counts=True)
        p = counts / counts.sum()
        entropy = float(shannon_entropy(np.array(vector, float)))
        total = np.sum(entropy_gradient(p))
        along = projected_entropy_gradient(p).numpy().round(4)
        print(f"{vector!s:22}{entropy:20.16f}{total:18.11f}   {along}")
    x = tf.Variable(np.array(VECTORS[0], float))
    with tf.GradientTape() as tape:
        entropy = shannon_entropy(x)
    print(f"gradient with respect to the values: {tape.gradient(entropy, x)}\n")


def differences_in_plain_numpy(step: float) -> float:
    """Sum of the difference quotients of all probabilities, as in the question."""

    def entropy(p: np.ndarray) -> float:
        return float(-np.sum(p * np.log2(p)))

    return sum((entropy(P + step * unit) - entropy(P)) / step for unit in np.eye(len(P)))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=57, help="number of step sizes to try")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    options = parser.parse_args(arguments)

    print_entropies()
    truth = entropy_gradient(P).numpy()
    total = differences_in_plain_numpy(1e-12)
    print(f"differences with a step of 1e-12: {total:.5f}; exact: {truth.sum():.5f}")

    figure = Figure(figsize=(6, 4), layout="constrained")
    ax = figure.subplots()
    steps = np.geomspace(1e-1, 1e-15, options.steps)
    for method in ("forward", "central"):
        errors = [np.abs(entropy_gradient(P, method, step) - truth).max() for step in steps]
        best = int(np.argmin(errors))
        print(f"{method} differences: best step {steps[best]:.0e}, error {errors[best]:.0e}")
        ax.loglog(steps, errors, ".-", label=method)
    ax.axvline(1e-12, color="0.7", label="step in the question")
    ax.set(xlabel="step", ylabel="largest error of a partial derivative, bits")
    ax.legend()
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / "entropy_gradient.png")
    print(f"written: {options.out / 'entropy_gradient.png'}")


if __name__ == "__main__":
    main()
