"""The derivative of a stage in closed form, and the same by loops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fkarm.kinematics.stage.few_rows import Function


class Derivative(NamedTuple):
    """The derivative of a function of vectors `x (..., n)`, to `y`."""

    wrench: Function  # of `y` and a cotangent of it, to `w (..., m)`
    pull_back: Function  # of `x` and `w`, to the cotangent of `x`
    push: Function  # of `x` and a tangent of it, to the tangent of `y`
    y_rank: int  # number of axes of `y` after the batch axes


class Loops(NamedTuple):
    """A function of some inputs `x` to `y`, of which the robot is an input too, often as loops.

    Robots for which the functions are the same objects share their compiled code.
    """

    arrays: tuple[np.ndarray, ...]  # the robot, for all rows
    value: Function  # of `x` and the arrays
    # Of `x`, `y`, a cotangent of `y` and the arrays, to one cotangent per row of every input.
    pull_back: Any = None
    y_rank: int = 0  # number of axes of `y` after the batch axes
    is_summed: bool = False  # whether cotangents of inputs that all rows share are sums over rows
