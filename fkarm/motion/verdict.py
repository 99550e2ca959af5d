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
from fkarm.motion.tracking import AIM, anchored, centre_errors
from fkarm.motion.turns import (
    AT_BOUND,
    lengths,
    limited_turns,
    speeds_and_accelerations,
    with_shorter_turns,
)

# A joint is at its limit if it is nearer to it than this share of the limit, or this far, rad or m.
NEAR = 1e-3


def finished(clips: Clips, q: Array) -> Array:
    """A path that keeps all limits, in the type of the targets."""
    q = feasible(clips, q, 1.0 - SPARE, _rounding(clips, q))
    lower, upper = representable_bounds(clips.terms.lower, clips.terms.upper, clips.dtype)
    return np.clip(q.astype(clips.dtype), lower, upper)


def with_room_for_rounding(clips: Clips, q: Array) -> Clips:
    """The clips with accelerations that `finished` need not reduce for paths near `q`."""
    if not np.isfinite(clips.accelerations).any() or not q.size:
        return clips
    lost = 4.0 * _rounding(clips, q) / _shortest(clips) ** 2
    share = lost / clips.accelerations
    if (share > 0.5).any():
        clip, _, entry = np.unravel_index(share.argmax(), share.shape)
        raise ValueError(
            f"acceleration_limits must leave room for rounding q to {clips.dtype}, which takes up "
            f"to {lost[clip, 0, entry]:.2g} at the shortest step, "
            f"{_shortest(clips)[clip, 0, 0]:g} s. Received: {clips.accelerations[entry]:g} at "
            f"entry {entry}. Give the targets as float64."
        )
    shares = clips.acceleration_shares * (1.0 - clips.tangent.of_entries(share))
    return clips._replace(acceleration_shares=shares)


def _rounding(clips: Clips, q: Array) -> Array:
    """How far rounding to the type of the targets moves two frames apart. `(clips, 1, dof)`."""
    size = np.abs(q).max(axis=1, initial=0.0)[:, None]
    size[..., [first + k for first in clips.robot.quaternions for k in range(4)]] = 1.0
    return np.asarray(2.0 * float(np.finfo(clips.dtype).eps) * size)


def _shortest(clips: Clips) -> Array:
    """The shortest step of every clip, s. `(clips, 1, 1)`."""
    return np.asarray(np.diff(clips.times).min(axis=1, initial=np.inf)[:, None, None])


def feasible(clips: Clips, q: Array, share: float, rounding: Array | None = None) -> Array:
    """A path within a share of all limits: of those of a search, or less what rounding takes."""
    tangent, lower, upper = clips.tangent, clips.terms.lower, clips.terms.upper
    inset = np.nan_to_num(0.5 * (1.0 - share) * (upper - lower), posinf=0.0)
    is_bound = np.isfinite(lower) & np.isfinite(upper)
    inset = np.where(is_bound, inset, 0.5 * (1.0 - share))
    q = np.clip(q, lower + inset, upper - inset)
    if clips.hold_start:
        q[:, :1] = clips.rest[:, None]
    steps = clips.speeds * np.diff(clips.times)[..., None] * share
    steps = np.maximum(steps - (0.0 if rounding is None else rounding), 0.0)
    q = with_short_steps(tangent, q, tangent.of_entries(steps), clips.hold_start)
    if np.isfinite(clips.accelerations).any() and q.shape[1] > 1:
        q = _with_small_changes(clips, q, share, rounding)
    return q


def _with_small_changes(clips: Clips, q: Array, share: float, rounding: Array | None) -> Array:
    tangent, entries = clips.tangent, clips.tangent.entries
    values = speeds_and_accelerations(clips, q)
    speeds, accelerations = (
        share * tangent.of_entries(x) for x in (clips.speeds, clips.accelerations)
    )
    if rounding is None:
        speeds = speeds * clips.speed_shares[:, 1:]
        accelerations = accelerations * clips.acceleration_shares[:, 1:-1]
        sizes = [np.abs(x) for x in values]
    else:
        lost, shortest = tangent.of_entries(rounding), _shortest(clips)
        speeds = speeds - 2.0 * lost / shortest
        accelerations = accelerations - 4.0 * lost / shortest**2
        sizes = [lengths(tangent, x) for x in values]
    by_speed, by_change = (  # (clips, size)
        (size / np.maximum(limits, 1e-300)).max(axis=1, initial=0.0)
        for size, limits in zip(sizes, (speeds, accelerations), strict=True)
    )
    q[..., entries] = with_small_changes(
        q[..., entries], by_change[:, tangent.at], clips.hold_start
    )
    for first, part in limited_turns(clips):
        four = slice(first, first + 4)
        ratio = np.maximum(by_speed, by_change)[:, part].max(axis=1)
        q[..., four] = with_shorter_turns(q[..., four], ratio, clips.hold_start)
    return q


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
        is_near = clearance < clips.around.least + AIM
        converged &= ~(clearance < clips.around.least)
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
    near = np.full(tangent.size, 1.0 - NEAR)
    for _, part in limited_turns(clips):
        near[part] = AT_BOUND  # the search was in boxes within its limit
    if shape[1] > 1:
        step = lengths(tangent, tangent.minus(q[:, 1:], q[:, :-1]))
        most = tangent.of_entries(clips.speeds * np.diff(clips.times)[..., None])
        within_speed[:, 1:] = (step <= most).all(axis=-1)
        is_fast = (step > near * most).any(axis=-1)
        by_speed[:, 1:] |= is_fast
        by_speed[:, :-1] |= is_fast
    if shape[1] > 2:
        change = lengths(tangent, speeds_and_accelerations(clips, q)[1])
        most = tangent.of_entries(clips.accelerations)
        within_change[:, 1:-1] = (change <= most).all(axis=-1)
        by_change[:, 1:-1] = (change > near * most).any(axis=-1)
    return by_speed, by_change, within_speed, within_change
