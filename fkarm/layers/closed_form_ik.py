"""The ClosedFormIK layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units, mark_units
from fkarm._checks import check_pose_shape
from fkarm._rows import live_rows
from fkarm._types import Tensor
from fkarm.ik.closed_form import closed_form
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import robot_entry, with_robot
from fkarm.layers.units import ConfigurationUnits
from fkarm.model import Robot
from fkarm.model.argument import check_robot

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="fkarm")
class ClosedFormIK(KinematicLayer):
    """Every joint configuration that brings a link to target poses. It has no weights.

    Args:
        robot: `fkarm.Robot`, an arm with a closed form, see `fkarm.ik.closed_form`.
        link: Link to bring to the target; None: `robot.end_effector`.
        free: With seven joints, the name of the joint whose value is given; None: the one that
            `fkarm.ik.closed_form` chooses.
        free_value: `k` values of that joint, rad or m, for calls that give none.
        base: Link in whose frame the targets are; None: the root link.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    Call arguments:
        target_poses: Poses in the frame of `base`, m. Shape `(..., 4, 4)`.
        free_value: Values of the joint `free`, rad or m. Shape `(k,)`, or `(..., k)` with the batch
            axes of `target_poses`.
    Returns:
        A dictionary. `"q"`: configurations, rad or m, `(..., branches, dof)`. `"is_solution"` and
        `"within_limits"`: booleans, `(..., branches)`. With seven joints there is an axis for the
        `k` values before that of the branches. `fkarm.ik.ClosedForm.solve` names the branches.
    Raises:
        NoClosedFormError: If the arm has no closed form.
        TypeError: If `robot` is not a Robot.
        UnknownJointError, UnknownLinkError: If the joint or the link does not exist.
        ValueError: If a shape is wrong, or a free joint has no value, or one outside its limits.
    Gradient:
        Exact with respect to the poses and the values of the free joint; at singularities finite,
        as `fkarm.ik.ClosedForm.solve` says.
    Example:
        >>> arm = fkarm.robots.ur5e()
        >>> T = fkarm.forward_kinematics(arm, np.array([[0.3, -1.2, 1.4, -0.6, 0.9, 0.2]]))
        >>> fkarm.layers.ClosedFormIK(arm, dtype="float64")(T)["q"].shape
        TensorShape([1, 8, 6])
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        free: str | None = None,
        free_value: Sequence[float] | None = None,
        base: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        self.robot, self.link, self.free, self.base = robot, link, free, base
        self.free_value = None if free_value is None else [float(each) for each in free_value]
        self._form = closed_form(robot, link, free, base=base)
        self._units = ConfigurationUnits(robot)

    def build(self, input_shape: Shape) -> None:
        check_pose_shape("target_poses", input_shape)
        self.built = True

    def call(self, target_poses: Tensor, free_value: Tensor | None = None) -> dict[str, Tensor]:
        check_units("The targets of ClosedFormIK", target_poses, None, "m")
        target = self.precise(target_poses)
        check_pose_shape("target_poses", target.shape)
        given = None if free_value is None else self.precise(free_value)
        if given is None and self.free_value is not None:
            given = ops.convert_to_tensor(self.free_value, target.dtype)
        found = self._form.solve(target, given)
        q = mark_units(ops.cast(found.q, self.compute_dtype), *self._units.names)
        return {"q": q, "is_solution": found.is_solution, "within_limits": found.within_limits}

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """A row counts if it counts in the mask of the targets."""
        if previous_mask is None:
            return None
        live = live_rows(previous_mask, len(inputs.shape) - 2)
        return dict.fromkeys(("q", "is_solution", "within_limits"), live)

    def compute_output_spec(
        self, target_poses: Any, free_value: Any = None, **kwargs: Any
    ) -> dict[str, keras.KerasTensor]:
        """Shapes and types of the outputs."""
        check_pose_shape("target_poses", target_poses.shape)
        values: Shape = ()
        if self._form.free is not None:
            if free_value is None and self.free_value is None:
                raise ValueError(
                    f"free_value must hold values of the free joint {self._form.free!r}, in the "
                    "constructor or in the call. Received: None."
                )
            count = len(self.free_value or ()) if free_value is None else free_value.shape[-1]
            values = (count,)
        marks = (*target_poses.shape[:-2], *values, self._form.branches)
        return {
            "q": keras.KerasTensor((*marks, self.robot.dof), self.compute_dtype),
            "is_solution": keras.KerasTensor(marks, "bool"),
            "within_limits": keras.KerasTensor(marks, "bool"),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **robot_entry(self.robot),
            "link": self.link,
            "free": self.free,
            "free_value": self.free_value,
            "base": self.base,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ClosedFormIK:
        return cls(**with_robot(config))
