"""For f(x) = x, `backward(z)` returns z: a backward pass computes v^T J, not a derivative.

`y.backward(v)` and `tape.gradient(y, x, output_gradients=v)` multiply the Jacobian from the left by
`v`. The Jacobian of an elementwise function is diagonal, so the product divided by `v` is the
derivative. For other functions it is not: look at the last lines, where descent along the gradient
reaches the minimum and descent along the quotient does not.

    python examples/backward_of_a_vector.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from fkarm.primers import full_jacobian, jacobian_vector_product, vector_jacobian_product


def squares_of_sums(z: tf.Tensor) -> tf.Tensor:
    """A function that is not elementwise: entry i depends on all entries up to i."""
    return tf.square(tf.cumsum(z))


def show(what: str, numbers: tf.Tensor) -> None:
    print(f"{what:48}{np.array2string(np.asarray(numbers), precision=4, suppress_small=True)}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=300, help="number of steps of the descent")
    options = parser.parse_args(arguments)

    z = np.linspace(-1, 1, 5)
    show("f(x) = x at z, v = z: the result is v", vector_jacobian_product(lambda x: x, z, z))
    show("f(x) = x at z, v = 1: the gradient of sum(x)", vector_jacobian_product(lambda x: x, z, 1))
    show("sum(x**2) at z, v = 1", vector_jacobian_product(lambda x: tf.reduce_sum(x**2), z, 1))

    z = np.linspace(1, 5, 5)
    quotient = vector_jacobian_product(tf.square, z, z) / z
    show("x**2 at z = 1 ... 5, v = z, divided by z", quotient)
    show("  its Jacobian is diagonal:", np.diag(full_jacobian(tf.square, z)))
    show("  forward mode, J v with v = 1, agrees:", jacobian_vector_product(tf.square, z, 1))

    quotient = vector_jacobian_product(squares_of_sums, z, z) / z
    show("\ncumsum(x)**2 at z, v = z, divided by z", quotient)
    show("  the gradient of its sum (v = 1)", vector_jacobian_product(squares_of_sums, z, 1))
    print(f"  its Jacobian is not diagonal:\n{full_jacobian(squares_of_sums, z).numpy()}")

    print(f"\nsum(cumsum(x)**2) after {options.steps} steps of descent from x = z - 3.5")
    for name, direction in (
        ("v = 1, the gradient", lambda x: vector_jacobian_product(squares_of_sums, x, 1)),
        ("v = x, divided by x", lambda x: vector_jacobian_product(squares_of_sums, x, x) / x),
    ):
        x = tf.constant(z - 3.5)
        for _ in range(options.steps):
            x = x - 0.005 * direction(x)
        print(f"  {name:24}{float(tf.reduce_sum(squares_of_sums(x))):12.3g}")


if __name__ == "__main__":
    main()
