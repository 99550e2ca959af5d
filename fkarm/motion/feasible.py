"""The last pass: a path that keeps every limit exactly, near one that nearly does.

The steps `|q_t - q_s| <= v |t - s|` hold for all pairs of frames if they hold for neighbours. Of
all such paths, the mean of the lowest and the highest that stay `v |t - s|` from every given value
is nearest to the given values in the largest deviation. It lies within their range, so joint limits
hold. All arrays are NumPy, float64.
"""

from __future__ import annotations

import numpy as np

from fkarm.motion.tangent import BALL, Array, Tangent

# Limits are kept with this share to spare: rounding of those who check must not exceed them.
SPARE = 1e-9


def with_short_steps(tangent: Tangent, q: Array, steps: Array, is_held: bool) -> Array:
    """A path whose steps are short enough.

    Args:
        tangent: The numbers of a step.
        q: Configurations. Shape `(clips, time, dof)`.
        steps: Longest steps, one value per number of a step. Shape `(clips, time - 1, size)`.
        is_held: Whether the first frame keeps its values.
    Returns:
        Shape `(clips, time, dof)`.
    """
    q = q.copy()
    if q.shape[1] < 2:
        return q
    values, own = q[..., tangent.entries], steps[..., tangent.at]
    is_long = (np.abs(np.diff(values, axis=1)) > own).any(axis=(0, 1))
    if is_long.any():
        values, own = values[..., is_long], own[..., is_long]
        if not is_held:
            values = 0.5 * (_envelope(values, own, np.minimum) + _envelope(values, own, np.maximum))
        q[..., tangent.entries[is_long]] = _followed(values, own)
    for first, place in tangent.quaternions:
        _shorten_turns(q, steps[..., place], first)
    return q


def with_small_changes(values: Array, ratio: Array, is_held: bool) -> Array:
    """Values nearer to one another, so that their differences of any order shrink.

    Args:
        values: Of one path per column. Shape `(clips, time, k)`.
        ratio: Largest ratio of a difference to its limit. Shape `(clips, k)`.
        is_held: Whether the first frame keeps its values.
    Returns:
        Shape `(clips, time, k)`.
    """
    middle = values[:, :1] if is_held else values.mean(axis=1, keepdims=True)
    return middle + (values - middle) / np.maximum(ratio, 1.0)[:, None]


def _envelope(values: Array, steps: Array, smaller: np.ufunc) -> Array:
    """The largest path below all values, `min_s (q_s + v |t - s|)`, or the smallest above them."""
    sign = 1.0 if smaller is np.minimum else -1.0
    out = values.copy()
    for k in range(1, values.shape[1]):
        smaller(out[:, k], out[:, k - 1] + sign * steps[:, k - 1], out=out[:, k])
    for k in reversed(range(values.shape[1] - 1)):
        smaller(out[:, k], out[:, k + 1] + sign * steps[:, k], out=out[:, k])
    return out


def _followed(values: Array, steps: Array) -> Array:
    """Every value at most a step from the one before it."""
    out = values.copy()
    for k in range(1, values.shape[1]):
        before, step = out[:, k - 1], steps[:, k - 1]
        out[:, k] = np.clip(out[:, k], before - step, before + step)
    return out


def _shorten_turns(q: Array, steps: Array, first: int) -> None:
    """Turn a quaternion from frame to frame at most by a step, in `q`."""
    if np.isinf(steps).all():
        return
    part = slice(first, first + 4)
    for k in range(1, q.shape[1]):
        turn = BALL.minus(q[:, k, part], q[:, k - 1, part])
        angle = np.linalg.norm(turn, axis=-1)
        is_long = angle > steps[:, k - 1]
        if is_long.any():
            share = steps[is_long, k - 1] / angle[is_long]
            q[is_long, k, part] = BALL.plus(q[is_long, k - 1, part], share[:, None] * turn[is_long])
