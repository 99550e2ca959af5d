"""Rows in tiles: the same values, for any number of rows."""

import numpy as np
import pytest
from autodiff import array, gradient_of, in_mode, tensor
from joint_types import WEIGHTS, sample
from keras import ops

import fkarm
from fkarm.kinematics.loop import in_tiles, sums_in_tiles, tiles

pytestmark = pytest.mark.only_on("tensorflow", reason="kinematics by loops")


@pytest.mark.parametrize("shape", [(0,), (1,), (2, 0), (100,), (101,), (10, 35)], ids=str)
def test_every_row_is_computed_in_a_tile_of_some_rows(shape, monkeypatch):
    monkeypatch.setattr(tiles, "MOST_ROWS", 100)

    def function(x, y, factor):
        size = ops.zeros_like(x[:, :1]) + ops.cast(ops.shape(x)[0], x.dtype)
        return ops.concatenate([factor * x + y[:, 0], size], axis=-1)

    x = np.arange(3.0 * np.prod(shape)).reshape((*shape, 3))
    y = np.stack([x + 1.0, x], axis=-2)
    run = in_mode(lambda x, y: in_tiles(function, (1, 2), (4,))(x, y, 2.0), "xla")
    values = array(run(tensor(x), tensor(y)))
    np.testing.assert_array_equal(values[..., :3], 3.0 * x + 1.0)
    assert (values[..., 3] < 148).all()


def test_kinematics_is_the_same_in_tiles(looped, monkeypatch, every_joint):
    q = sample(every_joint, (150,))
    q[70] = np.nan

    def both(q):
        def weighted(q):
            poses = fkarm.forward_kinematics(every_joint, q, every_joint.link_names)
            return poses * tensor(WEIGHTS)

        return ops.concatenate([ops.reshape(weighted(q), (150, -1)), gradient_of(weighted)(q)], 1)

    monkeypatch.setattr(tiles, "MOST_ROWS", 40)
    found = np.delete(array(both(tensor(q))), 70, axis=0)
    with fkarm.config.compilation("eager"):
        expected = np.delete(array(both(tensor(q))), 70, axis=0)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("rows", [0, 1, 100, 101, 350])
def test_sums_over_rows_have_every_row_once(rows, monkeypatch):
    monkeypatch.setattr(tiles, "MOST_ROWS", 100)

    def function(x, factor):
        return factor * x, [ops.transpose(x)]

    x = np.random.default_rng(0).normal(size=(rows, 3))
    run = in_mode(lambda x: sums_in_tiles(function, (1,), 3)(x, 2.0), "xla")
    values, (sums,) = run(tensor(x))
    np.testing.assert_array_equal(array(values), 2.0 * x)
    np.testing.assert_allclose(array(sums), x.sum(axis=0)[:, None], atol=1e-12)
