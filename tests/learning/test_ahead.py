"""Batches that threads make before the training asks for them."""

import numpy as np
import pytest

import fkarm
from fkarm.learning import PoseBatches

ARM = fkarm.robots.planar([1.0, 0.5])
STEPS = 4


def batches(**options):
    return PoseBatches(ARM, **{"batch_size": 3, "steps_per_epoch": STEPS, "seed": 7, **options})


def test_workers_give_the_same_batches_as_one_thread():
    plain = batches(labels="configuration")
    data = batches(labels="configuration", workers=3, max_queue_size=2)
    for order in (range(STEPS), (2, 0, 3, 1)):
        for index in order:
            np.testing.assert_array_equal(data[index][1], plain[index][1])


def test_an_error_in_a_thread_is_the_callers():
    data = batches(workers=2)
    data.link = "nowhere"
    with pytest.raises(fkarm.UnknownLinkError, match="nowhere"):
        data[0]
