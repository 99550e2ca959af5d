"""Paths of many links' targets over time, within joint limits of every kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fkarm._checks import check_count, check_non_negative
from fkarm._types import TensorLike
from fkarm.collision.obstacles import Obstacle
from fkarm.ik.clearance import surroundings_of
from fkarm.ik.problem import ORIENTATION_TOLERANCE, POSITION_TOLERANCE, WEIGHTS, Task, Weights
from fkarm.model import Robot
from fkarm.motion.request import Clips, Smoothness, read_clips
from fkarm.motion.result import SolvedPath
from fkarm.motion.solve import Descent, descend
from fkarm.motion.starts import between, first_path, posture_of
from fkarm.motion.turns import held_in_cubes, limited_turns, with_boxes_along
from fkarm.motion.verdict import feasible, finished, judged, with_room_for_rounding

MAX_STEPS = 40
# A first path keeps this share of its limits.
INSIDE, NEARLY = 0.9, 0.99
# Paths of so many frames are first solved at every fourth one.
LONG, STRIDE = 64, 4
# The barriers' weight of that solution, from which the path starts.
LATE_MU = 1e-6
ROUGH_GAIN = 1e-2
VELOCITY_WEIGHT, ACCELERATION_WEIGHT, POSTURE_WEIGHT = 1e-3, 1e-4, 1e-3
# Frames that are solved at a time: their matrices fit into memory.
FRAMES_AT_ONCE = 4096


def solve_path(
    robot: Robot,
    target_poses: Mapping[str, TensorLike],
    times: TensorLike,
    q_start: TensorLike | None = None,
    velocity_limits: bool | TensorLike = True,
    acceleration_limits: TensorLike | None = None,
    contacts: Mapping[str, TensorLike] | None = None,
    *,
    base: str | None = None,
    center_of_mass: TensorLike | None = None,
    center_of_mass_weight: float = 1.0,
    clearance: float | None = None,
    obstacles: Obstacle | Iterable[Obstacle] | None = None,
    q_ref: TensorLike | None = None,
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    weights: Weights | Mapping[str, Weights] = WEIGHTS,
    frame_weights: Mapping[str, TensorLike] | None = None,
    velocity_weight: float = VELOCITY_WEIGHT,
    acceleration_weight: float = ACCELERATION_WEIGHT,
    posture_weight: float = POSTURE_WEIGHT,
    position_tolerance: float | Mapping[str, float] = POSITION_TOLERANCE,
    orientation_tolerance: float | Mapping[str, float] = ORIENTATION_TOLERANCE,
    joint_mask: Sequence[bool] | None = None,
    limit_margin: float = 0.0,
    hold_start: bool = False,
    max_steps: int = MAX_STEPS,
) -> SolvedPath:
    """Smooth configurations over time that bring many links to their targets, within all limits.

    All frames of a clip are solved together: Gauss-Newton steps of the squared errors of all
    targets, the speeds, the accelerations and the distance from a posture, with barriers at the
    limits. A step is one block-banded system, so the time is linear in the number of frames.
    A last pass moves what rounding left beyond a limit: joint, velocity and acceleration limits
    hold in every frame, whatever the targets ask for. `docs/motion.md` shows how to use it.

    Args:
        robot: The robot. A floating joint at its root starts near the targets by itself.
        target_poses: `{link: poses}` in the frame of `base`, m. Shape `(..., time, 4, 4)`, or
            `(..., time, 3)` for positions, which leave the orientation free. Clips with batch axes
            are solved in one call. A target with NaN is not given in its frame.
        times: Times of the frames, s, increasing. Shape `(time,)`, or `(..., time)`.
        q_start: Where the search starts, and the posture that joints without a task keep: one
            configuration per clip, `(dof,)` or `(..., dof)`, or a whole path `(..., time, dof)`.
            One beyond the limits is moved into them; a warning names joints that are far beyond.
            None: a solution of the first frame, found by `fkarm.solve_ik` or, for a floating base
            that the targets place, the values nearest to zero.
        velocity_limits: True: `robot.velocity_limits`; False: none; or largest speeds, rad/s and
            m/s, one number or one per entry of `q`. The four entries of a quaternion have one
            value: the largest angular velocity.
        acceleration_limits: None, or largest accelerations, rad/s^2 and m/s^2, as above. At a frame
            it is the difference of the mean velocities of the two steps, over the mean of their
            durations; of a quaternion the length of this vector, from angular velocities in the
            axes of the joint's parent.
        contacts: `{link: booleans (..., time)}`: the link stands still in the frame of `base` while
            they are True. Its target is then the mean of its targets over these frames, or of its
            own poses if it has none.
        base: Link in whose frame the targets are, on any branch, such as the other hand, also if it
            moves; None: the root link. Only joints between it and the links move.
        center_of_mass: Targets of the centre of mass in the root link's frame, m. Shape
            `(..., time, 3)`; NaN in a coordinate leaves it free.
        center_of_mass_weight: Weight of a metre of its error.
        clearance: None, or the smallest distance between the robot's bodies that count and from
            `obstacles`, m. Bodies that are nearer push each other apart, which counts more than
            targets do; a path does not jump over an obstacle.
        obstacles: Objects of `fkarm.collision`, as in `fkarm.solve_ik`.
        q_ref: Posture that `posture_weight` pulls to; None: `q_start`. Shape `(..., dof)`. A
            floating joint has none: its entries are not read.
        task: Components of poses that count, as in `fkarm.solve_ik`. With `frame="target"`, two
            rotations such as `("rx", "ry")` are the direction of the third axis alone.
        frame: Frame of the task's axes, as in `fkarm.solve_ik`.
        weights: Weight of a metre and of a radian, one pair or `{link: pair}`.
        frame_weights: `{link: weights}` that multiply the errors of a link frame by frame. Shape
            `(..., time)`. Errors of weight zero do not count for `converged`.
        velocity_weight: Weight of a speed, m per rad/s or m/s.
        acceleration_weight: Weight of an acceleration, m per rad/s^2 or m/s^2.
        posture_weight: Weight of the distance from the posture, m per rad or m.
        position_tolerance: Largest position error of a solution, m, one or `{link: value}`; also
            the largest slip per step of a contact, and error of the centre of mass: the smallest.
        orientation_tolerance: Largest orientation error of a solution, rad.
        joint_mask: Which entries of `q` may move; the others keep the value of `q_start`.
        limit_margin: Distance that joints keep from their limits, rad or m.
        hold_start: Whether the first frame is `q_start`, exactly.
        max_steps: Largest number of steps.
    Returns:
        `SolvedPath`, `q` in the type of the targets. Frames that miss their targets say why:
        `converged` is False and `reason` is one of `PathReason`.
    Raises:
        UnknownLinkError: If a link or `base` does not exist.
        RobotError: With `center_of_mass`, if the robot has no masses; with `clearance`, if it has
            no bodies.
        TypeError: If targets or contacts are no mapping, or hold no real numbers.
        ValueError: If times do not increase, shapes do not match, a target is no pose, contacts are
            no booleans, a limit is not positive, or an argument is out of range.
    Reference:
        [Sugihara2011] for the damping, [Nocedal2006], chapter 19, for the barriers.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> times = np.linspace(0.0, 2.0, 41)
        >>> q = np.stack([0.5 + 0.2 * np.sin(times), 1.0 + 0.3 * times], axis=-1)
        >>> poses = fkarm.forward_kinematics(arm, q)
        >>> path = fkarm.solve_path(arm, {"tool": poses}, times, q[0], velocity_limits=1.0)
        >>> bool(path.converged.all()), bool(path.within_velocity_limits.all())
        (True, True)
    """
    for name, value in (
        ("velocity_weight", velocity_weight),
        ("acceleration_weight", acceleration_weight),
        ("posture_weight", posture_weight),
        ("center_of_mass_weight", center_of_mass_weight),
    ):
        check_non_negative(name, value)
    check_count("max_steps", max_steps)
    clips = read_clips(
        robot,
        target_poses,
        times,
        q_start,
        velocity_limits,
        acceleration_limits,
        contacts,
        base=base,
        center_of_mass=center_of_mass,
        center_of_mass_weight=center_of_mass_weight,
        frame_weights=frame_weights,
        task=task,
        frame=frame,
        q_ref=q_ref,
        hold_start=hold_start,
        smoothness=Smoothness(velocity_weight, acceleration_weight, posture_weight),
        max_steps=max_steps,
        around=surroundings_of(robot, clearance, obstacles, in_numpy=True),
        weights=weights,
        position_tolerance=position_tolerance,
        orientation_tolerance=orientation_tolerance,
        joint_mask=joint_mask,
        limit_margin=limit_margin,
    )
    count, time = clips.shape
    size = max(FRAMES_AT_ONCE // max(time, 1), 1)
    results = [_solved(clips.of(slice(k, k + size))) for k in range(0, max(count, 1), size)]
    fields = [np.concatenate(arrays) for arrays in zip(*results, strict=True)]
    arrays = [field.reshape((*clips.batch, *field.shape[1:])) for field in fields]
    names = dict(zip(SolvedPath._fields, arrays, strict=False))
    return SolvedPath(
        **names, links=clips.problem.links, times=clips.times.reshape((*clips.batch, time))
    )


def _solved(clips: Clips) -> list[np.ndarray]:
    """The arrays of `SolvedPath` for some clips, with one axis of clips."""
    q, time = first_path(clips), clips.shape[1]
    clips = with_room_for_rounding(clips, q)
    wish = posture_of(clips, q)
    is_long = time >= LONG
    if is_long:  # few frames first: the others start near their solution
        frames = np.append(np.arange(0, time - 1, STRIDE), time - 1)
        few = clips.at(frames)
        inside = feasible(few, q[:, frames], INSIDE)
        coarse = descend(few, inside, wish[:, frames], last_mu=LATE_MU, least_gain=ROUGH_GAIN).q
        q = between(clips, coarse, frames)
    start = feasible(clips, q, NEARLY if is_long else INSIDE)
    descent = descend(clips, start, wish, *((LATE_MU,) if is_long else ()))
    descent = _along_turns(clips, descent, wish)
    return judged(clips, finished(clips, descent.q), descent.is_done)


def _along_turns(clips: Clips, descent: Descent, wish: np.ndarray) -> Descent:
    """The search goes on where cubes hold turns back, or held it up: in boxes along the turns."""
    if not limited_turns(clips):
        return descent
    again = held_in_cubes(clips, descent.q) | ~descent.is_done
    if not again.any():
        return descent
    some = with_boxes_along(clips.of(again), descent.q[again])
    further = descend(some, feasible(some, descent.q[again], NEARLY), wish[again], LATE_MU)
    q, is_done = descent.q.copy(), descent.is_done.copy()
    q[again], is_done[again] = further
    return Descent(q, is_done)
