"""Inverse kinematics of many targets at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fkarm._checks import check_count
from fkarm._types import TensorLike
from fkarm.ik.arguments import read_question
from fkarm.ik.finding import IKResult, Search
from fkarm.ik.problem import ORIENTATION_TOLERANCE, POSITION_TOLERANCE, WEIGHTS, Task, Weights
from fkarm.model import Robot


def solve_ik(
    robot: Robot,
    target: TensorLike | Mapping[str, TensorLike],
    link: str | None = None,
    *,
    base: str | None = None,
    position_tolerance: float | Mapping[str, float] = POSITION_TOLERANCE,
    orientation_tolerance: float | Mapping[str, float] = ORIENTATION_TOLERANCE,
    q_init: TensorLike | None = None,
    q_ref: TensorLike | None = None,
    joint_mask: Sequence[bool] | None = None,
    seeds: int = 84,
    max_steps: int = 48,
    seed: int = 0,
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    weights: Weights | Mapping[str, Weights] = WEIGHTS,
    limit_margin: float = 0.0,
    posture_weight: float = 0.0,
    all_solutions: bool = False,
) -> IKResult:
    """Joint configurations that bring links to target poses, for many targets at once.

    Damped least squares from many starts, in compiled loops. Starts are `q_init`, then entries of a
    table of known poses near the target, the nearest first; the first that leads to a solution
    gives the answer. Where none does, the best of them go on to the nearest pose, by steps that are
    only taken if they help. Joint limits hold in every step. Stateless: the same arguments give the
    same answer. What is promised in detail: docs/ik.md.

    Args:
        robot: The robot.
        target: Poses in the frame of `base`, m. Shape `(..., 4, 4)`; for several links at once
            `{link: poses}`, all of one batch shape. float32 or float64: the type to solve in, and
            that of the result's `q`; where JAX has float64 switched off float32, with a warning.
        link: Link to bring there; None: `robot.end_effector`.
        base: Link that targets are seen from, on any branch, such as the other hand; None: the root
            link. Only joints between the two links move.
        position_tolerance: Largest position error of a solution, m. This, `orientation_tolerance`,
            `task` and `weights` may be `{link: value}`.
        orientation_tolerance: Largest orientation error, rad.
        q_init: First start; the answer if it leads to a solution, and as it is if it is one to
            rounding. Shape `(..., dof)`, or `(dof,)` for all targets. Joints that move no link
            stay there; without it at `q_ref`, else as near to zero as their limits allow.
        q_ref: Of the solutions found, the one nearest to this is returned; of misses too, among
            those that are as near to the target as the tolerances tell apart. Whole turns are
            taken off as the limits allow. It is the first start too, unless `q_init` is. Shape as
            `q_init`.
        joint_mask: Which entries of `q` may move; the others keep the value of `q_init`, inside or
            outside their limits.
        seeds: Starts for each target, at most.
        max_steps: Steps from each start, at most.
        seed: Which low-discrepancy starts.
        task: What of the pose counts: `"pose"`, `"position"`, `"orientation"`, or a list of `"x"`,
            `"y"`, `"z"`, `"rx"`, `"ry"`, `"rz"`. Two turns leave the one about the third axis free:
            the error is the angle between the axes.
        frame: Whose axes the task's are: `"root"`, those that targets are given in, or
            `"target"`, the target's own.
        weights: Of a metre and of a radian in the error that is minimised.
        limit_margin: How far from their limits joints stay, rad or m.
        posture_weight: Weight of a radian and of a metre between `q` and `q_ref` in the error that
            is minimised: a wish inside the steps.
        all_solutions: Return every start's outcome: all fields get an axis of size `seeds` behind
            the batch axes, and `converged` marks one of each group of like solutions.
    Returns:
        `IKResult`. A target out of reach is no exception: its `converged` is False, and `q` comes
        nearest. A target with NaN has NaN errors; others are not affected.
    Raises:
        UnknownLinkError: If a link or `base` does not exist.
        RobotError: If a sliding joint without limits leaves no range for starts.
        TypeError: If it is called while tracing: use `fkarm.layers.InverseKinematics` in models.
        ValueError: If a target is no pose, no joint may move a link, or an argument is out of
            range; a tolerance below what the type can reach is one.
    Reference:
        [Sugihara2011] and [Nielsen1999] for the damping, [Bertsekas1982] for the limits.
    Example:
        >>> robot = fkarm.robots.panda()
        >>> T = fkarm.forward_kinematics(robot, fkarm.sample_configurations(robot, 5), "panda_hand")
        >>> bool(fkarm.solve_ik(robot, T, "panda_hand").converged.all())
        True
    """
    question = read_question(
        robot,
        target,
        link,
        base=base,
        q_init=q_init,
        q_ref=q_ref,
        task=task,
        frame=frame,
        weights=weights,
        position_tolerance=position_tolerance,
        orientation_tolerance=orientation_tolerance,
        joint_mask=joint_mask,
        limit_margin=limit_margin,
        posture_weight=posture_weight,
    )
    check_count("seeds", seeds)
    check_count("max_steps", max_steps)
    search = Search(question, seeds, max_steps, seed)
    if all_solutions:
        found, batch = search.all_outcomes(), (*question.batch, seeds)
    else:
        found, batch = search.best(), question.batch
    return IKResult(*(each.reshape((*batch, *each.shape[found.steps.ndim :])) for each in found))
