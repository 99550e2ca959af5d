"""Which batches of `PoseBatches` Keras gets, call after call."""

import keras
import numpy as np
import pytest

import fkarm
from fkarm.learning import PoseBatches

ARM = fkarm.robots.planar([1.0, 0.5])
STEPS = 4


def batches(**options):
    return PoseBatches(ARM, **{"batch_size": 3, "steps_per_epoch": STEPS, "seed": 7, **options})


def fingerprint(epoch, index):
    """What training on a batch shows: the mean of its first coordinates."""
    return float(np.mean(batches(first_epoch=epoch)[index][0][:, 0]))


class Reading(keras.callbacks.Callback):
    """The batches that a frozen model is given, by their fingerprints."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        # Keras shows the mean of an epoch's losses so far.
        so_far = float(logs["loss"]) * (batch + 1)
        self.seen.append(so_far - (self.before if batch else 0.0))
        self.before = so_far


def frozen():
    """A model whose loss is the fingerprint of its batch."""
    inputs = keras.Input((9,))
    first = keras.layers.Dense(1, use_bias=False)
    model = keras.Model(inputs, first(inputs))
    first.set_weights([np.eye(9, 1)])
    model.compile(keras.optimizers.SGD(0.0), lambda y_true, y_pred: y_pred[:, 0])
    return model


@pytest.fixture(scope="module")
def model():
    return frozen()


def fit(model, data, **options):
    reading = Reading()
    model.fit(data, shuffle=False, verbose=0, callbacks=[reading], **options)
    return reading.seen


def check(seen, *expected):
    """The batches seen are those of `(epoch, indices)`."""
    wanted = [fingerprint(epoch, index) for epoch, indices in expected for index in indices]
    np.testing.assert_allclose(seen, wanted, atol=1e-5)


@pytest.mark.parametrize("workers", [1, 2])
def test_two_fits_are_one_long_fit(model, workers):
    data = batches(workers=workers)
    check(fit(model, data, epochs=2), (0, range(STEPS)), (1, range(STEPS)))
    check(fit(model, data, initial_epoch=2, epochs=4), (2, range(STEPS)), (3, range(STEPS)))
    assert data.epoch == 4


@pytest.mark.parametrize("workers", [1, 3])
def test_a_pass_longer_than_an_epoch_of_keras_keeps_its_epoch(model, workers):
    """A thread reads ahead of the training: what it gets must not depend on how far."""
    data = batches(steps_per_epoch=6, workers=workers)
    check(fit(model, data, epochs=3, steps_per_epoch=2), (0, range(6)))
    check(fit(model, data, epochs=1), (3, range(6)))


def test_an_interrupted_epoch_has_begun(model):
    data = batches()

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    model.fit(data, epochs=3, shuffle=False, verbose=0, callbacks=[Stop()])
    check(fit(model, data, epochs=1), (1, range(STEPS)))


def test_a_shuffled_epoch_has_the_same_batches(model):
    data, reading = batches(), Reading()
    model.fit(data, epochs=2, shuffle=True, verbose=0, callbacks=[reading])
    check(sorted(reading.seen[:STEPS]), (0, np.argsort([fingerprint(0, k) for k in range(STEPS)])))
    check(sorted(reading.seen[STEPS:]), (1, np.argsort([fingerprint(1, k) for k in range(STEPS)])))


def test_fixed_data_are_always_those_of_the_first_epoch(model):
    data = batches(fixed=True, first_epoch=5)
    expected = np.mean([fingerprint(5, index) for index in range(STEPS)])
    for _ in range(3):
        np.testing.assert_allclose(model.evaluate(data, verbose=0), expected, atol=1e-6)
    history = model.fit(batches(), validation_data=data, epochs=3, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["val_loss"], expected, atol=1e-6)


def test_validation_does_not_move_the_training_data(model):
    data = batches()
    seen = fit(model, data, epochs=2, validation_data=batches(fixed=True))
    check(seen, (0, range(STEPS)), (1, range(STEPS)))


def test_predicting_is_no_epoch(model):
    data = batches()
    first = model.predict(data, verbose=0)
    np.testing.assert_array_equal(model.predict(data, verbose=0), first)
    np.testing.assert_allclose(first[:3, 0], batches()[0][0][:, 0], rtol=1e-6)
    check(fit(model, data, epochs=1), (0, range(STEPS)))


def test_a_new_model_looks_at_a_batch_first_and_that_is_no_epoch():
    """Keras builds metrics and losses from one, on some backends in an epoch of its own."""
    model = frozen()
    check(fit(model, batches(), epochs=1), (0, range(STEPS)))


def test_how_far_a_thread_reads_ahead_does_not_matter():
    """What Keras calls, in its order, where a thread may ask for batches at any time."""
    served = []
    for ahead in range(6):
        data, pass_ = batches(steps_per_epoch=6), []
        assert data.workers == 1
        data.on_epoch_end()
        data.on_epoch_begin()
        count = data.num_batches
        pass_ += [data[k][0] for k in range(ahead)]
        data.on_epoch_end()
        data.on_epoch_begin()
        pass_ += [data[k][0] for k in range(ahead, count)]
        served.append(np.stack(pass_))
    for other in served[1:]:
        np.testing.assert_array_equal(other, served[0])


def test_a_loop_of_ones_own_advances_at_the_end_of_an_epoch():
    data = batches()
    for epoch in range(3):
        expected = batches(first_epoch=epoch)
        for index, (x, _) in enumerate(data):
            np.testing.assert_array_equal(x, expected[index][0])
        data.on_epoch_end()
    np.testing.assert_array_equal(data[1][0], batches(first_epoch=2)[1][0])
    data.on_epoch_end()
    np.testing.assert_array_equal(data[1][0], batches(first_epoch=4)[1][0])
