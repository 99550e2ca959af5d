"""A person's motion on a robot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fkarm._checks import real_array
from fkarm._types import TensorLike
from fkarm.geometry.native import to_numpy
from fkarm.kinematics.plan import plan_chain
from fkarm.model import Robot
from fkarm.model.frames import frame_from
from fkarm.motion.arguments import check_times_of_clips, read_times
from fkarm.motion.contacts import contacts_of_places
from fkarm.motion.correspondence import (
    Correspondence,
    Pair,
    check_points,
    read_correspondence,
    with_places,
)
from fkarm.motion.path import solve_path
from fkarm.motion.proportions import Skeleton
from fkarm.motion.result import SolvedPath

# A person and a robot differ: what counts as reached, m and rad.
_POSITION_TOLERANCE, _ORIENTATION_TOLERANCE = 0.05, 0.3
# Arguments of `solve_path` that follow from the correspondence.
_OWN = {
    "base": "points are in the axes of the robot's root link",
    "weights": "each fkarm.motion.KeyPoint of the correspondence has its own",
}


def retarget(
    robot: Robot,
    points: TensorLike | Mapping[str, TensorLike],
    correspondence: Correspondence,
    times: TensorLike,
    scale: str | float | Mapping[str, float] = "auto",
    *,
    names: Sequence[str] | None = None,
    contacts: Mapping[str, TensorLike] | str | None = None,
    **options: Any,
) -> SolvedPath:
    """Bring a recorded motion onto a robot, all frames at once.

    Links follow the points of a person, an animal or another robot. The directions from point to
    point stay as they were recorded; their distances become those of the robot. `solve_path` then
    finds smooth configurations within all limits whose links are near these targets.

    The links of the correspondence form a tree of bones: the parent of a link is the nearest one
    above it. With `scale="auto"` a bone is scaled by the ratio of its largest length on the robot,
    over random configurations, to its largest length in the clip (the 95th percentile). A leg, a
    chain of bones from a root that moves to a branch or a tip, is scaled as a whole, and so is the
    position of the root: by the longest of these chains. So feet that stand still on the floor
    z = 0 do so for the robot. A root that cannot move, such as the wrist of a hand, stays where it
    is, and points count relative to it. If three places that cannot move are not on one line,
    points are also turned into the robot's axes by them, frame by frame.

    Args:
        robot: The robot, with a floating joint where it moves freely: `Robot.with_floating_base`.
        points: Positions by name, m, `{name: (..., time, 3)}`, or poses `{name: (..., time, 4,
            4)}`; or an array of all of them, `(..., time, points, 3)` or `(..., time, points, 4,
            4)`. They are in the axes of the robot's root link. Points that are not finite in a
            frame are unknown there; so are those that hang from them.
        correspondence: What each link follows, `{link: point}`: the name of a point, its index
            where points have no names, a `fkarm.motion.KeyPoint` with weights and the place on the
            link, or a list of these. Links that are not named are free.
            `fkarm.motion.G1_BODY` and `SHADOW_HAND` are ready.
        times: Times of the frames, s. Shape `(time,)`, or `(..., time)`.
        scale: `"auto"`; a number, by which all distances are multiplied; or `{link: number}` for
            the bones that end at these links, and `"auto"` for the others.
        names: Names of the points of an array.
        contacts: `{link: booleans (..., time)}`: the points of the link stand still while they are
            True, at the mean of their targets; without, feet slide. `"auto"`: a link stands while
            all of its points in the recording move more slowly than 0.2 m/s, over 0.1 s, and the
            lowest of them is within 0.05 m of the lowest point of the clip; the z axis is up.
        **options: Arguments of `solve_path` other than `base` and `weights`: `velocity_limits`,
            `q_start`, ... The tolerances, which decide `converged`, are 0.05 m and 0.3 rad here.
    Returns:
        What `solve_path` returns. Its `links` are those of the correspondence; a place that is not
        the frame of its link is named `"link@point"`. Its errors are distances from the scaled
        points.
    Raises:
        UnknownLinkError: If a link of the correspondence does not exist.
        RobotError: If a prismatic joint lacks a limit.
        TypeError: If the correspondence is no mapping or holds something else than points.
        ValueError: If a point is unknown, clips differ in length, the scale is not positive, or
            lengths cannot tell it; and as `solve_path`.
    Example:
        >>> arm = fkarm.robots.planar([0.4, 0.3])
        >>> angle = np.linspace(0.2, 0.9, 30)
        >>> elbow = 0.2 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
        >>> person = {"shoulder": 0 * elbow, "elbow": elbow, "hand": 1.75 * elbow}
        >>> joints = {"link_1": "shoulder", "link_2": "elbow", "tool": "hand"}
        >>> path = fkarm.retarget(arm, person, joints, np.arange(30) / 30)
        >>> bool(np.allclose(path.q[:, 0], angle, atol=0.01))
        True
    """
    for name, reason in _OWN.items():
        if (value := options.pop(name, None)) is not None:
            raise ValueError(f"{name} must be left out: {reason}. Received: {value!r}.")
    pairs = read_correspondence(robot, correspondence)
    instants = read_times(times)
    positions, rotations = _selected(points, names, pairs, instants.shape[-1:])
    check_times_of_clips(instants, positions.shape[:-2])
    with_links = with_places(robot, pairs)
    skeleton = Skeleton(with_links, pairs)
    places, turn = skeleton.scaled(positions, scale)
    if rotations is not None and turn is not None:
        rotations = turn[..., None, :, :] @ rotations
    targets, weights = {}, {}
    for k, pair in enumerate(pairs):
        target = places[..., k, :]
        if rotations is not None and pair.key.orientation_weight > 0:
            target = _poses(pair, target, rotations[..., k, :, :])
            is_moved = bool(plan_chain(with_links, (pair.place,), robot.root_link).entries)
        else:
            is_moved = not skeleton.is_still[k]
        if not is_moved:
            continue  # it only tells where the others are
        targets[pair.place] = target
        weights[pair.place] = (pair.key.weight, pair.key.orientation_weight or 1.0)
    if not targets:
        raise ValueError(
            "correspondence must name a link that a joint moves. Received: "
            f"{[pair.place for pair in pairs]}, which stay where they are."
        )
    options.setdefault("position_tolerance", _POSITION_TOLERANCE)
    options.setdefault("orientation_tolerance", _ORIENTATION_TOLERANCE)
    stands = contacts_of_places(contacts, pairs, targets, positions, instants)
    return solve_path(with_links, targets, times, contacts=stands, weights=weights, **options)


def _selected(
    points: Any, names: Sequence[str] | None, pairs: Sequence[Pair], time: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions of the pairs' points, `(..., time, pairs, 3)`, and rotations if they are poses."""
    clips = _by_name(points, names)
    check_points(pairs, list(clips))
    chosen = [_clip(pair.key.point, clips[pair.key.point], time) for pair in pairs]
    shapes = {pair.key.point: clip.shape for pair, clip in zip(pairs, chosen, strict=True)}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            "All points must have one shape: the same batch axes, and positions or poses. "
            f"Received: {shapes}."
        )
    if chosen[0].shape[-1] == 3:
        return np.stack(chosen, axis=-2), None
    poses = np.stack(chosen, axis=-3)
    return poses[..., :3, 3], poses[..., :3, :3]


