"""Errors of every frame, with their derivative by steps: targets, contacts, centre of mass.

Whatever draws a path frame by frame has its rows here; what couples frames is in `coupling.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.ik.clearance import Surroundings
from fkarm.ik.in_numpy.residual import (
    Structure,
    derivatives,
    errors_at,
    structure_of,
)
from fkarm.kinematics.in_numpy import Posture, posture
from fkarm.kinematics.masses import center_at, jacobian_at, mass_shares
from fkarm.kinematics.tree import tree_of
from fkarm.model.frames import nearest_rotation
from fkarm.motion.request import Clips
from fkarm.motion.tangent import Array

# How much more a contact counts than a target.
CONTACT_WEIGHT = 30.0
# The same of a metre that a distance between bodies lacks. The closest pairs count, and aim at this
# much more than the clearance, m: a weight leaves a little.
CLEARANCE_WEIGHT, PAIRS, AIM = 30.0, 12, 1e-3
# Frames that are computed at a time, so that a cache holds their derivatives.
CHUNK = 128


class Tracked(NamedTuple):
    """Weighted errors of frames, with the normal equations of the steps that may move."""

    squared: Array  # squared length of the errors, (frames,)
    normal: Array  # J^T J of their derivative J, (frames, moving, moving)
    downhill: Array  # -J^T times the errors, (frames, moving)


class Tracking:
    """The errors of clips.

    Args:
        clips: The clips.
        moving: Places in a step that may move.
    """

    def __init__(self, clips: Clips, moving: Array) -> None:
        self.clips, self.moving = clips, moving
        self.of: Structure = structure_of(clips.problem)
        counts = [len(rows) for rows in clips.problem.components.rows]
        self._by_component = np.repeat(np.arange(len(counts)), counts)

    def at(self, q: Array) -> Tracked:
        """Errors and derivatives at `q (clips, time, dof)`."""
        clips, flat = self.clips, q.reshape(-1, q.shape[-1])
        parts = [slice(k, k + CHUNK) for k in range(0, len(flat), CHUNK)]
        postures = [posture(self.of.tree, flat[part]) for part in parts]
        poses = np.concatenate([at.links.swapaxes(0, 1) for at in postures])
        targets, weights = (
            x.reshape(-1, *x.shape[2:]) for x in anchored(clips, poses.reshape(clips.targets.shape))
        )
        tracked = [
            self._tracked(at, targets[part], weights[part], part)
            for at, part in zip(postures, parts, strict=True)
        ]
        return Tracked(*(np.concatenate(arrays) for arrays in zip(*tracked, strict=True)))

    def _tracked(self, at: Posture, targets: Array, weights: Array, frames: slice) -> Tracked:
        """Those of some frames."""
        clips, q = self.clips, at.q
        error = errors_at(self.of, at, targets) * clips.terms.weights
        local = derivatives(self.of, clips.terms, at, error, targets)
        jacobian = clips.tangent.by_step(local.jacobian, q, self.of.active, self.moving)
        by_row = weights[:, self._by_component]
        if (by_row != 1.0).any():
            error = by_row * error
            jacobian *= by_row[..., None]
        terms = [(error, jacobian)]
        if clips.center_of_mass is not None:
            terms.append(self._centre(q, frames))
        if clips.around is not None:
            terms.append(self._apart(clips.around, q))
        error = np.concatenate([error for error, _ in terms], axis=1)
        jacobian = np.concatenate([jacobian for _, jacobian in terms], axis=1)
        transposed = jacobian.swapaxes(1, 2)
        downhill = (transposed @ error[..., None])[..., 0]
        return Tracked(np.vecdot(error, error), transposed @ jacobian, downhill)

    def _centre(self, q: Array, frames: slice) -> tuple[Array, Array]:
        """The weighted errors of the centre of mass, and their negative derivative."""
        clips = self.clips
        at, shares = _masses_at(clips, q)
        missing = _from_centre(clips, center_at(at, shares), frames)
        is_given, weight = ~np.isnan(missing), clips.center_of_mass_weight
        jacobian = jacobian_at(at, shares) * (weight * is_given[..., None])
        jacobian = clips.tangent.by_step(jacobian, q, np.arange(clips.robot.dof), self.moving)
        return weight * np.where(is_given, missing, 0.0), jacobian

    def _apart(self, around: Surroundings, q: Array) -> tuple[Array, Array]:
        """How much the closest distances lack, and the negative derivative."""
        clips = self.clips
        distances, slopes = around.closest(q, PAIRS)
        lacking = around.least + AIM - distances
        weight = CLEARANCE_WEIGHT * (lacking > 0)
        jacobian = slopes * weight[..., None]
        jacobian = clips.tangent.by_step(jacobian, q, np.arange(clips.robot.dof), self.moving)
        return weight * lacking, jacobian


def centre_errors(clips: Clips, q: Array) -> Array:
    """From the centres of mass at `q (frames, dof)` to their targets; NaN where none is given."""
    return _from_centre(clips, center_at(*_masses_at(clips, q)))


def _masses_at(clips: Clips, q: Array) -> tuple[Posture, Array]:
    """The links that have masses at `q (frames, dof)`, and their shares."""
    robot = clips.robot
    links, shares = mass_shares(robot.masses, robot.name)
    return posture(tree_of(robot, links, robot.root_link), q), shares


def _from_centre(clips: Clips, centre: Array, frames: slice = slice(None)) -> Array:
    return np.asarray(clips.center_of_mass).reshape(-1, 3)[frames] - centre


def anchored(clips: Clips, poses: Array) -> tuple[Array, Array]:
    """Targets, with those of contacts in place of the given ones, and weights of links.

    While a link stands still its target is the mean of the given ones, or of its own poses where
    none is given.
    """
    weights = clips.weights * clips.is_given
    if not clips.contacts.any():
        return clips.targets, weights
    targets = clips.targets.copy()
    for clip, link in np.argwhere(clips.contacts.any(axis=1)):
        for frames in runs(clips.contacts[clip, :, link]):
            given = clips.is_given[clip, frames, link]
            source = clips.targets if given.any() else poses
            chosen = source[clip, frames, link][given if given.any() else slice(None)]
            targets[clip, frames, link] = mean_pose(chosen)
    return targets, np.where(clips.contacts, CONTACT_WEIGHT, weights)


def runs(flags: Array) -> list[slice]:
    """The slices of neighbours that are all True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def mean_pose(poses: Array) -> Array:
    """The mean position and the nearest rotation to the mean matrix, of `(n, 4, 4)`."""
    mean = poses.mean(axis=0)
    mean[:3, :3] = nearest_rotation(mean[:3, :3])
    return np.asarray(mean)
