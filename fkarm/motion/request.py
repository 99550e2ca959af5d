"""What one call of `solve_path` asks for: targets over time, limits and preferences, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fkarm._checks import check_pose_shape, check_real, real_array
from fkarm._types import TensorLike
from fkarm.errors import unknown_name
from fkarm.geometry.native import to_numpy
from fkarm.ik.problem import Problem, Task, Terms, by_link, make_problem, make_terms
from fkarm.ik.targets import check_rotations
from fkarm.kinematics.arguments import configuration_array
from fkarm.kinematics.joint_space import nearest_to_zero
from fkarm.kinematics.masses import mass_shares
from fkarm.kinematics.plan import plan_chain
from fkarm.model import Robot
from fkarm.motion.tangent import Array, Tangent, tangent_of


class Smoothness(NamedTuple):
    """Weights of the squares that make a path smooth, in the units of `solve_path`."""

    velocity: float
    acceleration: float
    posture: float


class Clips(NamedTuple):
    """`clips` paths of `time` frames, and what they must reach; arrays of float64.

    Links of contacts without targets come last, with weight zero outside of their contacts.
    """

    problem: Problem
    terms: Terms
    tangent: Tangent
    dtype: str
    batch: tuple[int, ...]
    times: Array  # (clips, time)
    targets: Array  # (clips, time, links, 4, 4); those that are not given are the identity
    is_given: Array  # (clips, time, links)
    weights: Array  # (clips, time, links)
    contacts: Array  # (clips, time, links)
    center_of_mass: Array | None  # NaN where not given, (clips, time, 3)
    center_of_mass_weight: float
    speeds: Array  # per entry of q, (dof,)
    accelerations: Array  # (dof,)
    tolerances: Array  # m and rad, (links, 2)
    targeted: int  # how many of the links have targets
    smoothness: Smoothness
    q_start: Array | None  # (clips, dof) or (clips, time, dof)
    q_ref: Array | None  # (clips, dof)
    hold_start: bool
    max_steps: int

    @property
    def robot(self) -> Robot:
        """The robot."""
        return self.problem.robot

    @property
    def shape(self) -> tuple[int, int]:
        """Number of clips and of frames."""
        clips, time = self.times.shape
        return clips, time

    @property
    def rest(self) -> Array:
        """What joints rest at: `q_start` or its first frame, `q_ref`, or zero. `(clips, dof)`."""
        if self.q_start is None:
            rest = nearest_to_zero(self.robot) if self.q_ref is None else self.q_ref
            return np.broadcast_to(rest, (self.shape[0], self.robot.dof)).copy()
        return (self.q_start if self.q_start.ndim == 2 else self.q_start[:, 0]).copy()

    def of(self, clips: Array | slice) -> Clips:
        """Some of the clips."""
        fields: dict[str, Any] = {
            name: None if (value := getattr(self, name)) is None else value[clips]
            for name in _BY_CLIP
        }
        return self._replace(**fields)

    def at(self, frames: Array) -> Clips:
        """Some of the frames."""
        fields = {name: getattr(self, name)[:, frames] for name in _BY_FRAME}
        if self.center_of_mass is not None:
            fields["center_of_mass"] = self.center_of_mass[:, frames]
        return self._replace(**fields)


_BY_FRAME = ("times", "targets", "is_given", "weights", "contacts")
_BY_CLIP = (
    "times", "targets", "is_given", "weights", "contacts", "center_of_mass", "q_start", "q_ref",
)  # fmt: skip


def read_times(times: TensorLike) -> Array:
    """Times that increase, or ValueError."""
    array = real_array("times", times if isinstance(times, (list, tuple)) else to_numpy(times))
    array = array.astype(np.float64)
    if array.ndim == 0:
        raise ValueError("times must have shape (time,) or (..., time). Received: one number.")
    if not np.isfinite(array).all():
        raise ValueError("times must be finite, s. Received: NaN or infinity.")
    short = np.argwhere(np.diff(array, axis=-1) <= 0)
    if len(short):
        *clip, frame = short[0]
        before, after = array[(*clip, frame)], array[(*clip, frame + 1)]
        raise ValueError(
            "times must increase from frame to frame, s. Received: "
            f"{after:g} after {before:g} at frame {frame + 1}. Sort the frames, and drop those "
            "that repeat a time."
        )
    return array


def read_targets(
    robot: Robot, target_poses: Mapping[str, TensorLike], times: Array
) -> tuple[dict[str, Array], dict[str, bool]]:
    """Targets by link as poses of one shape, and which of them have no orientation."""
    if not isinstance(target_poses, Mapping) or not target_poses:
        raise TypeError(
            "target_poses must be a mapping {link: poses} with at least one link. Received: "
            f"{type(target_poses).__name__}. For one link: {{robot.end_effector: poses}}."
        )
    poses, are_positions = {}, {}
    for link, value in target_poses.items():
        robot.check_link(link)
        name = f"target_poses[{link!r}]"
        array = to_numpy(value) if not isinstance(value, (list, tuple)) else np.asarray(value)
        check_real(name, array.dtype, array)
        array = array if array.dtype == np.float64 else array.astype(np.float32)
        are_positions[link] = array.ndim >= 2 and array.shape[-1] == 3
        if are_positions[link]:
            array = _as_poses(array)
        else:
            check_pose_shape(name, array.shape)
        if array.ndim < 3 or array.shape[-3] != times.shape[-1]:
            raise ValueError(
                f"{name} must have one target per time: shape (..., {times.shape[-1]}, 4, 4), or "
                f"(..., {times.shape[-1]}, 3) for positions. Received: shape "
                f"{np.shape(value)}."
            )
        poses[link] = array
    shapes = {link: pose.shape[:-2] for link, pose in poses.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            f"All target_poses must have the same batch axes and length. Received: {shapes}."
        )
    return poses, are_positions


def _as_poses(positions: Array) -> Array:
    poses = np.zeros((*positions.shape[:-1], 4, 4), positions.dtype)
    poses[..., range(4), range(4)] = 1.0
    poses[..., :3, 3] = positions
    return poses


def read_contacts(
    robot: Robot, contacts: Mapping[str, TensorLike] | None, shape: tuple[int, ...]
) -> dict[str, Array]:
    """When links stand still, by link, in the shape of the clips `(..., time)`."""
    out = {}
    if contacts is not None and not isinstance(contacts, Mapping):
        raise TypeError(
            "contacts must be a mapping {link: booleans (..., time)}. Received: "
            f"{type(contacts).__name__}."
        )
    for link, value in (contacts or {}).items():
        robot.check_link(link)
        array = np.asarray(to_numpy(value) if hasattr(value, "shape") else value)
        if array.dtype != bool or array.shape not in (shape, shape[-1:]):
            raise ValueError(
                f"contacts[{link!r}] must be booleans, one per time: shape {shape}. Received: "
                f"{array.dtype} of shape {array.shape}. Try forces > threshold."
            )
        out[link] = np.broadcast_to(array, shape)
    return out


def read_limits(name: str, robot: Robot, limits: Any, own: Array) -> Array:
    """Limits per entry of `q`, or ValueError; True stands for the robot's own, False for none."""
    if limits is None or limits is False:
        return np.full(robot.dof, np.inf)
    if limits is True:
        return own
    array = configuration_array(name, limits)
    if array.shape not in ((), (robot.dof,)) or not (array > 0).all():
        raise ValueError(
            f"{name} must be one number > 0, or {robot.dof}, one per entry of q, in rad and m; "
            f"inf where there is none. Received: {limits!r}."
        )
    array = np.broadcast_to(array, (robot.dof,)).astype(np.float64)
    for first in robot.quaternions:
        if len(set(array[first : first + 4].tolist())) > 1:
            raise ValueError(
                f"{name} must be the same for the four entries of a quaternion: the largest "
                f"angular value. Received: {array[first : first + 4].tolist()} from entry {first}."
            )
    return array


