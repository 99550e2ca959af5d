"""Layers that solve for joint configurations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units, mark_units
from fkarm._checks import check_count, check_pose_shape
from fkarm._rows import live_rows
from fkarm._types import Tensor
from fkarm.ik.arguments import WEIGHTS, make_problem
from fkarm.ik.search import descent, refinement, target_entries
from fkarm.ik.seeds import seed_table
from fkarm.kinematics.forward import check_configuration_shape
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import check_robot, robot_entry, with_robot
from fkarm.layers.units import ConfigurationUnits
from fkarm.model import Robot


class _TargetLayer(KinematicLayer):
    """A layer with a robot, a link to bring somewhere, and what counts of the pose."""

    def __init__(
        self, robot: Robot, link: str | None, task: str | Sequence[str], **kwargs: Any
    ) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        self.robot = robot
        self.link = link
        self.task = task if isinstance(task, str) else tuple(task)
        links = (robot.end_effector if link is None else link,)
        self._problem = make_problem(robot, links, task, WEIGHTS)
        self._units = ConfigurationUnits(robot)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Rows count that count in all inputs."""
        is_several = isinstance(inputs, (list, tuple))
        target, masks = (inputs[-1], previous_mask) if is_several else (inputs, [previous_mask])
        rank = len(target.shape) - 2
        live = [live_rows(mask, rank) for mask in masks or () if mask is not None]
        return reduce(ops.logical_and, live) if live else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **robot_entry(self.robot),
            "link": self.link,
            "task": self.task if isinstance(self.task, str) else list(self.task),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**with_robot(config))


@keras.saving.register_keras_serializable(package="fkarm")
class IKRefinement(_TargetLayer):
    """Joint configurations a few damped least-squares steps nearer to target poses.

    Behind a network that proposes configurations it turns centimetres into micrometres; behind
    anything else it is a solver that is differentiable through all its steps. No weights.

    Args:
        robot: `fkarm.Robot`.
        link: Link to bring to the target; None: `robot.end_effector`.
        steps: Number of steps.
        task: What of the pose counts, as in `fkarm.solve_ik`.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    Call arguments:
        inputs: Pair of configurations, rad or m, shape `(..., dof)`, and target poses in the root
            link's frame, m, shape `(..., 4, 4)`, with the same batch axes. A row counts behind the
            layer if it does in the masks of both.
    Returns:
        Configurations within the joint limits. Shape `(..., dof)`.
    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link does not exist.
        ValueError: If no joint moves the link, an argument is wrong or shapes do not match.
    Gradient:
        With respect to both inputs, through all steps. Where a limit stops a joint, its is zero.
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

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        check_units("The configurations of IKRefinement", inputs[0], *self._units.names)
        check_units("The targets of IKRefinement", inputs[1], None, "m")
        q, target = (self.precise(each) for each in inputs)
        self.compute_output_shape((q.shape, target.shape))
        refined = refinement(self._problem, self.steps)(q, target_entries(target))
        return mark_units(ops.cast(refined, self.compute_dtype), *self._units.names)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        q_shape, target_shape = input_shape
        check_configuration_shape(self.robot, q_shape)
        check_pose_shape("target", target_shape)
        if len(target_shape) != len(q_shape) + 1:
            raise ValueError(
                "q and target must have the same batch axes. Received: shapes "
                f"{tuple(q_shape)} and {tuple(target_shape)}."
            )
        return tuple(q_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}


@keras.saving.register_keras_serializable(package="fkarm")
class InverseKinematics(_TargetLayer):
    """Joint configurations that bring a link to target poses: the solver as a layer. No weights.

    From entries of a table of known poses near the target, each improved by damped least squares;
    the best is returned. One pass of a fixed size, so that it compiles and works for any batch:
    `fkarm.solve_ik`, which tries again where that fails, is the exact one.

    Args:
        robot: `fkarm.Robot`.
        link: Link to bring to the target; None: `robot.end_effector`.
        seeds: Starts for each target.
        steps: Steps from each start.
        task: What of the pose counts, as in `fkarm.solve_ik`.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    Call arguments:
        target: Poses in the root link's frame, m. Shape `(..., 4, 4)`.
    Returns:
        Configurations within the joint limits. Shape `(..., dof)`.
    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link does not exist.
        RobotError: If a sliding joint without limits leaves no range for starts.
        ValueError: If no joint moves the link, an argument is wrong or the shape does not match.
    Gradient:
        That of the implicit function at the solution: `dq = J^+ de`, with the smallest `dq` for
        a redundant arm; joints that their limits stop do not take part. It does not go through
        the search.
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        seeds: int = 16,
        steps: int = 16,
        task: str | Sequence[str] = "pose",
        **kwargs: Any,
    ) -> None:
        super().__init__(robot, link, task, **kwargs)
        check_count("seeds", seeds)
        check_count("steps", steps)
        self.seeds, self.steps = seeds, steps
        self._table = seed_table(self._problem, max(4096, self.seeds), 0)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.compute_output_shape(input_shape)
        self.built = True

    def call(self, target: Tensor) -> Tensor:
        check_units("The targets of InverseKinematics", target, None, "m")
        target = self.precise(target)
        self.compute_output_shape(target.shape)
        found = ops.stop_gradient(self._search(ops.stop_gradient(target)))
        # One differentiable step from the solution: its derivative is the implicit function's.
        stepped = refinement(self._problem, 1)(found, target_entries(target))
        q = ops.where(ops.isfinite(stepped), stepped, found)
        return mark_units(ops.cast(q, self.compute_dtype), *self._units.names)

    def _search(self, target: Tensor) -> Tensor:
        dof, dtype = self.robot.dof, target.dtype
        batch = ops.shape(target)[:-2]
        rows = ops.reshape(target, (-1, 4, 4))
        places = self._table.nearest(rows[:, None], self.seeds)
        starts = ops.take(ops.convert_to_tensor(self._table.q, dtype), places, axis=0)
        entries = ops.repeat(target_entries(rows), self.seeds, axis=0)
        budget = ops.full_like(entries[:, :1], float(self.steps))
        q, squared = descent(self._problem)(ops.reshape(starts, (-1, dof)), entries, budget)
        # Not argmin and take_along_axis: ONNX and LiteRT have no counterparts.
        _, best = ops.top_k(-ops.reshape(squared, (-1, self.seeds)), 1)
        is_best = (ops.arange(self.seeds, dtype=best.dtype) == best)[..., None]
        q = ops.sum(ops.where(is_best, ops.reshape(q, (-1, self.seeds, dof)), 0.0), axis=1)
        return ops.reshape(q, (*batch, dof))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        check_pose_shape("target", input_shape)
        return (*input_shape[:-2], self.robot.dof)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seeds": self.seeds, "steps": self.steps}