def _by_name(points: Any, names: Sequence[str] | None) -> dict[str | int, Any]:
    """The clip of every point by its name or its index."""
    if isinstance(points, Mapping):
        if names is not None:
            raise ValueError("names must be left out if points is a mapping, whose keys are names.")
        return dict(points)
    array = real_array("points", to_numpy(points))
    axis = array.ndim - (2 if array.shape[-1:] == (3,) else 3)
    if axis < 1 or array.shape[axis + 1 :] not in ((3,), (4, 4)):
        raise ValueError(
            "points must have shape (..., time, points, 3), or (..., time, points, 4, 4) for "
            f"poses. Received: shape {array.shape}. By name: {{name: (..., time, 3)}}."
        )
    count = array.shape[axis]
    if names is not None and (len(names) != count or len(set(names)) != count):
        raise ValueError(
            f"names must be {count} different names, one per point. Received: {list(names)}."
        )
    return dict(
        zip(range(count) if names is None else names, np.moveaxis(array, axis, 0), strict=True)
    )


def _clip(name: str | int, value: Any, time: tuple[int, ...]) -> np.ndarray:
    """The positions or poses of one point over time."""
    label = f"points[{name!r}]"
    clip = real_array(label, value if isinstance(value, (list, tuple)) else to_numpy(value))
    last = (3,) if clip.shape[-1:] == (3,) else (4, 4)
    if clip.shape[-len(last) :] != last or clip.shape[-len(last) - 1 : -len(last)] != time:
        raise ValueError(
            f"{label} must have one position or pose per time: shape (..., {time[0]}, 3) or "
            f"(..., {time[0]}, 4, 4). Received: shape {clip.shape}."
        )
    return np.where(np.isfinite(clip), clip, np.array(np.nan, clip.dtype))


def _poses(pair: Pair, positions: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Poses of a place: the point's own orientation is `rpy` in its axes."""
    turned = rotations @ frame_from({"rpy": pair.key.rpy}, "rpy")[:3, :3].T
    poses = np.zeros((*positions.shape[:-1], 4, 4), positions.dtype)
    poses[..., :3, :3], poses[..., :3, 3], poses[..., 3, 3] = turned, positions, 1.0
    return poses
