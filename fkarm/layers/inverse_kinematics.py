"""Layers that solve for joint configurations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units, mark_units
from fkarm._checks import check_count, check_last_axes, check_pose_shape
from fkarm._recorded import with_new_names
from fkarm._rows import live_rows
from fkarm._types import Tensor
from fkarm.geometry.native import clip
from fkarm.ik.choice import ROUNDING_MARGIN, best_of, nearest_of
from fkarm.ik.descent import (
    damped_descent,
    implicit_step,
    refinement,
    target_entries,
    tested_descent,
)
from fkarm.ik.problem import (
    ORIENTATION_TOLERANCE,
    POSITION_TOLERANCE,
    WEIGHTS,
    make_problem,
    make_terms,
    margin_near_reference,
)
from fkarm.ik.starts import table_for
from fkarm.kinematics.arguments import check_configuration_shape
from fkarm.kinematics.joint_space import nearest_copy, nearest_to_zero, with_unit_quaternions
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import check_robot, robot_entry, with_robot
from fkarm.layers.units import ConfigurationUnits
from fkarm.model import Robot

# Number of damped steps from each start, and of starts that continue with tested steps.
DAMPED_STEPS, FINALISTS = 10, 4


class _TargetLayer(KinematicLayer):
    """A layer that brings a link to target poses; its arguments are those of `fkarm.solve_ik`."""

    def __init__(
        self,
        robot: Robot,
        link: str | None,
        task: str | Sequence[str],
        *,
        base: str | None = None,
        frame: str = "root",
        weights: tuple[float, float] = WEIGHTS,
        position_tolerance: float = POSITION_TOLERANCE,
        orientation_tolerance: float = ORIENTATION_TOLERANCE,
        joint_mask: Sequence[bool] | None = None,
        limit_margin: float = 0.0,
        posture_weight: float = 0.0,
        **kwargs: Any,
    ) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        self.robot = robot
        self.link = link
        self.task = task if isinstance(task, str) else tuple(task)
        self.base = base
        self.frame = frame
        self.joint_mask = None if joint_mask is None else [bool(each) for each in joint_mask]
        self._values: dict[str, Any] = {
            "weights": tuple(weights),
            "position_tolerance": position_tolerance,
            "orientation_tolerance": orientation_tolerance,
            "limit_margin": limit_margin,
            "posture_weight": posture_weight,
        }
        links = (robot.link_or_end_effector(link),)
        self._problem = make_problem(robot, links, task, frame, base)
        self._units = ConfigurationUnits(robot)
        self._precision = "float64" if self.compute_dtype == "float64" else "float32"
        self._terms = make_terms(
            self._problem, self._precision, joint_mask=self.joint_mask, **self._values
        )

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """A row counts if it counts in all inputs."""
        is_several = isinstance(inputs, (list, tuple))
        target, masks = (inputs[-1], previous_mask) if is_several else (inputs, [previous_mask])
        rank = len(target.shape) - 2
        live = [live_rows(mask, rank) for mask in masks or () if mask is not None]
        return reduce(ops.logical_and, live) if live else None

    def _packed(self, steps: int) -> Tensor:
        return ops.convert_to_tensor(self._terms.packed(steps))

    def _reference(self, name: str, q: Tensor | None, shape: tuple[int | None, ...]) -> Any:
        """`q` in the type of the computation, with the batch axes of `shape`; or None."""
        if q is None:
            return None
        check_units(f"The {name} of {type(self).__name__}", q, *self._units.names)
        check_last_axes(name, q.shape, (self.robot.dof,))
        if len(q.shape) != len(shape) + 1:
            raise ValueError(
                f"{name} and target_poses must have the same batch axes. Received: {name} of shape "
                f"{tuple(q.shape)} for batch axes {tuple(shape)}."
            )
        return self.precise(q)

    def _check_wish(self, q_ref: Tensor | None) -> None:
        if self._values["posture_weight"] and q_ref is None:
            raise ValueError(
                "posture_weight must come with q_ref, the preferred posture. Received: None."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **robot_entry(self.robot),
            "link": self.link,
            "task": self.task if isinstance(self.task, str) else list(self.task),
            "base": self.base,
            "frame": self.frame,
            "joint_mask": self.joint_mask,
            **self._values,
            "weights": list(self._values["weights"]),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**with_robot(with_new_names(config, seeds="starts")))


@keras.saving.register_keras_serializable(package="fkarm")
class IKRefinement(_TargetLayer):
    """Joint configurations after a few least-squares steps towards target poses.

    After a network that proposes configurations it reduces errors from centimetres to micrometres.
    It is differentiable through all its steps and has no weights.

    Args:
        robot: `fkarm.Robot`.
        link: Link to bring to the target; None: `robot.end_effector`.
        steps: Number of steps.
        task: Components of the pose that count, as in `fkarm.solve_ik`.
        base, frame, weights, position_tolerance, orientation_tolerance, joint_mask, limit_margin,
            posture_weight: As in `fkarm.solve_ik`.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    Call arguments:
        inputs: A pair: configurations, rad or m, shape `(..., dof)`, and target poses in the frame
            of `base`, m, shape `(..., 4, 4)`, with the same batch axes. A row of the output counts
            if it counts in the masks of both. Joints that may not move, or move no link, keep their
            values.
        q_ref: Posture that `posture_weight` pulls to. Shape `(..., dof)`.
    Returns:
        Configurations within the joint limits. Shape `(..., dof)`.
    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If no joint moves the link, an argument is wrong or shapes do not match.
    Gradient:
        With respect to both inputs, through all steps. It is zero for joints that a limit stops.
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        steps: int = 3,
        task: str | Sequence[str] = "pose",
        **kwargs: Any,
    ) -> None:
        super().__init__(robot, link, task, **kwargs)
        check_count("steps", steps)
        self.steps = steps

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
        self.built = True

    def call(self, inputs: tuple[Tensor, Tensor], q_ref: Tensor | None = None) -> Tensor:
        check_units("The configurations of IKRefinement", inputs[0], *self._units.names)
        check_units("The targets of IKRefinement", inputs[1], None, "m")
        q, target = (self.precise(each) for each in inputs)
        self.compute_output_shape((q.shape, target.shape))
        self._check_wish(q_ref)
        wish = self._reference("q_ref", q_ref, target.shape[:-2])
        lower, upper = (ops.convert_to_tensor(x) for x in (self._terms.lower, self._terms.upper))
        shape = ops.shape(q)
        start = ops.reshape(clip(q, lower, upper), (-1, self.robot.dof))
        near = start if wish is None else ops.reshape(wish, (-1, self.robot.dof))
        entries = target_entries(ops.reshape(target, (-1, 4, 4)))
        refine = refinement(self._problem, self.steps)
        refined = refine(start, entries, near, self._packed(self.steps))
        near = ops.stop_gradient(near)
        free = self._terms.free > 0
        refined = ops.where(free, with_unit_quaternions(self.robot, refined, near), refined)
        refined = ops.cast(ops.reshape(refined, shape), self.compute_dtype)
        return mark_units(refined, *self._units.names)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        q_shape, target_shape = input_shape
        check_configuration_shape(self.robot, q_shape)
        check_pose_shape("target_poses", target_shape)
        if len(target_shape) != len(q_shape) + 1:
            raise ValueError(
                "q and target_poses must have the same batch axes. Received: shapes "
                f"{tuple(q_shape)} and {tuple(target_shape)}."
            )
        return tuple(q_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}


