"""Ways to put forward kinematics into a graph, on any backend.

Each case is a function of a robot, links and a dtype that returns `q (B, dof) -> poses`:
`(B, 4, 4)` for one name, `(B, n, 4, 4)` for a tuple of names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

import fkarm
from fkarm.kinematics import reference

Links = str | tuple[str, ...]
Kinematics = Callable[[Any], Any]


def stack_and_matmul(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """Stacked 4 x 4 matrices and batched matmul, the whole batch at once: the reference."""
    if isinstance(links, str):
        return lambda q: reference.forward_kinematics(robot, q, [links])[:, 0]
    return lambda q: reference.forward_kinematics(robot, q, links)


def mapped(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """`keras.ops.map` over configurations, the whole chain inside."""
    single = one_row(stack_and_matmul(robot, links, dtype))
    return lambda q: keras.ops.map(single, q)


def vectorized(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """`keras.ops.vectorized_map` over configurations, the whole chain inside."""
    single = one_row(stack_and_matmul(robot, links, dtype))
    return lambda q: keras.ops.vectorized_map(single, q)


def layer(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """`fkarm.layers.ForwardKinematics`."""
    module = fkarm.layers.ForwardKinematics(robot, links, dtype=dtype)
    module.build((None, robot.dof))
    return module


def geometric_jacobian(robot: fkarm.Robot, link: str, dtype: str) -> Kinematics:
    """`fkarm.geometric_jacobian`: closed form, `(B, 6, dof)`."""
    return lambda q: fkarm.geometric_jacobian(robot, q, link)


def copy(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """Reads and writes `q`, no more: what memory allows, `2 * dof` numbers a row."""
    return keras.ops.negative


def one_row(whole: Kinematics) -> Kinematics:
    """A function of one configuration, of one of a batch."""
    return lambda row: whole(row[None])[0]