def read_clips(
    robot: Robot,
    target_poses: Mapping[str, TensorLike],
    times: TensorLike,
    q_start: TensorLike | None,
    velocity_limits: Any,
    acceleration_limits: Any,
    contacts: Mapping[str, TensorLike] | None,
    *,
    center_of_mass: TensorLike | None,
    center_of_mass_weight: float,
    frame_weights: Mapping[str, TensorLike] | None,
    task: Task | Mapping[str, Task],
    frame: str,
    q_ref: TensorLike | None,
    hold_start: bool,
    smoothness: Smoothness,
    max_steps: int,
    **values: Any,
) -> Clips:
    """The arguments of `solve_path` as clips; `values` are arguments of `make_terms`.

    Raises:
        UnknownLinkError, TypeError, ValueError: As `solve_path`.
    """
    instants = read_times(times)
    poses, are_positions = read_targets(robot, target_poses, instants)
    shape = next(iter(poses.values())).shape[:-2]  # (..., time)
    if instants.shape not in (shape, shape[-1:]):
        raise ValueError(
            f"times must have shape {shape[-1:]}, or {shape} as the targets. Received: "
            f"{instants.shape}."
        )
    standing = read_contacts(robot, contacts, shape)
    links = (*poses, *(link for link in standing if link not in poses))
    tasks = _tasks(task, tuple(poses), are_positions)
    tasks.update({link: "pose" for link in links if link not in poses})
    problem = make_problem(robot, links, tasks, frame)
    values = {name: _for_links(value, tuple(poses), links) for name, value in values.items()}
    terms = make_terms(problem, "float64", **values)
    if center_of_mass is not None:
        terms = _with_mass_entries(robot, terms, values["joint_mask"], values["limit_margin"])
    clips, time, count = int(np.prod(shape[:-1])), shape[-1], len(links)
    targets = np.full((clips, time, count, 4, 4), np.nan)
    for k, pose in enumerate(poses.values()):
        targets[:, :, k] = pose.reshape(clips, time, 4, 4)
    is_given = np.isfinite(targets).all(axis=(-1, -2))
    targets[~is_given] = np.eye(4)
    check_rotations(targets.reshape(-1, count, 4, 4))
    at_contacts = np.zeros((clips, time, count), bool)
    for link, stands in standing.items():
        at_contacts[:, :, links.index(link)] = stands.reshape(clips, time)
    return Clips(
        problem,
        terms,
        tangent_of(robot),
        np.result_type(*poses.values()).name,
        shape[:-1],
        np.broadcast_to(instants, shape).reshape(clips, time),
        targets,
        is_given,
        _frame_weights(frame_weights, tuple(poses), links, shape).reshape(clips, time, count),
        at_contacts,
        _center_of_mass(center_of_mass, shape),
        center_of_mass_weight,
        read_limits("velocity_limits", robot, velocity_limits, robot.velocity_limits),
        read_limits("acceleration_limits", robot, acceleration_limits, np.empty(0)),
        np.array([by_link(name, values[name], links) for name in TOLERANCES], float).T,
        len(poses),
        smoothness,
        _configurations("q_start", robot, q_start, shape, may_be_path=True),
        _configurations("q_ref", robot, q_ref, shape),
        hold_start,
        max_steps,
    )


