"""What the layers that bring a link to target poses have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from keras import ops

from fkarm._carried import check_units
from fkarm._checks import check_last_axes
from fkarm._recorded import with_new_names
from fkarm._rows import live_rows
from fkarm._types import Tensor
from fkarm.ik.problem import (
    ORIENTATION_TOLERANCE,
    POSITION_TOLERANCE,
    WEIGHTS,
    make_problem,
    make_terms,
)
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import robot_entry, with_robot
from fkarm.layers.units import ConfigurationUnits
from fkarm.model import Robot
from fkarm.model.argument import check_robot


class TargetLayer(KinematicLayer):
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
        for name in ("clearance", "obstacles"):
            if name in kwargs:
                raise ValueError(
                    f"{type(self).__name__} must come without {name}: its search of a fixed size "
                    f"cannot promise it. Received: {name}={kwargs[name]!r}. Use "
                    "fkarm.solve_ik(..., clearance=) outside of models, or measure the answers by "
                    "fkarm.layers.SelfDistance."
                )
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
