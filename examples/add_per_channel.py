"""Add val1 to channel 0 and val2 to channel 1 of a (batch, channel, height, width) tensor.

Broadcasting aligns axes at the last one, so the plain sum `pred + [v1, v2]` fails. On an image that
is two pixels wide it does not fail, but adds along the width. The example compares three correct
ways: slice and assign, a reshape, and `add_per_channel`, which is the reshape with checks. Look at
the operations in the graph, at the times, and at the gradients, which are equal.

    python examples/add_per_channel.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from fkarm.primers import ChannelAffine, add_per_channel, gradient_cost


def slice_and_assign(x: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """A loop over `x[:, c] += v`, for tensors, which do not allow assignment."""
    images = tf.range(tf.shape(x)[0])
    for c in range(x.shape[1]):
        where = tf.stack([images, tf.fill(tf.shape(images), c)], axis=-1)
        x = tf.tensor_scatter_nd_update(x, where, x[:, c] + values[c])
    return x


def reshape(x: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    return x + tf.reshape(values, (1, -1, 1, 1))


def show_plain_sum(values: list[float]) -> None:
    try:
        tf.zeros((1, 2, 2, 3)) + values
    except tf.errors.InvalidArgumentError as error:
        message = error.message.split("}} ")[-1].split(" [Op")[0]
        print(f"pred + {values} on an image 3 wide: {message}")
    wrong = (tf.zeros((1, 2, 2, 2)) + values).numpy()
    print(f"on an image 2 wide no error: channels 0 and 1 become {wrong[0, 0].tolist()}")
    try:
        add_per_channel(tf.zeros((1, 2, 2, 3)), values, axis=-1)
    except ValueError as error:
        print(f"add_per_channel along the wrong axis: {error}\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=200, help="timed evaluations, training steps")
    options = parser.parse_args(arguments)

    show_plain_sum([1.0, 2.0])
    rng = np.random.default_rng(0)
    x, upstream = (tf.constant(rng.normal(size=(16, 2, 64, 64))) for _ in range(2))
    values = tf.constant([1.0, 2.0], tf.float64)
    of_values = np.sum(upstream, axis=(0, 2, 3))  # the expected gradient: a sum over all other axes

    print(
        f"{'':18}{'operations, forward + gradient':>32}{'time':>12}{'error of both gradients':>26}"
    )
    for way in (slice_and_assign, reshape, add_per_channel):
        cost = gradient_cost(lambda x, v, way=way: upstream * way(x, v), x, values,
                             repeats=options.steps)  # fmt: skip
        with tf.GradientTape() as tape:
            tape.watch([x, values])
            loss = tf.reduce_sum(upstream * way(x, values))
        pairs = zip(tape.gradient(loss, [x, values]), (upstream, of_values), strict=True)
        errors = [np.abs(gradient - expected).max() for gradient, expected in pairs]
        operations = f"{cost.forward_ops} + {cost.backward_ops}"
        print(f"{way.__name__:18}{operations:>32}{1e3 * cost.seconds:>9.2f} ms{max(errors):>26.1e}")

    layer = ChannelAffine(axis=1)
    model = keras.Sequential([keras.Input((2, 64, 64)), layer])
    model.compile(keras.optimizers.SGD(0.3), "mse")
    target = add_per_channel(3 * x, values)
    for _ in range(options.steps):
        model.train_on_batch(x, target)
    print(f"\nChannelAffine, {options.steps} steps towards 3 x + (1, 2): scale "
          f"{layer.scale.numpy().round(3)}, offset {layer.offset.numpy().round(3)}")  # fmt: skip


if __name__ == "__main__":
    main()
