"""The path that is returned: every limit is kept exactly, and every frame is judged in float64."""

from __future__ import annotations

import numpy as np

from fkarm.ik.in_numpy import pose_errors
from fkarm.kinematics.in_numpy import posture
from fkarm.kinematics.joint_space import representable_bounds
from fkarm.kinematics.tree import tree_of
from fkarm.motion.feasible import SPARE, with_short_steps, with_small_changes
from fkarm.motion.request import Clips
from fkarm.motion.result import REASON_DTYPE, PathReason
from fkarm.motion.tangent import Array
from fkarm.motion.tracking import anchored, centre_errors

# A joint is at its limit if it is nearer to it than this share of the limit, or this far, rad or m.
NEAR = 1e-3


def finished(clips: Clips, q: Array) -> Array:
    """A path that keeps all limits, in the type of the targets."""
    dtype = np.dtype(clips.dtype)
    # Rounding to the type moves two neighbours apart by this much.
    rounding = 2.0 * float(np.finfo(dtype).eps) * np.abs(q).max(axis=1, initial=0.0)[:, None]
    q = feasible(clips, q, 1.0 - SPARE, rounding)
    lower, upper = representable_bounds(clips.terms.lower, clips.terms.upper, dtype.name)
    return np.clip(q.astype(dtype), lower, upper)


def feasible(clips: Clips, q: Array, share: float, rounding: Array | float = 0.0) -> Array:
    """A path within a share of all limits, less `rounding` for a difference of two frames."""
    tangent, lower, upper = clips.tangent, clips.terms.lower, clips.terms.upper
    inset = np.nan_to_num(0.5 * (1.0 - share) * (upper - lower), posinf=0.0)
    is_bound = np.isfinite(lower) & np.isfinite(upper)
    inset = np.where(is_bound, inset, 0.5 * (1.0 - share))
    q = np.clip(q, lower + inset, upper - inset)
    if clips.hold_start:
        q[:, :1] = clips.rest[:, None]
    steps = clips.speeds * np.diff(clips.times)[..., None] * share
    q = with_short_steps(
        tangent, q, tangent.of_entries(np.maximum(steps - rounding, 0.0)), clips.hold_start
    )
    if np.isfinite(clips.accelerations).any():
        q = _with_small_changes(clips, q, share, rounding)
    return q


def _with_small_changes(clips: Clips, q: Array, share: float, rounding: Array | float) -> Array:
    entries = clips.tangent.entries
    change = np.abs(_accelerations(clips, q)[..., clips.tangent.at])
    shortest = np.diff(clips.times).min(axis=1, initial=np.inf)[:, None, None] ** 2
    most = (clips.accelerations * share - 4.0 * np.asarray(rounding) / shortest)[:, 0, entries]
    ratio = change.max(axis=1, initial=0.0) / np.maximum(most, 1e-300)
    q[..., entries] = with_small_changes(q[..., entries], ratio, clips.hold_start)
    return q


def _accelerations(clips: Clips, q: Array) -> Array:
    durations = np.diff(clips.times)[..., None]
    rates = clips.tangent.minus(q[:, 1:], q[:, :-1]) / durations
    return np.diff(rates, axis=1) / (0.5 * (durations[:, 1:] + durations[:, :-1]))


