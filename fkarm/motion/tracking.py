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
# Frames whose distances are computed at a time.
CHUNK = 256


class Tracked(NamedTuple):
    """Weighted errors of frames, and their negative derivative by the steps that may move."""

    error: Array  # (frames, m)
    jacobian: Array  # (frames, m, moving)


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
        clips = self.clips
        flat = q.reshape(-1, q.shape[-1])
        at = posture(self.of.tree, flat)
        poses = at.links.swapaxes(0, 1).reshape(clips.targets.shape)
        targets, weights = anchored(clips, poses)
        targets = targets.reshape(-1, *targets.shape[2:])
        by_row = weights.reshape(len(flat), -1)[:, self._by_component]
        error = errors_at(self.of, at, targets) * clips.terms.weights
        local = derivatives(self.of, clips.terms, at, error, targets)
        jacobian = clips.tangent.by_step(local.jacobian, flat, self.of.active, self.moving)
        if (by_row != 1.0).any():
            error = by_row * error
            jacobian *= by_row[..., None]
        more = [Tracked(error, jacobian)]
        if clips.center_of_mass is not None:
            more.append(self._centre(flat))
        if clips.around is not None:
            more.append(self._apart(clips.around, flat))
        errors, jacobians = zip(*more, strict=True)
        return Tracked(np.hstack(errors), np.concatenate(jacobians, axis=1))

    def _centre(self, q: Array) -> Tracked:
        """The weighted errors of the centre of mass, and their derivative."""
        clips = self.clips
        at, shares = _masses_at(clips, q)
        missing = _from_centre(clips, center_at(at, shares))
        is_given, weight = ~np.isnan(missing), clips.center_of_mass_weight
        jacobian = jacobian_at(at, shares) * (weight * is_given[..., None])
        jacobian = clips.tangent.by_step(jacobian, q, np.arange(clips.robot.dof), self.moving)
        return Tracked(weight * np.where(is_given, missing, 0.0), jacobian)

    def _apart(self, around: Surroundings, q: Array) -> Tracked:
        """How much the closest distances lack, and the derivative."""
        clips, chunks = self.clips, np.array_split(q, max(-(-len(q) // CHUNK), 1))
        distances, slopes = zip(*(around.closest(part, PAIRS) for part in chunks), strict=True)
        lacking = around.least + AIM - np.concatenate(distances)
        weight = CLEARANCE_WEIGHT * (lacking > 0)
        jacobian = np.concatenate(slopes) * weight[..., None]
        jacobian = clips.tangent.by_step(jacobian, q, np.arange(clips.robot.dof), self.moving)
        return Tracked(weight * lacking, jacobian)


def centre_errors(clips: Clips, q: Array) -> Array:
    """From the centres of mass at `q (frames, dof)` to their targets; NaN where none is given."""
    return _from_centre(clips, center_at(*_masses_at(clips, q)))


def _masses_at(clips: Clips, q: Array) -> tuple[Posture, Array]:
    """The links that have masses at `q (frames, dof)`, and their shares."""
    robot = clips.robot
    links, shares = mass_shares(robot.masses, robot.name)
    return posture(tree_of(robot, links, robot.root_link), q), shares


def _from_centre(clips: Clips, centre: Array) -> Array:
    return np.asarray(clips.center_of_mass).reshape(-1, 3) - centre


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
