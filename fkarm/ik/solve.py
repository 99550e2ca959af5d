"""Inverse kinematics of many targets at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from fkarm._checks import check_count
from fkarm._types import TensorLike
from fkarm.ik.by_closed_form import approximate_form_of, form_of
from fkarm.ik.clearance import ClearSearch, judged, surroundings
from fkarm.ik.closed_form import ClosedForm
from fkarm.ik.limbs import joined, limbs_of, of_limb
from fkarm.ik.problem import ORIENTATION_TOLERANCE, POSITION_TOLERANCE, WEIGHTS, Task, Weights
from fkarm.ik.request import Request, read_request
from fkarm.ik.result import IKResult, IKSolutions
from fkarm.ik.search import Search
from fkarm.ik.self_motion import NimbleSearch
from fkarm.model import Robot

STARTS, MAX_STEPS = 84, 48


def solve_ik(
    robot: Robot,
    target_poses: TensorLike | Mapping[str, TensorLike],
    link: str | None = None,
    *,
    base: str | None = None,
    position_tolerance: float | Mapping[str, float] = POSITION_TOLERANCE,
    orientation_tolerance: float | Mapping[str, float] = ORIENTATION_TOLERANCE,
    q_init: TensorLike | None = None,
    q_ref: TensorLike | None = None,
    joint_mask: Sequence[bool] | None = None,
    starts: int = STARTS,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    weights: Weights | Mapping[str, Weights] = WEIGHTS,
    limit_margin: float = 0.0,
    posture_weight: float = 0.0,
    geometry: Mapping[str, TensorLike] | None = None,
    method: str = "auto",
    clearance: float | None = None,
    obstacles: Sequence[Any] | None = None,
    manipulability: float | None = None,
) -> IKResult:
    """Joint configurations that bring links to target poses, for many targets at once.

    By the closed form of the arm, if it has one, or else by a search: damped least squares from
    many starts, in compiled loops. The starts are `q_init`, then entries
    of a table of known poses near the target, the nearest first. The first start that leads to a
    solution gives the answer. If none does, the best of them descend to the nearest pose, by steps
    that are only taken if they bring the error down. Joint limits hold in every step. The function
    is stateless: equal arguments give equal answers. Links that share no joint are searched for
    separately. docs/ik.md states what it promises.

    Args:
        robot: The robot.
        target_poses: Poses in the frame of `base`, m. Shape `(..., 4, 4)`; for several links at
            once `{link: poses}`, all with the same batch axes. float32 or float64: the type to
            solve in, and the type of the result's `q`. Where JAX has float64 switched off, it is
            float32, with a warning.
        link: Link to bring to the target; None: `robot.end_effector`.
        base: Link in whose frame the targets are, on any branch, such as the other hand; None: the
            root link. Only joints between the two links move.
        position_tolerance: Largest position error of a solution, m. This, `orientation_tolerance`,
            `task` and `weights` may be `{link: value}`.
        orientation_tolerance: Largest orientation error of a solution, rad.
        q_init: The first start. It is the answer if it leads to a solution, and is returned
            unchanged if it is a solution up to rounding. Shape `(..., dof)`, or `(dof,)` for all
            targets. Joints that move no link keep these values; without `q_init` they keep those
            of `q_ref`, else the values nearest to zero within their limits.
        q_ref: Preferred configuration: of several solutions the nearest to it is returned, and of
            misses the nearest to it among those that the tolerances do not tell apart. Whole turns
            are removed as the limits allow. It is the first start if there is no `q_init`. Shape as
            `q_init`.
        joint_mask: Which entries of `q` may move; the others keep the value of `q_init`, inside or
            outside their limits.
        starts: Largest number of starts per target.
        max_steps: Largest number of steps from each start; as many more may push bodies apart.
        seed: Seed of the low-discrepancy starts.
        task: Components of the pose that count: `"pose"`, `"position"`, `"orientation"`, or a list
            of `"x"`, `"y"`, `"z"`, `"rx"`, `"ry"`, `"rz"`. Two rotations leave the rotation about
            the third axis free: the error is the angle between the third axes.
        frame: Frame of the task's axes: `"root"`, the frame of the targets, or `"target"`, the
            target's own axes.
        weights: Weight of a metre and of a radian in the error that is minimised.
        limit_margin: Distance that joints keep from their limits, rad or m.
        posture_weight: Weight of a radian and of a metre between `q` and `q_ref` in the error that
            is minimised. Unlike the choice among solutions, it acts inside the steps.
        geometry: Arrays in place of the robot's own, by the names of
            `fkarm.kinematics.geometry_of`; without batch axes or with those of the targets. Starts
            are those of the robot itself. Such a search never runs in NumPy, and its steps are
            Gauss-Newton steps.
        method: `"auto"`: by the closed form of the arm where it has one (`fkarm.ik.closed_form`),
            for whole poses of one link, without `posture_weight` and `geometry`; by the search for
            all other problems, and for targets that the closed form has no solution for.
            `"closed_form"`: the same, but an error if the problem has no closed form. `"numeric"`:
            by the search alone.
        clearance: Smallest distance of a solution, m, between bodies of the robot whose pair counts
            (`fkarm.collision.pairs`), and between bodies and obstacles. Where the usual answer is
            nearer, others are tried: the branches of a closed form or further starts, then steps
            that push the bodies apart. None: bodies do not matter.
        obstacles: Solids of `fkarm.collision` in the root link's frame.
        manipulability: Manipulability wanted of an answer, as `fkarm.manipulability` measures it,
            of the components that count and the joints that may move; `np.inf`: as much as
            possible. Where the usual answer has less, without `q_init` and `q_ref` further
            solutions are compared, then steps raise it by motion that the task leaves free. It is a
            preference: answers stay solutions, clear if that is asked for. None: no preference.
    Returns:
        `IKResult`. A target out of reach is no exception: its `converged` is False, `q` is the
        nearest configuration and `reason` says why. A target with NaN has NaN errors; other targets
        are not affected.
    Raises:
        NoClosedFormError: With `method="closed_form"`, if the problem has none.
        UnknownLinkError: If a link or `base` does not exist.
        RobotError: If a prismatic joint without limits leaves no range for starts.
        TypeError: If it is called while tracing: use `fkarm.layers.InverseKinematics` in models.
        ValueError: If a target is no pose, no joint may move a link, or an argument is out of
            range, such as a tolerance below what the type can represent, or a manipulability where
            it is always zero.
    Reference:
        [Sugihara2011] and [Nielsen1999] for the damping, [Bertsekas1982] for the limits;
        [Yoshikawa1985] and [Siciliano2009], section 3.5.1, for the manipulability.
    Example:
        >>> robot = fkarm.robots.panda()
        >>> T = fkarm.forward_kinematics(robot, fkarm.sample_configurations(robot, 5), "panda_hand")
        >>> bool(fkarm.solve_ik(robot, T, "panda_hand").converged.all())
        True
    """
    request = _request(
        robot,
        target_poses,
        link,
        (starts, max_steps),
        base=base,
        position_tolerance=position_tolerance,
        orientation_tolerance=orientation_tolerance,
        q_init=q_init,
        q_ref=q_ref,
        joint_mask=joint_mask,
        task=task,
        frame=frame,
        weights=weights,
        limit_margin=limit_margin,
        posture_weight=posture_weight,
        geometry=geometry,
    )
    around = surroundings(request, clearance, obstacles)
    limbs = limbs_of(request.problem)
    requests = [of_limb(request, limb) for limb in limbs] if len(limbs) > 1 else [request]
    forms = [_form(each, method) for each in requests]
    searches = [
        Search(each, starts, max_steps, seed, form)
        for each, form in zip(requests, forms, strict=True)
    ]
    nimble = None
    if manipulability is not None:
        nimble = NimbleSearch(request, limbs, searches, manipulability, around)
    results = [search.best() for search in searches]
    result = joined(limbs, results) if len(limbs) > 1 else results[0]
    if around is not None:
        result = ClearSearch(request, limbs, searches, around).best(result)
    if nimble is not None:
        result = nimble.best(result)
    return IKResult(*(field.reshape((*request.batch, *field.shape[1:])) for field in result))


def solve_ik_all(  # noqa: D417 - most arguments are those of solve_ik
    robot: Robot,
    target_poses: TensorLike | Mapping[str, TensorLike],
    link: str | None = None,
    *,
    base: str | None = None,
    position_tolerance: float | Mapping[str, float] = POSITION_TOLERANCE,
    orientation_tolerance: float | Mapping[str, float] = ORIENTATION_TOLERANCE,
    q_init: TensorLike | None = None,
    q_ref: TensorLike | None = None,
    joint_mask: Sequence[bool] | None = None,
    starts: int = STARTS,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    weights: Weights | Mapping[str, Weights] = WEIGHTS,
    limit_margin: float = 0.0,
    posture_weight: float = 0.0,
    method: str = "auto",
    clearance: float | None = None,
    obstacles: Sequence[Any] | None = None,
) -> IKSolutions:
    """The distinct solutions, for many targets at once.

    With a closed form of six joints these are all solutions. With one of seven they are all
    solutions for some values of the joint that the form leaves free, spread over its range.
    Without a closed form they are those that a search finds: every start descends to its end. The
    search does not prove that the list is complete; more `starts` find more. The first starts of a
    calibrated arm, whose six axes miss a closed form by little, are the branches of this form. One
    of several equal solutions is marked; those that differ by whole turns or by less than 0.05 rad
    or m in every joint are equal.

    Args:
        robot, target_poses, link, base, position_tolerance, orientation_tolerance, q_init,
            joint_mask, max_steps, seed, task, frame, weights, limit_margin, posture_weight, method,
            clearance, obstacles: As in `solve_ik`.
        q_ref: Configuration whose whole turns the solutions take, as the limits allow.
        starts: Number of starts per target, `n` below; at least the number of branches of a closed
            form. Its free joint, if there is one, has as many values as there is room for; rows
            beyond the branches repeat them.
    Returns:
        `IKSolutions` with `q (..., n, dof)` and `is_solution (..., n)`: `q[is_solution]` are the
        distinct solutions. Misses and repeated solutions are not marked.
    Raises:
        NoClosedFormError, UnknownLinkError, RobotError, TypeError, ValueError: As `solve_ik`.
    Example:
        >>> arm = fkarm.robots.planar([0.4, 0.3])
        >>> T = fkarm.forward_kinematics(arm, np.array([0.3, 0.8]), "tool")
        >>> every = fkarm.solve_ik_all(arm, T, task="position")  # elbow up and elbow down
        >>> every.q[every.is_solution].shape
        (2, 2)
    """
    request = _request(
        robot,
        target_poses,
        link,
        (starts, max_steps),
        base=base,
        position_tolerance=position_tolerance,
        orientation_tolerance=orientation_tolerance,
        q_init=q_init,
        q_ref=q_ref,
        joint_mask=joint_mask,
        task=task,
        frame=frame,
        weights=weights,
        limit_margin=limit_margin,
        posture_weight=posture_weight,
    )
    around = surroundings(request, clearance, obstacles)
    form = _form(request, method)
    batch = request.batch
    approximate = None
    if form is None and method == "auto":
        approximate = approximate_form_of(request.problem, request.terms, bool(request.geometry))
    search = Search(request, starts, max_steps, seed, form, approximate)
    solutions = search.all_solutions(None if around is None else partial(judged, around=around))
    return IKSolutions(*(field.reshape((*batch, *field.shape[1:])) for field in solutions))


def _form(request: Request, method: str) -> ClosedForm | None:
    return form_of(request.problem, request.terms, method, bool(request.geometry))


def _request(
    robot: Robot, target_poses: Any, link: str | None, effort: tuple[int, int], **problem: Any
) -> Request:
    """The request of these arguments; `effort` holds `starts` and `max_steps`."""
    starts, max_steps = effort
    request = read_request(robot, target_poses, link, **problem)
    check_count("starts", starts)
    check_count("max_steps", max_steps)
    return request
