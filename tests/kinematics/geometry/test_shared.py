"""A geometry that all rows share: its cotangents are sums over many rows, computed in tiles."""

import numpy as np
import pytest
from autodiff import array, gradient_of, tensor
from joint_types import EVERY_CASE, sample
from keras import ops
from oracles import central_difference

import fkarm
from fkarm.kinematics import geometry_of
from fkarm.kinematics.geometry import arrays
from fkarm.kinematics.loop import tiles

pytestmark = pytest.mark.only_on("tensorflow", reason="kinematics by loops")


@pytest.fixture(params=["code for every node", "loops", "all rows at once"])
def way(request, monkeypatch):
    fkarm.config.clear()
    if request.param == "all rows at once":  # as on a GPU
        for module in (arrays, tiles):
            monkeypatch.setattr(module, "is_traced_for_cpu", lambda: False)
    monkeypatch.setattr(tiles, "MOST_ROWS", 40)
    monkeypatch.setattr(arrays, "_FEW_ROWS", range(10_000 if request.param == "loops" else 0))
    yield request.param
    fkarm.config.clear()


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("every_joint", "tip_2"),
        pytest.param("every_joint", None, marks=EVERY_CASE),
        pytest.param("ball_and_plane", None, marks=EVERY_CASE),
    ],
)
def test_gradients_are_central_differences(way, name, base, request):
    """Of turns, slides, quaternions and mimics, passed forwards and backwards."""
    robot = request.getfixturevalue(name)
    own, q = geometry_of(robot), tensor(sample(robot, (90,)))
    weights = tensor(np.random.default_rng(2).normal(size=(90, 4, 4)))
    values = {
        "origins": np.zeros((len(own["origins"]), 6)),
        "offsets": own["offsets"],
        "multipliers": own["multipliers"],
        "tool": np.zeros(6),
    }
    sizes = [x.size for x in values.values()]
    start = np.concatenate([x.ravel() for x in values.values()])
    start = start + np.random.default_rng(1).normal(0, 0.2, len(start))

    def total(x):
        parts = ops.split(x, np.cumsum(sizes)[:-1].tolist())
        shaped = (
            ops.reshape(part, x.shape) for part, x in zip(parts, values.values(), strict=True)
        )
        changed = dict(zip(values, shaped, strict=True))
        for name in ("origins", "tool"):
            turned = fkarm.geometry.so3_exp(changed[name][..., :3])
            changed[name] = ops.concatenate([turned, changed[name][..., 3:, None]], axis=-1)
        poses = fkarm.forward_kinematics(robot, q, None, base, changed)
        return ops.sum(poses * weights)

    slope = array(gradient_of(total)(tensor(start)))
    direction = np.random.default_rng(3).normal(size=len(start))
    expected = central_difference(
        lambda s: array(total(tensor(start + s[0] * direction))), np.zeros(1)
    )
    assert np.abs(slope).max() > 1.0
    np.testing.assert_allclose(slope @ direction, np.ravel(expected)[0], rtol=1e-6)
    with fkarm.config.compilation("eager"):
        exact = array(gradient_of(total)(tensor(start)))
    np.testing.assert_allclose(slope, exact, atol=1e-9 * np.abs(exact).max())