def judged(clips: Clips, q: Array, is_done: Array) -> list[Array]:
    """The arrays of `SolvedPath` up to `reason`."""
    exact, (count, time) = q.astype(np.float64), clips.shape
    tree = tree_of(clips.robot, clips.problem.links, clips.problem.base)
    flat = exact.reshape(-1, exact.shape[-1])
    links = posture(tree, flat).links.swapaxes(0, 1).reshape(clips.targets.shape)
    targets, weights = anchored(clips, links)
    errors = pose_errors(clips.problem, flat, targets.reshape(-1, *targets.shape[2:]))
    errors = errors.reshape(count, time, len(clips.problem.links), 2)
    has_target = clips.is_given | clips.contacts
    counts = [
        [any(r // 3 == h for r in rows) for h in (0, 1)] for rows in clips.problem.components.rows
    ]
    errors = np.where(has_target[..., None] & np.array(counts), errors, np.nan)
    slip = _slip(clips, links)
    mass = np.full((count, time), np.nan)
    if clips.center_of_mass is not None:
        missing = centre_errors(clips, flat).reshape(count, time, 3)
        is_given = ~np.isnan(missing)
        lengths = np.linalg.norm(np.where(is_given, missing, 0.0), axis=-1)
        mass = np.where(is_given.any(axis=-1), lengths, np.nan)
    is_wanted = (weights > 0)[..., None]
    is_far = is_wanted & (errors > clips.tolerances)
    tolerance = clips.tolerances[:, 0].min()
    converged = ~is_far.any(axis=(-1, -2)) & ~(slip > tolerance) & ~(mass > tolerance)
    clearance = np.full((count, time), np.nan)
    if clips.around is not None:
        clearance = clips.around.distances(flat).reshape(count, time)
        is_near = clearance < clips.around.least
        converged &= ~is_near
    else:
        is_near = np.zeros((count, time), bool)
    is_missing = ~has_target[..., : clips.targeted].all(axis=-1)
    converged &= ~is_missing
    by_speed, by_change, within_speed, within_change = _by_limits(clips, exact)
    bounds = clips.terms.lower, clips.terms.upper
    is_free = clips.terms.free > 0
    is_free[[f + k for f in clips.robot.quaternions for k in range(4)]] = False
    at_limit = (np.minimum(exact - bounds[0], bounds[1] - exact) < NEAR) & is_free
    reason = np.full((count, time), PathReason.OUT_OF_REACH.value, REASON_DTYPE)
    for name, holds in (
        (PathReason.STEPS, np.broadcast_to(~is_done[:, None], (count, time))),
        (PathReason.LIMITS, at_limit.any(axis=-1)),
        (PathReason.ACCELERATION, by_change),
        (PathReason.VELOCITY, by_speed),
        (PathReason.COLLISION, is_near),
        (PathReason.NAN, is_missing),
        (PathReason.SOLVED, converged),
    ):
        reason[holds] = name.value
    return [
        q, converged, within_speed, within_change, errors[..., 0], errors[..., 1], slip, mass,
        clearance, reason,
    ]  # fmt: skip


def _slip(clips: Clips, links: Array) -> Array:
    """How far links in contact moved since the frame before; NaN where none is."""
    slip = np.full(clips.shape, np.nan)
    stands = clips.contacts[:, 1:] & clips.contacts[:, :-1]
    moved = np.linalg.norm(np.diff(links[..., :3, 3], axis=1), axis=-1)
    largest = np.where(stands, moved, -1.0).max(axis=-1, initial=-1.0)
    slip[:, 1:] = np.where(largest >= 0, largest, np.nan)
    return slip


def _by_limits(clips: Clips, q: Array) -> tuple[Array, Array, Array, Array]:
    """Where a speed or its change is at its limit, and whether they are within it, per frame."""
    tangent, shape = clips.tangent, clips.shape
    by_speed, by_change = np.zeros(shape, bool), np.zeros(shape, bool)
    within_speed, within_change = np.ones(shape, bool), np.ones(shape, bool)
    if shape[1] > 1:
        step = np.abs(tangent.minus(q[:, 1:], q[:, :-1]))
        for _, place in tangent.quaternions:
            part = slice(place, place + 3)
            step[..., part] = np.linalg.norm(step[..., part], axis=-1, keepdims=True)
        most = tangent.of_entries(clips.speeds * np.diff(clips.times)[..., None])
        within_speed[:, 1:] = (step <= most).all(axis=-1)
        is_fast = (step > (1.0 - NEAR) * most).any(axis=-1)
        by_speed[:, 1:] |= is_fast
        by_speed[:, :-1] |= is_fast
    if shape[1] > 2:
        change = np.abs(_accelerations(clips, q))
        most = tangent.of_entries(clips.accelerations)
        within_change[:, 1:-1] = (change <= most).all(axis=-1)
        by_change[:, 1:-1] = (change > (1.0 - NEAR) * most).any(axis=-1)
    return by_speed, by_change, within_speed, within_change
