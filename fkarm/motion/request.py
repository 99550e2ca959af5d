"""What one call of `solve_path` asks for: targets over time, limits and preferences, checked."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fkarm._types import TensorLike
from fkarm.errors import unknown_name
from fkarm.ik.clearance import Surroundings
from fkarm.ik.problem import Problem, Task, Terms, by_link, make_problem, make_terms
from fkarm.ik.targets import check_rotations
from fkarm.kinematics.joint_space import nearest_to_zero
from fkarm.kinematics.masses import mass_shares
from fkarm.kinematics.plan import plan_chain
from fkarm.model import Robot
from fkarm.model.named import joint_of_entry
from fkarm.motion.arguments import (
    check_times_of_clips,
    read_center_of_mass,
    read_configurations,
    read_contacts,
    read_frame_weights,
    read_limits,
    read_targets,
    read_times,
)
from fkarm.motion.tangent import Array, Tangent, tangent_of

# A start so far beyond a limit, rad or m, is not due to rounding or to a sensor's noise.
BEYOND = 1e-2


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
    speed_shares: Array  # how much of its limit a search may use, (clips, time, size)
    acceleration_shares: Array  # likewise
    tolerances: Array  # m and rad, (links, 2)
    targeted: int  # how many of the links have targets
    smoothness: Smoothness
    q_start: Array | None  # (clips, dof) or (clips, time, dof)
    q_ref: Array | None  # (clips, dof)
    hold_start: bool
    max_steps: int
    around: Surroundings | None  # what bodies keep clear of

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


_BY_FRAME = (
    "times", "targets", "is_given", "weights", "contacts", "speed_shares", "acceleration_shares",
)  # fmt: skip
_BY_CLIP = (*_BY_FRAME, "center_of_mass", "q_start", "q_ref")


def read_clips(
    robot: Robot,
    target_poses: Mapping[str, TensorLike],
    times: TensorLike,
    q_start: TensorLike | None,
    velocity_limits: Any,
    acceleration_limits: Any,
    contacts: Mapping[str, TensorLike] | None,
    *,
    base: str | None,
    center_of_mass: TensorLike | None,
    center_of_mass_weight: float,
    frame_weights: Mapping[str, TensorLike] | None,
    task: Task | Mapping[str, Task],
    frame: str,
    q_ref: TensorLike | None,
    hold_start: bool,
    smoothness: Smoothness,
    max_steps: int,
    around: Surroundings | None = None,
    **values: Any,
) -> Clips:
    """The arguments of `solve_path` as clips; `values` are arguments of `make_terms`.

    Raises:
        UnknownLinkError, TypeError, ValueError: As `solve_path`.
    """
    instants = read_times(times)
    poses, are_positions = read_targets(robot, target_poses, instants)
    shape = next(iter(poses.values())).shape[:-2]  # (..., time)
    check_times_of_clips(instants, shape)
    standing = read_contacts(robot, contacts, shape)
    links = (*poses, *(link for link in standing if link not in poses))
    tasks = _tasks(task, tuple(poses), are_positions)
    tasks.update({link: "pose" for link in links if link not in poses})
    problem = make_problem(robot, links, tasks, frame, base)
    values = {name: _for_links(value, tuple(poses), links) for name, value in values.items()}
    terms = make_terms(problem, "float64", **values)
    if center_of_mass is not None:
        terms = _with_mass_entries(robot, terms, values["joint_mask"], values["limit_margin"])
    start = read_configurations("q_start", robot, q_start, shape, may_be_path=True)
    _check_start(robot, start, terms, hold_start)
    clips, time, count = int(np.prod(shape[:-1])), shape[-1], len(links)
    tangent = tangent_of(robot)
    targets = np.full((clips, time, count, 4, 4), np.nan)
    for k, pose in enumerate(poses.values()):
        targets[:, :, k] = pose.reshape(clips, time, 4, 4)
    is_given = np.isfinite(targets).all(axis=(-1, -2))
    targets[~is_given] = np.eye(4)
    check_rotations(targets.reshape(-1, count, 4, 4))
    at_contacts = np.zeros((clips, time, count), bool)
    for link, stands in standing.items():
        at_contacts[:, :, links.index(link)] = stands.reshape(clips, time)
    speeds = read_limits("velocity_limits", robot, velocity_limits, robot.velocity_limits)
    accelerations = read_limits("acceleration_limits", robot, acceleration_limits, None)
    shares = np.broadcast_to(_cubes(tangent, accelerations), (clips, time, tangent.size))
    return Clips(
        problem,
        terms,
        tangent,
        np.result_type(*poses.values()).name,
        shape[:-1],
        np.broadcast_to(instants, shape).reshape(clips, time),
        targets,
        is_given,
        read_frame_weights(frame_weights, tuple(poses), links, shape).reshape(clips, time, count),
        at_contacts,
        read_center_of_mass(center_of_mass, shape),
        center_of_mass_weight,
        speeds,
        accelerations,
        shares,
        shares,
        np.array([by_link(name, values[name], links) for name in TOLERANCES], float).T,
        len(poses),
        smoothness,
        start,
        read_configurations("q_ref", robot, q_ref, shape),
        hold_start,
        max_steps,
        around,
    )


def _check_start(robot: Robot, start: Array | None, terms: Terms, is_held: bool) -> None:
    """Warn of a start beyond the limits; ValueError if it is to be held, or to be held and None."""
    if start is None:
        if is_held:
            raise ValueError("hold_start must come with q_start, the first frame. Received: None.")
        return
    rows = start[:, 0] if is_held and start.ndim == 3 else start.reshape(-1, robot.dof)
    excess = np.maximum(terms.lower - rows, rows - terms.upper)
    beyond = excess > (0.0 if is_held else BEYOND)
    if not beyond.any():
        return
    row = beyond.any(axis=1).argmax()
    joints = ", ".join(
        f"{rows[row, k]:g} for {joint_of_entry(robot, k).name!r}, whose limits are "
        f"{terms.lower[k]:g} and {terms.upper[k]:g}"
        for k in np.flatnonzero(beyond[row]).tolist()
    )
    if is_held:
        raise ValueError(
            "q_start must be within the joint limits if hold_start holds it. Received: "
            f"{joints}. Try numpy.clip(q_start, robot.lower_limits, robot.upper_limits)."
        )
    warnings.warn(
        f"q_start should be within the joint limits. Received: {joints}. The search starts at the "
        "nearest configuration within them, from where it may not reach the targets.",
        stacklevel=4,
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


def _cubes(tangent: Tangent, accelerations: Array) -> Array:
    """Shares of limits that keep vectors in a ball: a cube's edges where both limits hold."""
    shares = np.ones(tangent.size)
    for first, place in tangent.quaternions:
        if np.isfinite(accelerations[first]):
            shares[place : place + 3] = 3.0**-0.5
    return shares
