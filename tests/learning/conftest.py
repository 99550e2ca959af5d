"""A callback that takes part in `train_ik`."""

import pytest


@pytest.fixture
def extra(monkeypatch):
    """Lets a callback take part in `train_ik`, before the callbacks that save the epoch."""
    from fkarm.learning import IKRegressor, training

    def add(callback):
        monkeypatch.setattr(training, "_tensorboard", lambda *_: [])
        fit = IKRegressor.fit

        def with_it(self, *args, callbacks, **kwargs):
            return fit(self, *args, callbacks=[callback, *callbacks], **kwargs)

        monkeypatch.setattr(IKRegressor, "fit", with_it)

    return add