@keras.saving.register_keras_serializable(package="fkarm")
class InverseKinematics(_TargetLayer):
    """Joint configurations that bring a link to target poses: the solver as a layer.

    The starts are entries of a table of known poses near the target. Damped least squares improves
    all of them, then the best few to the end, and the answer is chosen as in `fkarm.solve_ik`. The
    layer makes one pass of a fixed size, so that it compiles for any batch; `fkarm.solve_ik` tries
    more starts where that fails. It has no weights.

    Args:
        robot: `fkarm.Robot`.
        link: Link to bring to the target; None: `robot.end_effector`.
        starts: Number of starts per target.
        steps: Largest number of steps from each start.
        task: Components of the pose that count, as in `fkarm.solve_ik`.
        base, frame, weights, position_tolerance, orientation_tolerance, joint_mask, limit_margin,
            posture_weight: As in `fkarm.solve_ik`.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    Call arguments:
        target_poses: Poses in the frame of `base`, m. Shape `(..., 4, 4)`.
        q_ref: Preferred configuration, and posture that `posture_weight` pulls to. Shape
            `(..., dof)`.
        q_init: The first start, which is the answer if it leads to a solution, and the values of
            joints that may not move. Required with `joint_mask`. Shape `(..., dof)`.
    Returns:
        Configurations within the joint limits. Shape `(..., dof)`.
    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link or `base` does not exist.
        RobotError: If a prismatic joint without limits leaves no range for starts.
        ValueError: If no joint moves the link, an argument is wrong or the shape does not match.
    Gradient:
        The gradient of the implicit function at the solution: `dq = J^+ de`, with the smallest `dq`
        for a redundant arm and without joints that their limits stop. The search itself is not
        differentiated.
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        starts: int = 16,
        steps: int = 32,
        task: str | Sequence[str] = "pose",
        **kwargs: Any,
    ) -> None:
        super().__init__(robot, link, task, **kwargs)
        check_count("starts", starts)
        check_count("steps", steps)
        self.starts, self.steps = starts, steps
        self._table = table_for(self._problem, self._terms, 0, 0)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.compute_output_shape(input_shape)
        self.built = True

    def call(
        self, target_poses: Tensor, q_ref: Tensor | None = None, q_init: Tensor | None = None
    ) -> Tensor:
        check_units("The targets of InverseKinematics", target_poses, None, "m")
        target = self.precise(target_poses)
        self.compute_output_shape(target.shape)
        self._check_wish(q_ref)
        if self.joint_mask is not None and q_init is None:
            raise ValueError(
                "joint_mask must come with q_init, the values of held joints. Received: None."
            )
        batch = target.shape[:-2]
        given = [
            None if each is None else ops.reshape(ops.stop_gradient(each), (-1, self.robot.dof))
            for each in (
                self._reference("q_ref", q_ref, batch),
                self._reference("q_init", q_init, batch),
            )
        ]
        rows = ops.reshape(target, (-1, 4, 4))
        found = ops.stop_gradient(self._search(ops.stop_gradient(rows), *given))
        # One differentiable step from the solution: its derivative is the implicit function's.
        stepped = implicit_step(self._problem)(found, target_entries(rows), self._packed(1))
        slope = stepped - ops.stop_gradient(stepped)
        q = ops.where(ops.isfinite(stepped), found + slope, found)
        q = ops.reshape(q, (*ops.shape(target)[:-2], self.robot.dof))
        return mark_units(ops.cast(q, self.compute_dtype), *self._units.names)

    def _search(self, target: Tensor, q_ref: Tensor | None, q_init: Tensor | None) -> Tensor:
        """Solutions for targets `(n, 4, 4)`."""
        robot, entries = self.robot, target_entries(target)
        zero = ops.convert_to_tensor(nearest_to_zero(robot), target.dtype)
        rest = next((q for q in (q_init, q_ref) if q is not None), zero + 0.0 * entries[:, :1])
        near = rest if q_ref is None else q_ref
        places, errors = self._table.nearest(target[:, None], self.starts)
        starts = self._constrained(self._table.at(places, target[:, None]), rest)
        quick = min(self.steps, DAMPED_STEPS)
        q, outcome = self._descended(damped_descent, quick, starts, entries)
        distance = ops.cast(errors - ops.min(errors, axis=1, keepdims=True), target.dtype)
        key = self._key(q, outcome, distance, q_ref)
        q, distance = best_of(key, min(FINALISTS, self.starts), q, distance[..., None])
        is_given = q_ref is not None or q_init is not None
        if is_given:  # The given configuration is the first start.
            q = ops.concatenate([self._constrained(rest[:, None], rest), q], axis=1)
            first = ops.zeros_like(distance[:, :1])
            distance = ops.concatenate([first, 1.0 + distance], axis=1)
        q, outcome = self._descended(tested_descent, max(self.steps - quick, 1), q, entries, near)
        q = self._canonical(q, near)
        (q,) = best_of(self._key(q, outcome, distance[..., 0], q_ref), 1, q)
        return q[:, 0]

    def _constrained(self, starts: Tensor, rest: Tensor) -> Tensor:
        lower, upper = (ops.convert_to_tensor(x) for x in (self._terms.lower, self._terms.upper))
        return ops.where(self._terms.free > 0, clip(starts, lower, upper), rest[:, None])

    def _canonical(self, q: Tensor, near: Tensor) -> Tensor:
        """The nearest copies by whole turns, with unit quaternions."""
        lower, upper = (ops.convert_to_tensor(x) for x in (self._terms.lower, self._terms.upper))
        copy = nearest_copy(self.robot, q, near[:, None], lower, upper)
        copy = with_unit_quaternions(self.robot, copy, near[:, None])
        return ops.where(self._terms.free > 0, copy, q)

    def _descended(self, descent: Any, steps: int, q: Tensor, *by_target: Tensor) -> Any:
        """`q (n, count, dof)` after a descent, and its outcome `(n, count, 4)`."""
        count, dof = q.shape[1], self.robot.dof
        repeated = (ops.repeat(each, count, axis=0) for each in by_target)
        found, outcome = descent(self._problem, False)(
            ops.reshape(q, (-1, dof)), *repeated, self._packed(steps)
        )
        return ops.reshape(found, (-1, count, dof)), ops.reshape(outcome, (-1, count, 4))

    def _key(self, q: Tensor, outcome: Tensor, distance: Tensor, q_ref: Tensor | None) -> Tensor:
        margin = ROUNDING_MARGIN[self._precision]
        if q_ref is not None:
            margin = margin_near_reference(self._terms)
        return nearest_of(self.robot, q, outcome, distance, q_ref, margin)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        check_pose_shape("target_poses", input_shape)
        return (*input_shape[:-2], self.robot.dof)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "starts": self.starts, "steps": self.steps}