def _with_mass_entries(robot: Robot, terms: Terms, joint_mask: Any, margin: float) -> Terms:
    """The terms, in which all entries of `q` may move that move a mass."""
    names, _ = mass_shares(robot.masses, robot.name)
    links = tuple(link for link in names if plan_chain(robot, (link,)).entries)
    if not links:
        return terms
    problem = make_problem(robot, links, "position")
    own = make_terms(problem, "float64", limit_margin=margin)
    free = np.maximum(terms.free, own.free if joint_mask is None else own.free * joint_mask)
    lower, upper = (
        np.where(free > 0, np.where(terms.free > 0, a, b), unbound)
        for a, b, unbound in (
            (terms.lower, own.lower, -np.inf),
            (terms.upper, own.upper, np.inf),
        )
    )
    return terms._replace(free=free, lower=lower, upper=upper)


TOLERANCES = ("position_tolerance", "orientation_tolerance")


def _tasks(
    task: Task | Mapping[str, Task], links: tuple[str, ...], are_positions: Mapping[str, bool]
) -> dict[str, Task]:
    """The task of every link: positions have no orientation."""
    given = dict(task) if isinstance(task, Mapping) else {}
    for link in given:
        if link not in links:
            raise ValueError(unknown_name("a link of task", link, links))
    default: Task = "pose" if isinstance(task, Mapping) else task
    tasks = {link: given.get(link, default) for link in links}
    return {
        link: "position" if are_positions[link] and each == "pose" else each
        for link, each in tasks.items()
    }


