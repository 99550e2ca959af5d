"""Does autograd skip what is multiplied by zero? No: only work that is not computed costs nothing.

Two tables show the cost of the forward and backward pass, eagerly, in a graph and under XLA. In the
first, a whole term of a loss has weight zero; it is computed, cut from the gradient, or left out.
In the second, three of five rows have weight zero; they are computed, detached row by row (which
saves nothing), or left out by gathering the other rows. Look at the ratios to the first line (in
the forum, the backward pass alone went from 0.503 s to 0.198 s), then at the case where `0 * x` is
not zero, and at the operations of `PoseLoss` with a weight of zero, which does not compute that
term.

    python examples/multiply_by_zero.py [--size 1e8]
"""

import argparse
import functools
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from fkarm.losses import PoseLoss
from fkarm.primers import detach, gradient_cost, masked_loss, vector_jacobian_product

Loss = Callable[[tf.Tensor], tf.Tensor]
MODES, COLUMNS = ("eager", "graph", "xla"), 64
WEIGHTS = tf.random.stateless_normal((COLUMNS, COLUMNS), seed=(2, 3))


def gradient(f: Loss, x: list[float]) -> np.ndarray:
    return vector_jacobian_product(f, x, 1.0).numpy()


def term(x: tf.Tensor) -> tf.Tensor:
    """One loss per row, through three layers of a network."""
    for _ in range(3):
        x = tf.tanh(x @ WEIGHTS)
    return tf.reduce_sum(tf.square(x), axis=-1)


def whole_terms() -> dict[str, Loss]:
    def first(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(term(x))

    def second(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(term(1.0 - x))

    return {
        "s1 + 0 * s2": lambda x: first(x) + 0.0 * second(x),
        "s1 + 0 * detach(s2)": lambda x: first(x) + 0.0 * detach(second(x)),
        "s1": first,
    }


def some_rows(mask: tf.Tensor) -> dict[str, Loss]:
    weight, column, active = tf.cast(mask, tf.float32), mask[:, None], tf.where(mask)[:, 0]
    return {
        "rows * 0": lambda x: tf.reduce_sum(term(x) * weight),
        "where(mask, x, detach(x))": lambda x: tf.reduce_sum(
            term(tf.where(column, x, detach(x))) * weight
        ),
        "boolean_mask(x, mask)": lambda x: tf.reduce_sum(term(tf.boolean_mask(x, mask))),
        "gather(x, known rows)": lambda x: tf.reduce_sum(term(tf.gather(x, active))),
    }


def not_a_number() -> dict[str, Loss]:
    mask = tf.constant([True, False])

    def f(x: tf.Tensor) -> tf.Tensor:
        return x * tf.math.log(x)  # 0 * infinity at 0

    return {
        "sum(f(x) * mask)": lambda x: tf.reduce_sum(f(x) * tf.cast(mask, x.dtype)),
        "masked_loss(f(x), mask)": lambda x: masked_loss(f(x), mask),
        "masked_loss(f(where(mask, x, 1)), mask)": lambda x: masked_loss(
            f(tf.where(mask, x, 1.0)), mask
        ),
    }


def print_times(losses: dict[str, Loss], x: tf.Tensor, repeats: int) -> None:
    print(f"\n{'':27}{'operations':>12}" + "".join(f"{mode:>18}" for mode in MODES))
    first: dict[str, float] = {}
    for name, loss in losses.items():
        row = ""
        for mode in MODES:
            cost = gradient_cost(loss, x, mode=mode, repeats=repeats)
            ratio = cost.seconds / first.setdefault(mode, cost.seconds)
            row += f"{cost.seconds:10.4f} s {ratio:5.2f}x"
        print(f"{name:27}{f'{cost.forward_ops} + {cost.backward_ops}':>12}{row}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=10, help="number of timed evaluations")
    parser.add_argument(
        "--size", type=float, default=1e6, help="number of entries of x, four bytes per entry"
    )
    options = parser.parse_args(arguments)

    y, z = 2.0, tf.constant([1.0, 1.0, 0.0, 0.0, 0.0])
    of_x = gradient(lambda x: tf.reduce_sum(x * y * z), [1.0, 2.0, 3.0, 4.0, 5.0])
    print(f"d sum(x y z) / dx with z = {z.numpy()}: {of_x}; the cost, {COLUMNS} numbers per row:")
    rows = max(int(options.size) // COLUMNS, 1)
    x = tf.random.stateless_uniform((rows, COLUMNS), seed=(0, 1))
    print_times(whole_terms(), x, options.steps)
    print_times(some_rows(tf.range(rows) % 5 < 2), x, options.steps)

    print("\ngradient of x log(x) at (1, 0), with the second entry masked out")
    for name, loss in not_a_number().items():
        print(f"  {name:41}{gradient(loss, [1.0, 0.0])}")

    print("\nPoseLoss, operations forward + backward")
    for weight in (0.1, 0.0):
        loss = PoseLoss(position_weight=1.0, orientation_weight=weight)
        cost = gradient_cost(functools.partial(loss, np.eye(4)), np.eye(4), repeats=1)
        print(f"  orientation_weight={weight}: {cost.forward_ops} + {cost.backward_ops}")


if __name__ == "__main__":
    main()
