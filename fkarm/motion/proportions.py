"""From the proportions of a person to those of a robot: other lengths, equal directions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from fkarm._checks import check_positive
from fkarm.errors import unknown_name
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics, sample_configurations
from fkarm.model import Robot
from fkarm.motion.correspondence import Pair

# Configurations in which the lengths of a robot are measured.
_CONFIGURATIONS = 128
# A person's length is one that is rarely exceeded: the very longest ones are errors of measurement.
_PERCENTILE = 95.0
# A place that stays within this distance does not move, m.
_STILL = 1e-6
_SHORTEST = 1e-9  # m
_EQUAL = 0.98  # left and right limbs are about as long


class Skeleton:
    """Places on a robot as a tree, and the lengths of its bones.

    A bone joins a place to its parent, the nearest place above it. A limb is a chain of bones from
    a place where bones branch to the next such place, or to a tip. Bones that no joint bends, from
    the pelvis to a hip or within a link, belong to no limb. The limbs of a root that moves, the
    legs, are scaled as a whole: then a foot that stands still does so when it is scaled.

    Args:
        robot: The robot, with a link at every place.
        pairs: The places, those nearer the root first.
    Raises:
        RobotError: If a prismatic joint lacks a limit.
    """

    def __init__(self, robot: Robot, pairs: Sequence[Pair]) -> None:
        self.pairs = tuple(pairs)
        self._parents = [_parent(robot, pairs, k) for k in range(len(pairs))]
        self._above = [k if parent is None else parent for k, parent in enumerate(self._parents)]
        q = sample_configurations(robot, _CONFIGURATIONS, seed=0)
        names = [pair.place for pair in pairs]
        places = to_numpy(forward_kinematics(robot, q, names))[:, :, :3, 3]
        self.is_still = _is_still(places)
        self._first = places[0]
        self._lengths = self._bones(places).max(axis=0)
        self._is_stiff = [self._stiff(robot, q, k) for k in range(len(pairs))]
        self._limbs = _limbs(self._parents, self._is_stiff)

    def _stiff(self, robot: Robot, q: np.ndarray, place: int) -> bool:
        """Whether no joint bends a bone that begins where several do, or lies within a link."""
        parent = self._parents[place]
        if parent is None:
            return False
        pair, above = self.pairs[place], self.pairs[parent]
        if self._parents.count(parent) == 1 and pair.link != above.link:
            return False
        poses = to_numpy(forward_kinematics(robot, q, pair.place, above.link))
        return bool(_is_still(poses[:, :3, 3]))

    def scaled(self, points: np.ndarray, scale: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Targets of the places, and the rotation from the person's axes to those of the robot.

        Args:
            points: Points of the person, m; NaN where they are unknown. In the same shape.
            scale: As in `fkarm.retarget`.
        Returns:
            Targets, `(..., time, places, 3)`, and rotations, `(..., time, 3, 3)`, NaN where points
            do not tell them; None: the axes are the same.
        Raises:
            ValueError: If `scale` is out of range, or lengths cannot tell it.
        """
        ratios = self._ratios(points, scale)
        bones = ratios[..., None, :, None] * (points - points[..., self._above, :])
        turn = self._turn(bones)
        if turn is not None:
            bones = bones @ np.swapaxes(turn, -1, -2)
        targets = np.empty_like(points)
        for k, parent in enumerate(self._parents):
            if parent is not None:
                targets[..., k, :] = targets[..., parent, :] + bones[..., k, :]
            elif self.is_still[k]:
                targets[..., k, :] = self._first[k]
            else:
                targets[..., k, :] = ratios[..., None, k, None] * points[..., k, :]
        return targets, turn

    def _turn(self, bones: np.ndarray) -> np.ndarray | None:
        """The rotation that brings bones between places that cannot move to those of the robot."""
        fixed = [
            k for k, parent in enumerate(self._parents)
            if parent is not None and self.is_still[k] and self.is_still[parent]
        ]  # fmt: skip
        robot = (self._first - self._first[self._above])[fixed]
        if np.linalg.matrix_rank(robot, tol=1e-4) < 2:
            return None
        known = np.nan_to_num(bones[..., fixed, :].astype(np.float64))
        u, sizes, vt = np.linalg.svd(robot.T @ known)
        u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
        is_told = sizes[..., 1] > 1e-4 * sizes[..., 0]  # by two directions at least
        turn = np.where(is_told[..., None, None], u @ vt, np.nan)
        return np.asarray(turn.astype(bones.dtype))

    def _ratios(self, points: np.ndarray, scale: Any) -> np.ndarray:
        """The ratio of every bone, and of the position of every root. Shape `(..., places)`."""
        shape = (*points.shape[:-3], len(self.pairs))
        if isinstance(scale, Real) and not isinstance(scale, bool):
            check_positive("scale", scale)
            return np.full(shape, float(scale), points.dtype)
        given = self._given(scale)
        ratios = np.ones(shape, points.dtype)
        if len(given) < len(self.pairs) and points.size:
            ratios = self._by_lengths(points, given)
        for k, value in given.items():
            ratios[..., k] = value
        return ratios

    def _given(self, scale: Any) -> dict[int, float]:
        """The ratios that a mapping states."""
        if isinstance(scale, str) and scale == "auto":
            return {}
        if not isinstance(scale, Mapping):
            raise ValueError(
                "scale must be 'auto', a number > 0, or a mapping {link: number}. Received: "
                f"{scale!r}."
            )
        links = [pair.link for pair in self.pairs]
        for link, value in scale.items():
            if link not in links:
                raise ValueError(unknown_name("A link of scale", link, links))
            check_positive(f"scale[{link!r}]", value)
        return {k: float(scale[link]) for k, link in enumerate(links) if link in scale}

    def _by_lengths(self, points: np.ndarray, given: Mapping[int, float]) -> np.ndarray:
        """Ratios of limbs that begin at a root that moves, of other bones, and of such roots."""
        with warnings.catch_warnings():  # of a point that is never known
            warnings.simplefilter("ignore", RuntimeWarning)
            lengths = np.nanpercentile(self._bones(points), _PERCENTILE, axis=-2)  # (..., places)
        ratios = np.ones_like(lengths)
        whole = [limb for limb in self._limbs if self._moves(self._start(limb))]
        alone = {k for k, parent in enumerate(self._parents) if parent is not None}.difference(
            *whole
        )
        for chain in (*whole, *([k] for k in sorted(alone))):
            total = lengths[..., chain].sum(axis=-1)
            if not (total > _SHORTEST).all() and not set(chain) <= set(given):
                names = [self.pairs[k].key.point for k in (self._above[chain[0]], *chain)]
                raise ValueError(
                    f"The points {names} must be known and apart from each other in every clip, "
                    "for their distances tell the scale. Received: a clip in which they are not. "
                    "State it: scale=1.0."
                )
            ratios[..., chain] = (self._lengths[chain].sum() / total)[..., None]
        for k in range(len(self._parents)):
            if self._moves(k) and k not in given:
                ratios[..., k] = self._of_root(k, ratios)
        return ratios

    def _of_root(self, root: int, ratios: np.ndarray) -> np.ndarray:
        """The mean of the longest limbs that begin at a root."""
        limbs = [limb for limb in self._limbs if self._start(limb) == root]
        if not limbs:
            raise ValueError(
                "correspondence must join its links to one tree, for scale='auto' compares the "
                f"distances of points. Received: {self.pairs[root].link!r}, from which no limb "
                "begins. Add a link above all others, such as the pelvis, or state the scale: "
                "scale=1.0."
            )
        lengths = [self._lengths[limb].sum() for limb in limbs]
        pairs = zip(limbs, lengths, strict=True)
        longest = [limb[0] for limb, length in pairs if length > _EQUAL * max(lengths)]
        return np.asarray(ratios[..., longest].mean(axis=-1))

    def _moves(self, place: int) -> bool:
        """Whether a place is a root that moves."""
        return self._parents[place] is None and not self.is_still[place]

    def _start(self, limb: Sequence[int]) -> int:
        """The place from which a limb begins, at the other end of bones that no joint bends."""
        place = self._above[limb[0]]
        while self._is_stiff[place]:
            place = self._above[place]
        return place

    def _bones(self, points: np.ndarray) -> np.ndarray:
        """Lengths of the bones above the places, 0 for roots. Shape `(..., places)`."""
        return np.asarray(np.linalg.norm(points - points[..., self._above, :], axis=-1))


def _parent(robot: Robot, pairs: Sequence[Pair], place: int) -> int | None:
    """The nearest place above one, or the first one on its own link; None for a root."""
    link = pairs[place].link
    above = [str(joint.parent) for joint in robot.path_to(link)]
    for name in (link, *reversed(above)):
        for k, pair in enumerate(pairs[:place]):
            if pair.link == name:
                return k
    return None


def _limbs(parents: Sequence[int | None], is_stiff: Sequence[bool]) -> list[list[int]]:
    """The limbs, as the places at the ends of their bones, from the nearest to the last."""
    bent = [k for k, parent in enumerate(parents) if parent is not None and not is_stiff[k]]
    below = {k: [child for child in bent if parents[child] == k] for k in range(len(parents))}
    limbs = []
    for k in bent:
        parent = parents[k]
        if parent not in bent or len(below[parent]) > 1:
            limb = [k]
            while len(below[limb[-1]]) == 1:
                limb += below[limb[-1]]
            limbs.append(limb)
    return limbs


def _is_still(places: np.ndarray) -> Any:
    """Which places stay where they are in all configurations, `(configurations, ..., 3)`."""
    return np.ptp(places, axis=0).max(axis=-1) < _STILL
