"""The InverseKinematics layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units, mark_units
from fkarm._checks import check_count, check_pose_shape
from fkarm._types import Tensor
from fkarm.geometry.native import clip
from fkarm.ik.by_closed_form import form_of, solutions_in_graph
from fkarm.ik.choice import ROUNDING_MARGIN, best_of, nearest_of
from fkarm.ik.closed_form.nearest import NONE
from fkarm.ik.descent import damped_descent, implicit_step, target_entries, tested_descent
from fkarm.ik.problem import margin_near_reference
from fkarm.ik.starts import table_for
from fkarm.kinematics.joint_space import nearest_copy, nearest_to_zero, with_unit_quaternions
from fkarm.kinematics.stage import is_traced_for_file
from fkarm.layers.target_layer import TargetLayer
from fkarm.model import Robot

# Number of damped steps from each start, and of starts that continue with tested steps.
DAMPED_STEPS, FINALISTS = 10, 4


@keras.saving.register_keras_serializable(package="fkarm")
class InverseKinematics(TargetLayer):
    """Joint configurations that bring a link to target poses: the solver as a layer.

    An arm with a closed form is solved by it, and by a search only if a target of the batch has no
    solution there. The starts of the search are entries of a table of known poses near the target.
    Damped least squares improves all of them, then the best few to the end, and the answer is
    chosen as in `fkarm.solve_ik`. The layer makes one pass of a fixed size, so that it compiles for
    any batch; `fkarm.solve_ik` tries more free values and starts where that fails. It has no
    weights.

    Args:
        robot: `fkarm.Robot`.
        link: Link to bring to the target; None: `robot.end_effector`.
        starts: Number of starts per target.
        steps: Largest number of steps from each start.
        task: Components of the pose that count, as in `fkarm.solve_ik`.
        method: `"auto"`, `"closed_form"` or `"numeric"`, as in `fkarm.solve_ik`.
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
        NoClosedFormError: With `method="closed_form"`, if the arm or the problem has none.
        UnknownLinkError: If the link or `base` does not exist.
        RobotError: If a prismatic joint without limits leaves no range for starts.
        ValueError: If no joint moves the link, an argument is wrong or the shape does not match;
            also for `clearance` and `obstacles`, which one pass of a fixed size cannot keep.
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
        method: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(robot, link, task, **kwargs)
        check_count("starts", starts)
        check_count("steps", steps)
        self.starts, self.steps = starts, steps
        self.method = method
        self._form = form_of(self._problem, self._terms, method)
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
        is_given = q_ref is not None or q_init is not None
        numeric = partial(self._numeric, target, rest, near, q_ref, is_given)
        if self._form is None:
            return numeric()
        q, is_there = solutions_in_graph(self._form, self._terms, entries, rest, q_ref)
        if is_given:
            q, is_there = self._with_given(q, is_there, entries, rest, near, q_ref)

        def searched() -> Tensor:
            return ops.where(is_there[:, None], q, numeric())

        # The search runs only if a target is left. ONNX cannot write a condition around its loops.
        return (
            searched() if is_traced_for_file() else ops.cond(ops.all(is_there), lambda: q, searched)
        )

    def _with_given(
        self,
        q: Tensor,
        is_there: Tensor,
        entries: Tensor,
        rest: Tensor,
        near: Tensor,
        q_ref: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """The answers of a closed form, and those that the given configurations lead to."""
        first = self._constrained(rest[:, None], rest)
        first, outcome = self._descended(tested_descent, self.steps, first, entries, near)
        missed = ops.where(is_there, 0.0, NONE)[:, None, None] + ops.zeros_like(outcome)
        both = ops.concatenate([self._canonical(first, near), q[:, None]], axis=1)
        outcome = ops.concatenate([outcome, missed], axis=1)
        order = ops.arange(2, dtype=outcome.dtype) + 0.0 * outcome[..., 0]
        found, ratio = best_of(self._key(both, outcome, order, q_ref), 1, both, outcome[..., 1:2])
        return found[:, 0], ratio[:, 0, 0] <= 1.0

    def _numeric(
        self, target: Tensor, rest: Tensor, near: Tensor, q_ref: Tensor | None, is_given: bool
    ) -> Tensor:
        """The answers of a search from the table's entries, and from given configurations."""
        entries = target_entries(target)
        places, errors = self._table.nearest(target[:, None], self.starts)
        starts = self._constrained(self._table.at(places, target[:, None]), rest)
        quick = min(self.steps, DAMPED_STEPS)
        q, outcome = self._descended(damped_descent, quick, starts, entries)
        distance = ops.cast(errors - ops.min(errors, axis=1, keepdims=True), target.dtype)
        key = self._key(q, outcome, distance, q_ref)
        q, distance = best_of(key, min(FINALISTS, self.starts), q, distance[..., None])
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
        return {
            **super().get_config(),
            "starts": self.starts,
            "steps": self.steps,
            "method": self.method,
        }
