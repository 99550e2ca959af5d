"""Paths of many links' targets over time, within joint limits of every kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fkarm._checks import check_count, check_non_negative
from fkarm._types import TensorLike
from fkarm.ik.problem import ORIENTATION_TOLERANCE, POSITION_TOLERANCE, WEIGHTS, Task, Weights
from fkarm.model import Robot
from fkarm.motion.request import Clips, Smoothness, read_clips
from fkarm.motion.result import SolvedPath
from fkarm.motion.solve import descend
from fkarm.motion.starts import between, first_path
from fkarm.motion.verdict import feasible, finished, judged

MAX_STEPS = 40
# A first path keeps this share of its limits.
INSIDE, NEARLY = 0.9, 0.99
# Paths of so many frames are first solved at every fourth one.
LONG, STRIDE = 64, 4
# The barriers' weight when a path starts from that solution.
LATE_MU = 1e-6
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
    center_of_mass: TensorLike | None = None,
    center_of_mass_weight: float = 1.0,
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
    """Smooth configurations over time that bring many links to their targets, frame by frame."""
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
        center_of_mass=center_of_mass,
        center_of_mass_weight=center_of_mass_weight,
        frame_weights=frame_weights,
        task=task,
        frame=frame,
        q_ref=q_ref,
        hold_start=hold_start,
        smoothness=Smoothness(velocity_weight, acceleration_weight, posture_weight),
        max_steps=max_steps,
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
    wish = (clips.rest if clips.q_ref is None else clips.q_ref)[:, None]
    q, time = first_path(clips), clips.shape[1]
    is_long = time >= LONG
    if is_long:  # few frames first: the others start near their solution
        frames = np.append(np.arange(0, time - 1, STRIDE), time - 1)
        few = clips.at(frames)
        coarse = descend(few, feasible(few, q[:, frames], INSIDE), wish).q
        q = between(clips, coarse, frames)
    start = feasible(clips, q, NEARLY if is_long else INSIDE)
    descent = descend(clips, start, wish, *((LATE_MU,) if is_long else ()))
    return judged(clips, finished(clips, descent.q), descent.is_done)
