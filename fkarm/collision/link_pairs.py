"""Which pairs of links count, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from types import MappingProxyType
from typing import Any, Literal, overload

import numpy as np

from fkarm.collision.arithmetic import NUMPY
from fkarm.collision.groups import make_groups
from fkarm.collision.nearest import group_minima, pair_minima
from fkarm.collision.points import numpy_points
from fkarm.collision.shapes import check_has_bodies, shapes_of
from fkarm.config import cached
from fkarm.errors import RobotError
from fkarm.kinematics.in_numpy import posture
from fkarm.kinematics.joint_space import FREE_LENGTH
from fkarm.kinematics.sampling import sample_configurations
from fkarm.kinematics.tree import tree_of
from fkarm.model import Body, Exclusion, Joint, Robot

Pair = tuple[str, str]

# Postures that tell pairs that always overlap and pairs that never touch, and their seed.
SAMPLES, SEED = 2048, 0
# A pair never touches if its smallest sampled distance exceeds this, m, and this share of the
# difference between its largest and smallest sampled distance.
MARGIN, MARGIN_SHARE = 0.02, 0.5
_ROWS = 128  # at a time: the distances of so many postures fit a cache
OVERLAP = "overlap in every posture: exclude the pair or shrink the bodies"


@overload
def pairs(robot: Robot, reasons: Literal[False] = False) -> tuple[Pair, ...]: ...
@overload
def pairs(robot: Robot, reasons: Literal[True]) -> Mapping[Pair, str]: ...
def pairs(robot: Robot, reasons: bool = False) -> Any:
    """The pairs of links whose distances count, or why the others do not.

    Left out are pairs of links

    - that no joint moves against each other;
    - that `robot.exclusions` names;
    - that are neighbours, joined by one moving joint, at which their bodies usually overlap; but
      links count that a planar or floating joint joins, such as a base and the floor;
    - that never touch: of 2,048 random postures within the limits (seed 0) the nearest is farther
      than 2 cm, and farther than half the range of its distances.

    It is worked out once for equal robots with equal bodies and exclusions. Links without bodies
    are in no pair. Change it by `robot.with_exclusions`, or pass pairs to the functions of
    `fkarm.collision`.

    Args:
        robot: The robot, with bodies.
        reasons: Whether to return the pairs that do not count, with reasons.
    Returns:
        Pairs of names of links, in the order of `robot.link_names`; with `reasons` a mapping from
        the pairs that are left out to words.
    Raises:
        RobotError: If the robot has no bodies, or (without `reasons`) two links that count
            otherwise overlap in every one of these postures.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 1.0, 1.0])
        >>> arm = arm.with_bodies([fkarm.Body(link, "sphere", 0.1) for link in arm.link_names])
        >>> fkarm.collision.pairs(arm)
        (('base', 'link_3'), ('base', 'tool'), ('link_1', 'link_3'), ('link_1', 'tool'))
        >>> print(fkarm.collision.pairs(arm, reasons=True)["link_1", "link_2"])
        neighbours at joint joint_2
    """
    check_has_bodies(robot)
    counted, left_out = _sorted_out(robot, robot.bodies, robot.exclusions)
    if reasons:
        return left_out
    overlapping = [pair for pair, reason in left_out.items() if reason == OVERLAP]
    if overlapping:
        raise RobotError(
            f"Bodies must come apart in some posture. Received: {_listed(overlapping)} {OVERLAP}. "
            "To exclude: robot.with_exclusions([*robot.exclusions, "
            f"{', '.join(map(repr, overlapping))}])."
        )
    return counted


def chosen_pairs(robot: Robot, given: Iterable[Pair] | None) -> tuple[Pair, ...]:
    """The pairs to measure: those given, checked, or those that count."""
    if given is not None:
        return checked_pairs(robot, given)
    counted = pairs(robot)
    if not counted:
        left_out = [f"{a} and {b}: {reason}" for (a, b), reason in pairs(robot, True).items()]
        listed = "; ".join(left_out[:10]) or "bodies on one link"
        raise ValueError(
            f"At least one pair of links must count. Received: none ({listed}). Pass "
            "pairs=[(link_1, link_2)], or add bodies: robot.with_bodies."
        )
    return counted


def checked_pairs(robot: Robot, given: Iterable[Pair]) -> tuple[Pair, ...]:
    """Pairs of links that carry bodies.

    Raises:
        TypeError, ValueError: If they are no pairs of two names, or a link has no bodies.
        UnknownLinkError: If a link does not exist.
    """
    check_has_bodies(robot)
    listed = [given] if isinstance(given, str) else list(given)
    carrying = {body.link for body in robot.bodies}
    for pair in listed:
        is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
        if not is_pair or not all(isinstance(link, str) for link in pair):
            raise TypeError(
                f"pairs must be a list of pairs of names of links. Received: {pair!r} in it. "
                "Write one pair as [(link_1, link_2)]."
            )
        for link in pair:
            robot.check_link(link)
            if link not in carrying:
                raise ValueError(
                    f"Links of pairs must have bodies. Received: {link!r}, which has none. "
                    f"Bodies are on: {', '.join(sorted(carrying))}."
                )
        if pair[0] == pair[1]:
            raise ValueError(
                f"A pair must name two links. Received: {pair[0]!r} twice. Bodies of one link "
                "do not move against each other."
            )
    if not listed:
        raise ValueError("pairs must hold at least one pair. Received: none. Leave it out for all.")
    return tuple((a, b) for a, b in listed)


@cached(256)
def _sorted_out(
    robot: Robot, bodies: tuple[Body, ...], exclusions: tuple[Exclusion, ...]
) -> tuple[tuple[Pair, ...], Mapping[Pair, str]]:
    """The pairs that count, and the others with reasons."""
    carrying = {body.link for body in bodies}
    candidates = list(combinations([name for name in robot.link_names if name in carrying], 2))
    reasons = {pair: _reason(robot, pair, exclusions) for pair in candidates}
    moving = tuple(pair for pair, reason in reasons.items() if not reason)
    if moving:
        reasons.update(_by_sampling(robot, bodies, moving))
    counted = tuple(pair for pair, reason in reasons.items() if not reason)
    left_out = {pair: reason for pair, reason in reasons.items() if reason}
    return counted, MappingProxyType(left_out)


def _reason(robot: Robot, pair: Pair, exclusions: tuple[Exclusion, ...]) -> str:
    """Why a pair does not count, as far as the description tells; empty if it tells nothing."""
    moving = [joint for joint in _between(robot, *pair) if not joint.is_fixed]
    if not moving:
        return "no joint moves them against each other"
    for exclusion in exclusions:
        if {exclusion.link_1, exclusion.link_2} == set(pair):
            return exclusion.reason
    if len(moving) == 1 and len(moving[0].entries) == 1:
        return f"neighbours at joint {moving[0].name}"
    if len(moving) == 1 and moving[0].type == "spherical":
        return f"neighbours at joint {moving[0].name}"
    return ""


def _between(robot: Robot, link_1: str, link_2: str) -> list[Any]:
    """The joints on the way from a link to another one."""
    path_1, path_2 = robot.path_to(link_1), robot.path_to(link_2)
    common = sum(a is b for a, b in zip(path_1, path_2, strict=False))
    return [*path_1[common:], *path_2[common:]]


def _by_sampling(
    robot: Robot, bodies: tuple[Body, ...], moving: tuple[Pair, ...]
) -> dict[Pair, str]:
    """Reasons for pairs that overlap in every sampled posture or that are never near."""
    links = {link for pair in moving for link in pair}
    shapes = shapes_of(robot, tuple(body for body in bodies if body.link in links))
    tree, groups = tree_of(robot, shapes.links, shapes.base), make_groups(shapes, moving)
    nearest, farthest = np.full(len(moving), np.inf), np.full(len(moving), -np.inf)
    for q in np.array_split(_samples(robot), SAMPLES // _ROWS):
        minima = group_minima(NUMPY, numpy_points(posture(tree, q), shapes), groups)
        distances = pair_minima(NUMPY, minima, groups)  # (pairs, rows)
        nearest = np.minimum(nearest, distances.min(axis=1))
        farthest = np.maximum(farthest, distances.max(axis=1))
    reasons = {}
    margin = np.maximum(MARGIN, MARGIN_SHARE * (farthest - nearest))
    for pair, low, high, least in zip(moving, nearest, farthest, margin, strict=True):
        if high < 0:
            reasons[pair] = OVERLAP
        elif low > least:
            reasons[pair] = f"never nearer than {low:.3f} m in {SAMPLES:,} postures"
    return reasons


def _samples(robot: Robot) -> np.ndarray:
    """Random configurations within the limits. Shape `(SAMPLES, dof)`."""
    joints = tuple(_with_two_limits(joint) for joint in robot.joints)
    return sample_configurations(replace(robot, joints=joints), SAMPLES, SEED)


def _with_two_limits(joint: Joint) -> Joint:
    """A joint that slides without a limit on some side, with a limit there."""
    lower, upper = joint.lower, joint.upper
    if not joint.is_prismatic or np.isfinite(upper - lower):
        return joint
    if np.isinf(lower) and np.isinf(upper):
        return replace(joint, lower=-FREE_LENGTH, upper=FREE_LENGTH)
    if np.isinf(lower):
        return replace(joint, lower=upper - 2 * FREE_LENGTH)
    return replace(joint, upper=lower + 2 * FREE_LENGTH)


def _listed(overlapping: list[Pair]) -> str:
    return "; ".join(f"{a} and {b}" for a, b in overlapping)
