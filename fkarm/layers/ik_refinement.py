"""The IKRefinement layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units, mark_units
from fkarm._checks import check_count, check_pose_shape
from fkarm._types import Tensor
from fkarm.geometry.native import clip
from fkarm.ik.descent import refinement, target_entries
from fkarm.kinematics.arguments import check_configuration_shape
from fkarm.kinematics.joint_space import with_unit_quaternions
from fkarm.layers.target_layer import TargetLayer
from fkarm.model import Robot


@keras.saving.register_keras_serializable(package="fkarm")
class IKRefinement(TargetLayer):
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
