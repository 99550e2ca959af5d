"""Senses and offsets that give one arm the screws of another."""

from __future__ import annotations

import itertools
import math

import numpy as np

from fkarm.compare.screws import joint_screws, parallel_pairs, screw_features
from fkarm.model import Robot

_STARTS, _STEPS = 96, 60  # of the damped least squares
_CANDIDATES = 6  # pairs of senses and offsets that are fitted, each with four choices of end senses
_EXACT = 1e-7  # smaller errors are rounding


def preference(error: float, senses: np.ndarray, offsets: np.ndarray) -> tuple[float, float, float]:
    """Sorts exact answers first; among exact ones fewest turned senses, then smallest offsets.

    An arm whose neighbouring axes meet at right angles has several exact answers: half a turn of
    the joint before can turn a sense.
    """
    return max(error, _EXACT), float(np.sum(senses < 0)), float(np.abs(np.sin(offsets / 2)).sum())


def find_candidates(
    a: Robot, b: Robot, q: np.ndarray, size: float, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Senses and offsets that give b the features of a at the configurations `q`, best first.

    Args:
        a: A robot.
        b: Another.
        q: Configurations of a. Shape `(n, dof)`.
        size: Length of a, m.
        rng: Draws the starts of the search.
    """
    screws_a = joint_screws(a, q, size)
    parallel = parallel_pairs(screws_a)
    wanted = screw_features(screws_a, parallel)  # (n, features)
    u = _same_features(b, wanted[0], parallel[0], size, rng)  # (starts, dof)
    inner = np.arange(1, a.dof - 1)
    scored = []
    for signs in itertools.product((1.0, -1.0), repeat=len(inner)):
        senses = np.ones(a.dof)
        senses[inner] = signs
        offsets = u - senses * q[0]
        offsets[:, [0, -1]] = 0.0
        moved = senses * q[:, None, :] + offsets  # (n, starts, dof)
        features = screw_features(joint_screws(b, moved, size), parallel[:, None, :])
        errors = np.abs(features - wanted[:, None, :]).max(axis=(0, 2), initial=0.0)  # (starts,)
        scored += [(float(e), senses, offset) for e, offset in zip(errors, offsets, strict=True)]
    scored.sort(key=lambda candidate: preference(*candidate))
    candidates = []
    for _, senses, offset in scored[:_CANDIDATES]:
        for first, last in itertools.product((1.0, -1.0), repeat=2):
            ends = senses.copy()
            ends[0], ends[-1] = first, last if a.dof > 1 else first
            candidates.append((ends, offset))
    return candidates


def _same_features(
    robot: Robot,
    wanted: np.ndarray,
    parallel: np.ndarray,
    size: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Configurations with the wanted features: Levenberg-Marquardt from many starts, best first.

    `wanted (features,)` and `parallel (pairs,)` to the best third, `(starts / 3, dof)`.
    """
    scale = np.where(np.array(robot.entries) == "angle", math.pi, size)
    u = scale * rng.uniform(-1, 1, size=(_STARTS, robot.dof))
    damping = np.full(_STARTS, 1e-2)
    step = 1e-6 * scale
    moves = np.concatenate([np.zeros((1, robot.dof)), np.diag(step), -np.diag(step)])

    def residual(points: np.ndarray) -> np.ndarray:
        return screw_features(joint_screws(robot, points, size), parallel) - wanted

    cost = np.sum(residual(u) ** 2, axis=-1)
    for _ in range(_STEPS):
        around = residual(u[:, None, :] + moves)  # (starts, 1 + 2 dof, features)
        r, ahead, behind = around[:, 0], around[:, 1 : robot.dof + 1], around[:, robot.dof + 1 :]
        # By central differences, for steps in units of `scale`.
        jacobian = (ahead - behind) / 2e-6  # (starts, dof, features)
        normal = jacobian @ np.swapaxes(jacobian, 1, 2) + damping[:, None, None] * np.eye(robot.dof)
        gradient = np.einsum("sdf,sf->sd", jacobian, r)
        trial = u - scale * np.linalg.solve(normal, gradient[..., None])[..., 0]
        trial_cost = np.sum(residual(trial) ** 2, axis=-1)
        better = trial_cost < cost
        u, cost = np.where(better[:, None], trial, u), np.where(better, trial_cost, cost)
        damping = np.clip(np.where(better, 0.2 * damping, 5.0 * damping), 1e-15, 1e6)
    return u[np.argsort(cost)][: _STARTS // 3]
