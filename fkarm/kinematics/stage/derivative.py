"""The derivative of a stage in closed form."""

from __future__ import annotations

from typing import NamedTuple

from fkarm.kinematics.stage.few_rows import Function


class Derivative(NamedTuple):
    """The derivative of a function of vectors `x (..., n)`, to `y`."""

    wrench: Function  # of `y` and a cotangent of it, to `w (..., m)`
    pull_back: Function  # of `x` and `w`, to the cotangent of `x`
    push: Function  # of `x` and a tangent of it, to the tangent of `y`
    y_rank: int  # number of axes of `y` after the batch axes
