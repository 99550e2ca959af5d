"""How well samples of configurations stand for all the configurations that reach a pose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import fkarm

NEAR = 0.3  # rad or m, in each joint
STARTS = 256


def many_solutions(robot: fkarm.Robot, link: str, poses: np.ndarray, most: int) -> list[np.ndarray]:
    """For each pose up to `most` different exact solutions, from many starts. `(k, dof)` each."""
    found = fkarm.solve_ik_all(robot, poses, link, starts=STARTS)
    rng = np.random.default_rng(0)
    return [
        rng.permutation(q[is_one])[:most]
        for q, is_one in zip(found.q, found.is_solution, strict=True)
    ]


def coverage(samples: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> float:
    """Share of reference solutions with a sample within `NEAR` in each joint, whole turns aside.

    A joint of two turns alone would double the number of solutions.
    """
    hits = []
    for near, exact in zip(samples, reference, strict=True):
        if len(exact) and len(near):
            apart = np.remainder(near[None] - exact[:, None] + np.pi, 2 * np.pi) - np.pi
            apart = np.abs(apart).max(axis=-1)
            hits.append(np.mean(apart.min(axis=1) <= NEAR))
        elif len(exact):
            hits.append(0.0)
    return float(np.mean(hits))


def discrepancy(samples: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> float:
    """Mean over poses of the maximum mean discrepancy of samples and solutions.

    Inverse multiquadric kernel `1 / (1 + |a - b|^2)` on sines and cosines of the joints.
    """
    values = []
    for near, exact in zip(samples, reference, strict=True):
        if len(exact):
            a, b = (np.concatenate([np.sin(q), np.cos(q)], axis=-1) for q in (near, exact))
            squared = _kernel(a, a) + _kernel(b, b) - 2.0 * _kernel(a, b)
            values.append(np.sqrt(max(squared, 0.0)))
    return float(np.mean(values))


def _kernel(a: np.ndarray, b: np.ndarray) -> float:
    squared = np.square(a[:, None] - b[None]).sum(axis=-1)
    return float(np.mean(1.0 / (1.0 + squared)))
