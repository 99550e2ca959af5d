"""Where a path starts from: a floating base near its targets, or steps between key frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkarm.ik.in_numpy import damped_descent
from fkarm.ik.solve import solve_ik
from fkarm.kinematics.in_numpy import posture, rotation_of
from fkarm.kinematics.joint_space import with_unit_quaternions
from fkarm.kinematics.task import AXES
from fkarm.kinematics.tree import tree_of
from fkarm.model import Joint
from fkarm.model.frames import nearest_rotation
from fkarm.motion.request import Clips
from fkarm.motion.tangent import Array

# Targets move at most this far between key frames, m; a radian counts as 0.3 m.
KEY_DISTANCE = 0.1
RADIAN = 0.3
# Steps from key frame to key frame, and further ones where they leave a far larger squared error
# than those to the key frame before did.
KEY_STEPS, MORE_STEPS, FAR_LARGER = 3, 9, 2.0
# Key frames that are solved at once count where no entry is further from the one before, rad or m.
NEAR = 0.6
# Squared error at which a key frame takes no further steps, m^2.
KEY_ERROR = 1e-6
# So many links say where a floating base is.
LINKS_OF_BASE = 3
# Squared length, m^2, by which the rotation of a base is drawn to that of `q_start`.
LEAST_PULL = 1e-6


def first_path(clips: Clips) -> Array:
    """Configurations to start from. Shape `(clips, time, dof)`."""
    count, time = clips.shape
    given = clips.q_start
    if given is not None and given.ndim == 3:
        return _without_jumps(clips, given)
    q = clips.rest
    if not count or not time:
        return np.broadcast_to(q[:, None], (count, time, q.shape[-1])).copy()
    joint = _base_of(clips)
    if joint is not None:
        path = _with_base(clips, joint, q)
        if any(
            row >= 3 for rows in clips.problem.components.rows[: clips.targeted] for row in rows
        ):
            return path
        # Positions of limbs say which way the body faces only together with the joints.
        return _by_key_frames(clips, path[:, 0], path if clips.is_given.all() else None)
    if given is None:
        q = _first_configurations(clips, q)
    return _by_key_frames(clips, q)


def _without_jumps(clips: Clips, path: Array) -> Array:
    """A path without the whole turns, and the signs of quaternions, by which sensors wrap it."""
    q, tangent = path.copy(), clips.tangent
    endless = tangent.entries[tangent.endless]
    q[..., endless] = np.unwrap(q[..., endless], axis=1)
    for first, _ in tangent.quaternions:
        _align_signs(q[..., first : first + 4])
    return q


def _align_signs(quat: Array) -> None:
    """Give every quaternion of a path, `(..., time, 4)`, the sign near the one before it."""
    is_turned = np.sum(quat[..., 1:, :] * quat[..., :-1, :], axis=-1, keepdims=True) < 0
    quat[..., 1:, :] *= np.where(is_turned, -1.0, 1.0).cumprod(axis=-2)


def posture_of(clips: Clips, q: Array) -> Array:
    """What `posture_weight` pulls to, `(clips, time, dof)`: floating joints stay where they start.

    A pull to one pose would grow with the distance that a robot walks.
    """
    rest = clips.rest if clips.q_ref is None else clips.q_ref
    wish = np.broadcast_to(rest[:, None], q.shape).copy()
    for joint in clips.robot.independent_joints:
        if joint.type in ("floating", "planar"):
            first = clips.robot.coordinates[joint.name].index
            part = slice(first, first + len(joint.entries))
            wish[..., part] = q[..., part]
    return wish


def _base_of(clips: Clips) -> Joint | None:
    """The floating joint at the root that enough links say the pose of."""
    robot, links = clips.robot, clips.problem.links[: clips.targeted]
    if clips.problem.base != robot.root_link:
        return None
    for joint in robot.independent_joints:
        if joint.type != "floating" or joint.parent != robot.root_link:
            continue
        first = robot.coordinates[joint.name].index
        behind = [link for link in links if joint in robot.path_to(link)]
        is_said = len(behind) >= LINKS_OF_BASE or joint.child in behind
        if clips.terms.free[first : first + 7].all() and is_said and not clips.hold_start:
            return joint
    return None


def _with_base(clips: Clips, joint: Joint, q: Array) -> Array:
    """The base at the pose that brings the links nearest to their targets, in every frame."""
    robot, (count, time) = clips.robot, clips.shape
    first = robot.coordinates[joint.name].index
    at_zero = q.copy()
    at_zero[:, first : first + 7] = [0, 0, 0, 1, 0, 0, 0]
    tree = tree_of(robot, clips.problem.links, robot.root_link)
    from_base = np.linalg.inv(joint.origin)
    links = from_base @ posture(tree, at_zero).links.swapaxes(0, 1)[:, None]
    targets = from_base @ clips.targets
    rows = clips.problem.components.rows
    nearness = [_nearness(clips, joint, link) for link in clips.problem.links]
    weights = clips.weights * clips.is_given * nearness
    by_position, by_rotation = (
        weights * [any(row // 3 == half for row in each) for each in rows] for half in (0, 1)
    )
    share = by_position / np.maximum(by_position.sum(axis=-1, keepdims=True), 1e-12)
    here, there = links[..., :3, 3], targets[..., :3, 3]
    middle_here, middle_there = (np.einsum("ctl,ctlk->ctk", share, x) for x in (here, there))
    outer = np.einsum(
        "ctl,ctli,ctlj->ctij",
        by_position,
        there - middle_there[..., None, :],
        here - middle_here[..., None, :],
    )
    turned = targets[..., :3, :3] @ links[..., :3, :3].swapaxes(-1, -2)
    outer += RADIAN**2 * np.einsum("ctl,ctlij->ctij", by_rotation, turned)
    own = rotation_of(q[:, first + 3 : first + 7].T).transpose(2, 0, 1)
    rotation = nearest_rotation(outer + LEAST_PULL * own[:, None])
    position = middle_there - np.einsum("ctij,ctj->cti", rotation, middle_here)
    path = np.broadcast_to(q[:, None], (count, time, robot.dof)).copy()
    is_known = np.asarray(by_position.sum(axis=-1) > 0)
    path[..., first : first + 3] = position
    path[..., first + 3 : first + 7] = _quaternions(rotation)
    for clip in range(count):
        known = np.flatnonzero(is_known[clip])
        if not known.size:
            path[clip] = q[clip]
            continue
        nearest = known[np.abs(known[:, None] - np.arange(time)).argmin(axis=0)]
        path[clip] = path[clip, nearest]
    return path


def _nearness(clips: Clips, joint: Joint, link: str) -> float:
    """How much a link says of the base: less, the more joints are between them; 0: nothing."""
    path = [each for each in clips.robot.path_to(link) if not each.is_fixed]
    return float(len(path) - path.index(joint)) ** -2.0 if joint in path else 0.0


def _first_configurations(clips: Clips, q: Array) -> Array:
    """Clear solutions of the first frames that have all targets; `q` where no frame has."""
    targeted = clips.targeted
    has_all = np.asarray(clips.is_given[:, :, :targeted].all(axis=-1))
    rows = np.flatnonzero(has_all.any(axis=1))
    if not rows.size:
        return q
    frames = has_all[rows].argmax(axis=1)
    problem = clips.problem
    poses = {
        link: clips.targets[rows, frames, k] for k, link in enumerate(problem.links[:targeted])
    }
    task = {link: [AXES[row] for row in problem.components.rows[k]] for k, link in enumerate(poses)}
    frame = problem.components.frame
    mask = clips.terms.free > 0
    clear: dict[str, Any] = {}
    if clips.around is not None:
        clear = {"clearance": clips.around.least, "obstacles": clips.around.obstacles or None}
    q[rows] = solve_ik(
        clips.robot, poses, base=problem.base, q_init=q[rows], q_ref=q[rows], task=task,
        frame=frame, joint_mask=mask, **clear,
    ).q  # fmt: skip
    return q


def _by_key_frames(clips: Clips, q: Array, near: Array | None = None) -> Array:
    """Every key frame from the one before it, and the frames between them by interpolation.

    From a path `near` the solution, where no target is missing, all key frames are first solved at
    once: one counts where it is as good as the one before it, and near that one.
    """
    count, time = clips.shape
    keys = _key_frames(clips)
    path = np.broadcast_to(q[:, None], (count, time, q.shape[-1])).copy()
    tree = tree_of(clips.robot, clips.problem.links, clips.problem.base)

    def descended(q: Array, targets: Array, steps: int) -> tuple[Array, Array]:
        q, outcome = damped_descent(clips.problem, clips.terms, q, targets, steps, KEY_ERROR, 1)
        return q, outcome[:, 0]

    alone, errors = path[:, keys], np.full((count, len(keys)), np.inf)
    if near is not None:
        all_targets = clips.targets[:, keys].reshape(-1, *clips.targets.shape[2:])
        found = descended(near[:, keys].reshape(-1, q.shape[-1]), all_targets, KEY_STEPS)
        alone, errors = (x.reshape(count, len(keys), *x.shape[1:]) for x in found)
    before, squared = 0, np.zeros(count)
    for k, key in enumerate(keys):
        enough = KEY_ERROR + FAR_LARGER * squared
        step = np.abs(clips.tangent.minus(alone[:, k], q))
        if (errors[:, k] <= enough).all() and (step < NEAR).all():
            q, squared = alone[:, k], errors[:, k]
        else:
            poses = posture(tree, q).links.swapaxes(0, 1)
            known = clips.is_given[:, key, :, None, None]
            targets = np.where(known, clips.targets[:, key], poses)
            for steps in (KEY_STEPS, MORE_STEPS):
                q, squared = descended(q, targets, steps)
                if (squared <= enough).all():
                    break
        q = with_unit_quaternions(clips.robot, q, path[:, before])
        path[:, key], before = q, key
    return between(clips, path[:, keys], np.array(keys))


def between(clips: Clips, q: Array, frames: Array) -> Array:
    """Configurations of all frames, from those of some that hold the first and the last one."""
    right = np.searchsorted(frames, np.arange(clips.shape[1])).clip(min=1 if len(frames) > 1 else 0)
    left = np.maximum(right - 1, 0)
    first, last = clips.times[:, frames[left]], clips.times[:, frames[right]]
    share = (clips.times - first) / np.where(last > first, last - first, 1.0)
    step = clips.tangent.minus(q[:, right], q[:, left])
    return clips.tangent.plus(q[:, left], share[..., None] * step)


def _key_frames(clips: Clips) -> list[int]:
    """The first frame, the last one, and those between which targets move far."""
    time = clips.shape[1]
    is_known = clips.is_given[:, 1:] & clips.is_given[:, :-1]
    now, last = clips.targets[:, 1:], clips.targets[:, :-1]
    moved = np.linalg.norm((now - last)[..., :3, 3], axis=-1)
    moved += RADIAN * np.linalg.norm((now - last)[..., :3, :3], axis=(-1, -2)) / np.sqrt(2.0)
    way = np.cumsum(np.where(is_known, moved, 0.0).max(axis=(0, 2)))
    keys = [0]
    for frame in range(1, time):
        done = way[keys[-1] - 1] if keys[-1] else 0.0
        if way[frame - 1] - done >= KEY_DISTANCE or frame == time - 1:
            keys.append(frame)
    return keys


def _quaternions(rotation: Array) -> Array:
    """Quaternions wxyz `(clips, time, 4)`, without a change of sign from frame to frame."""
    m = rotation
    squares = np.stack(
        [
            1 + m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2],
            1 + m[..., 0, 0] - m[..., 1, 1] - m[..., 2, 2],
            1 - m[..., 0, 0] + m[..., 1, 1] - m[..., 2, 2],
            1 - m[..., 0, 0] - m[..., 1, 1] + m[..., 2, 2],
        ],
        axis=-1,
    )
    x, y, z = (
        m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    )  # fmt: skip
    xy, xz, yz = (m[..., i, j] + m[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2)))
    table = np.stack(
        [squares[..., 0], x, y, z, x, squares[..., 1], xy, xz, y, xy, squares[..., 2], yz,
         z, xz, yz, squares[..., 3]], axis=-1,
    ).reshape((*m.shape[:-2], 4, 4))  # fmt: skip
    largest = squares.argmax(axis=-1)
    quat = np.take_along_axis(table, largest[..., None, None], axis=-2)[..., 0, :]
    quat /= np.linalg.norm(quat, axis=-1, keepdims=True)
    _align_signs(quat)
    return quat
