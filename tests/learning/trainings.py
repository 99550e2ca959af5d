"""Small trainings by `train_ik`, and callbacks that look at them or interrupt them."""

import keras

import fkarm
from fkarm.learning import IKFlow, IKRegressor, train_ik

ROBOT = fkarm.robots.planar([0.5, 0.4, 0.2])
STEPS = 3


def network(kind=IKRegressor, rate=2e-3, **sizes):
    keras.utils.set_random_seed(0)
    heads = {} if kind is IKFlow else {"heads": 2}
    model = kind(ROBOT, **{"width": 8, "depth": 1, **heads, **sizes})
    model.compile(keras.optimizers.Adam(rate), run_eagerly=True, jit_compile=False)
    return model


def train(model, folder, **options):
    train_ik(
        model, folder, **{"steps_per_epoch": STEPS, "batch_size": 8, "verbose": False, **options}
    )
    return model


class Begun(keras.callbacks.Callback):
    """The epochs that begin, the learning rates of their batches."""

    def __init__(self):
        super().__init__()
        self.epochs, self.rates = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


class Stop(keras.callbacks.Callback):
    """Interrupts the first training at a batch of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch, self.is_done = (epoch, batch), 0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at and not self.is_done:
            self.is_done = True
            raise KeyboardInterrupt


def names(folder):
    return sorted(file.name for file in folder.iterdir() if file.is_file())