def _for_links(value: Any, given: tuple[str, ...], links: tuple[str, ...]) -> Any:
    """An argument by link, for links of contacts too."""
    if not isinstance(value, Mapping) or len(given) == len(links):
        return value
    by_name = dict(zip(given, by_link("an argument", value, given), strict=True))
    return {link: by_name.get(link, next(iter(by_name.values()))) for link in links}


def _frame_weights(
    weights: Mapping[str, TensorLike] | None,
    given: tuple[str, ...],
    links: tuple[str, ...],
    shape: tuple[int, ...],
) -> Array:
    """Weights `(..., time, links)`."""
    out = np.ones((*shape, len(links)))
    for link, value in (weights or {}).items():
        if link not in given:
            raise ValueError(unknown_name("a link of frame_weights", link, given))
        array = real_array("frame_weights", value if isinstance(value, list) else to_numpy(value))
        is_fit = array.shape in (shape, shape[-1:], ())
        if not is_fit or not np.isfinite(array).all() or (array < 0).any():
            raise ValueError(
                f"frame_weights[{link!r}] must be finite numbers >= 0, one per time: shape "
                f"{shape}. Received: shape {array.shape}."
            )
        out[..., links.index(link)] = array
    return out


def _center_of_mass(targets: TensorLike | None, shape: tuple[int, ...]) -> Array | None:
    """Targets of the centre of mass, `(clips, time, 3)`."""
    if targets is None:
        return None
    array = real_array("center_of_mass", to_numpy(targets)).astype(np.float64)
    if array.shape != (*shape, 3):
        raise ValueError(
            f"center_of_mass must have shape {(*shape, 3)}, one position per time. Received: "
            f"shape {array.shape}."
        )
    return np.where(np.isfinite(array), array, np.nan).reshape(-1, shape[-1], 3)


def _configurations(
    name: str,
    robot: Robot,
    q: TensorLike | None,
    shape: tuple[int, ...],
    may_be_path: bool = False,
) -> Array | None:
    """Configurations `(clips, dof)`, or `(clips, time, dof)` for a whole path."""
    if q is None:
        return None
    array, batch, dof = configuration_array(name, q), shape[:-1], robot.dof
    clips = int(np.prod(batch))
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite. Received: NaN or infinity.")
    if array.shape in ((dof,), (*batch, dof)):
        return np.broadcast_to(array, (*batch, dof)).reshape(clips, dof)
    if may_be_path and array.shape == (*shape, dof):
        return array.reshape(clips, shape[-1], dof)
    whole = f", or {(*shape, dof)}" if may_be_path else ""
    raise ValueError(
        f"{name} must have shape ({dof},), {(*batch, dof)}{whole}. Received: shape {array.shape}."
    )
