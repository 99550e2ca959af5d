"""Paths by an interior-point method with Gauss-Newton steps over all frames of a clip at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.ik.damped_step import GAIN, SMALLEST_DAMPING
from fkarm.ik.problem import LARGEST_TURN
from fkarm.motion.banded import solve_banded
from fkarm.motion.coupling import Coupling, Differences
from fkarm.motion.request import Clips
from fkarm.motion.tangent import Array
from fkarm.motion.tracking import Tracked, Tracking

# A path is at rest when no entry moves more than this in a step, rad or m.
REST = 3e-4
# It is as well when a step gains less than this share of what remains.
LEAST_GAIN = 3e-4
# The force of a bound times its slack, m^2, at the start and at the end.
FIRST_MU, LAST_MU = 1e-4, 1e-9
# What it is multiplied by after a step that goes more than half of its way, or less than a fifth;
# and after a whole one when it is small.
AFTER_HALF, AFTER_SHORT, AFTER_WHOLE = 0.15, 3.0, 0.03
SMALL_MU = 1e-6
# A step goes this share of the way to the nearest bound at most, and of a force's way to zero.
TO_BOUND = 0.95
# Of a slack at least this share remains.
LEAST_SLACK = 1e-2 * (1 - TO_BOUND)
# What a step is multiplied by, again and again, where it does not keep that.
SMALLER = (0.5, 0.5, 0.5, 0.25, 0.0, 1.0)
LARGEST_FACTOR = 1e8


class Descent(NamedTuple):
    """Paths, and whether they came to rest."""

    q: Array  # (clips, time, dof)
    is_done: Array  # (clips,)


class _State(NamedTuple):
    """Paths within their bounds; arrays have a first axis of clips, but those of `forces`."""

    q: Array
    tracked: Tracked
    slacks: Differences
    forces: Differences
    mu: Array  # (clips,)
    factor: Array  # of the damping, (clips,)
    is_done: Array


def descend(
    clips: Clips,
    q: Array,
    wish: Array,
    first_mu: float = FIRST_MU,
    last_mu: float = LAST_MU,
    least_gain: float = LEAST_GAIN,
) -> Descent:
    """Smooth paths within all limits, from paths within all limits towards the targets.

    A step minimises the squares of all linearised errors and differences of neighbouring frames,
    with the barriers of all limits: one block-banded system per clip. Frames are damped by
    their squared error, as in `fkarm.ik.damped_step`, and more after a step that failed. Clips that
    came to rest take no more steps.
    """
    moving = moving_places(clips)
    if not q.size or not moving.size:
        return Descent(q, np.ones(len(q), bool))
    count = len(q)
    coupling = Coupling(clips, moving)
    slacks = coupling.slacks(coupling.differences(q))
    mu = np.full(count, first_mu)
    q, is_done = q.copy(), np.zeros(count, bool)
    forces = slacks.map(lambda s: first_mu / s)
    state = _State(q, Tracking(clips, moving).at(q), slacks, forces, mu, np.ones(count), is_done)
    for _ in range(clips.max_steps):
        state = _step(clips, moving, coupling, state, wish, last_mu, least_gain)
        if state.is_done.all():
            break
    return Descent(state.q, state.is_done)


def moving_places(clips: Clips) -> Array:
    """Places in a step of the entries that may move and move a link."""
    return np.flatnonzero(clips.tangent.of_entries(clips.terms.free))


def _change(clips: Clips, moving: Array, coupling: Coupling, state: _State, away: Array) -> Array:
    """The Gauss-Newton step of all frames. Shape `(clips, time, n)`."""
    (count, time), n = clips.shape, len(moving)
    squared = np.minimum(state.tracked.squared, 1.0).reshape(count, time, 1)
    damping = (GAIN * squared + SMALLEST_DAMPING["float64"]) * state.factor[:, None, None]
    blocks = state.tracked.normal.reshape(count, time, n, n).copy()
    mu = state.mu[:, None, None]
    stiffness = state.forces.map(lambda z, s: (z / s).sum(axis=0), state.slacks)
    force = state.slacks.map(lambda s: mu / s[0] - mu / s[1])
    bands = coupling.bands(coupling.differences(state.q), away, stiffness, force)
    entries = np.arange(n)
    blocks[..., entries, entries] += bands.diagonal + damping
    right = state.tracked.downhill.reshape(count, time, n) + bands.right
    if clips.hold_start:
        blocks[:, 0, entries, entries] += 1e12
        right[:, 0] = 0.0
    return solve_banded(blocks, bands.to_next, bands.to_second, right)


def _merit(clips: Clips, coupling: Coupling, state: _State, away: Array) -> Array:
    """What a step must bring down: half the squared errors, and the barriers. `(clips,)`."""
    errors = 0.5 * state.tracked.squared.reshape(clips.shape).sum(axis=1)
    cost = errors + coupling.cost(coupling.differences(state.q), away)
    barrier = state.slacks.map(lambda s: np.log(np.where(np.isinf(s), 1.0, s)))
    return np.asarray(cost - state.mu * barrier.by_clip(np.sum, 0.0))


def _step(
    clips: Clips,
    moving: Array,
    coupling: Coupling,
    state: _State,
    wish: Array,
    last_mu: float,
    least_gain: float,
) -> _State:
    """One step of every clip."""
    tangent = clips.tangent

    def away(q: Array) -> Array:
        return tangent.minus(q, np.broadcast_to(wish, q.shape))[..., moving]

    change = _change(clips, moving, coupling, state, away(state.q))
    along = coupling.along(change)
    slack_rates = along.map(lambda x: np.stack([x, -x]))
    largest = np.abs(change).max(axis=(1, 2))
    share = _share(state.slacks, slack_rates)
    share = np.minimum(share, LARGEST_TURN / np.maximum(largest, 1e-300))
    mu = state.mu[:, None, None]
    # Forces only stiffen the bounds, so that each of them goes its own way.
    forces = state.forces.map(
        lambda z, s, r: np.maximum((mu - z * r) / s, (1 - TO_BOUND) * z), state.slacks, slack_rates
    )
    q, slacks, share = _inside(clips, moving, coupling, state, change, share)
    slacks = slacks.map(lambda s, old: np.maximum(s, LEAST_SLACK * old), state.slacks)
    tried = state._replace(q=q, tracked=Tracking(clips, moving).at(q), slacks=slacks, forces=forces)
    before, after = (_merit(clips, coupling, s, away(s.q)) for s in (state, tried))
    is_better = after <= before + 1e-9 * np.abs(before)
    is_taken = is_better | (state.factor >= LARGEST_FACTOR)
    factor = np.where(is_taken, np.maximum(state.factor / 4.0, 1.0), state.factor * 8.0)
    is_small = (largest < REST) | (before - after < least_gain * np.abs(before))
    at_rest = is_better & is_small & (state.mu <= last_mu) & (share > 0)
    change_of_mu = np.select(
        [(share == 1.0) & (state.mu <= SMALL_MU), share > 0.5, share < 0.2],
        [AFTER_WHOLE, AFTER_HALF, AFTER_SHORT],
        1.0,
    )
    mu_now = np.where(is_taken, np.maximum(change_of_mu * state.mu, last_mu), state.mu)
    return _chosen(is_taken & ~state.is_done, tried, state, mu_now, factor, at_rest)


def _inside(
    clips: Clips, moving: Array, coupling: Coupling, state: _State, change: Array, share: Array
) -> tuple[Array, Differences, Array]:
    """Paths after a share of a step, their slacks, and the share: less where turns bend a path.

    What keeps its bounds on a straight way may exceed them by turns.
    """
    tangent = clips.tangent
    step = np.zeros((*clips.shape, tangent.size))
    for factor in SMALLER:
        step[..., moving] = share[:, None, None] * change
        q = tangent.plus(state.q, step)
        slacks = coupling.slacks(coupling.differences(q))
        if not tangent.quaternions:
            break
        is_lost = slacks.map(lambda s, old: s < LEAST_SLACK * old, state.slacks)
        is_beyond = is_lost.by_clip(np.max, False)
        if not is_beyond.any():
            break
        share = np.where(is_beyond, factor * share, share)
    return q, slacks, share


def _chosen(
    is_taken: Array, new: _State, old: _State, mu: Array, factor: Array, at_rest: Array
) -> _State:
    if is_taken.all():
        return new._replace(mu=mu, factor=factor, is_done=old.is_done | at_rest)

    def pick(a: Array, b: Array) -> Array:
        return np.where(is_taken[:, None, None], a, b)

    by_frame = np.repeat(is_taken, new.q.shape[1])
    tracked = Tracked(
        *(
            np.where(by_frame.reshape(-1, *(1,) * (a.ndim - 1)), a, b)
            for a, b in zip(new.tracked, old.tracked, strict=True)
        )
    )
    return _State(
        pick(new.q, old.q), tracked, new.slacks.map(pick, old.slacks),
        new.forces.map(pick, old.forces), mu, factor, old.is_done | at_rest,
    )  # fmt: skip


def _share(slacks: Differences, rates: Differences) -> Array:
    """How far all slacks stay positive along their rates, at most once. Shape `(clips,)`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = rates.map(lambda r, s: np.where(np.isfinite(s) & (s > 0), -r / s, 0.0), slacks)
    worst = ratios.by_clip(np.max, 0.0)
    return np.asarray(np.minimum(1.0, TO_BOUND / np.maximum(worst, 1e-300)))
