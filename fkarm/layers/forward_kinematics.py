"""The ForwardKinematics layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from fkarm._carried import check_units, mark_units
from fkarm._checks import check_choice
from fkarm._types import Tensor
from fkarm._units import ANGLE_UNITS, LENGTH_UNITS
from fkarm.geometry import POSE_REPRESENTATIONS, matrix_to_pose, pose_shape
from fkarm.geometry.representations import has_angles
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.arguments import base_name, check_configuration_shape
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import robot_entry, with_robot
from fkarm.layers.units import ConfigurationUnits
from fkarm.model import Robot
from fkarm.model.argument import check_robot
from fkarm.model.links import as_names


@keras.saving.register_keras_serializable(package="fkarm")
class ForwardKinematics(KinematicLayer):
    """Poses of links from joint configurations. It has no weights and is differentiable.

    A saved layer contains the robot, so that a `.keras` file needs no URDF.

    Args:
        robot: `fkarm.Robot`.
        links: Name of a link, or a list of names; None: `robot.end_effector`. Every link is
            `robot.link_names`.
        output: How poses are written: `"matrix"` (4 x 4), `"position"`, or the position followed by
            the orientation: `"xyz_rpy"`, `"xyz_ypr"`, `"xyz_quat_wxyz"`, `"xyz_quat_xyzw"`,
            `"xyz_rotvec"`, `"xyz_rot6d"` (first two columns of the rotation matrix), or the format
            of a controller: `"xyz_kuka_abc"`, `"xyz_fanuc_wpr"`, `"xyz_ur_rotvec"`,
            `"xyz_abb_quat"`.
        angle_unit: `"rad"` or `"deg"`: unit of the angles in `q`, and of the angles and rotation
            vectors in the poses.
        length_unit: `"m"` or `"mm"`: unit of the lengths in `q` and of positions.
        base: Name of the link in whose frame the poses are, on any branch of the tree, such as
            the other hand; None: the root link.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`. Kinematics is computed in
            float32 or float64; a mixed policy becomes float32, with a warning.

    Call arguments:
        q: Joint configurations in the order of `robot.joint_names`. Any number of batch axes.
            Shape `(..., dof)`.
        geometry: Another geometry of the robot, in metres and radians, or one per row, as in
            `fkarm.forward_kinematics`; it may be trained. None: the robot as it is.

    Returns:
        Poses in the frame of the base. Shape `(..., 4, 4)`, `(..., 3)`, `(..., 6)`,
        `(..., 7)` or `(..., 9)`, depending on `output`. A list of `n` links adds an axis:
        `(..., n, 4, 4)`.

    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If a link or `base` does not exist.
        ValueError: If `output` or a unit is unknown, the list of links is empty, the input
            does not end with an axis of size `dof` or comes directly from a layer that returns
            other units, or the geometry is not one of the robot.

    Gradient:
        Exact. At singular points of an orientation format it is the finite gradient that
        `fkarm.geometry` documents.

    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> layer = fkarm.layers.ForwardKinematics(arm, output="position")
        >>> layer(np.zeros((1, 2), "float32")).numpy().tolist()
        [[1.5, 0.0, 0.0]]
    """

    NAMED_INPUTS: ClassVar[tuple[str, ...]] = ("geometry",)

    def __init__(
        self,
        robot: Robot,
        links: str | Sequence[str] | None = None,
        output: str = "matrix",
        angle_unit: str = "rad",
        length_unit: str = "m",
        base: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        check_choice("output", output, POSE_REPRESENTATIONS)
        self._units = ConfigurationUnits(robot, angle_unit, length_unit)
        self.robot = robot
        self.links = links if links is None or isinstance(links, str) else as_names(links)
        self.output_form = output
        self.angle_unit = angle_unit
        self.length_unit = length_unit
        self.base = base
        self._links = robot.end_effector if self.links is None else self.links
        for link in (self._links,) if isinstance(self._links, str) else self._links:
            robot.check_link(link)
        base_name(robot, base)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        check_configuration_shape(self.robot, input_shape)
        self.built = True

    def call(self, q: Tensor, geometry: dict[str, Tensor] | None = None) -> Tensor:
        check_configuration_shape(self.robot, q.shape)
        check_units("The input of ForwardKinematics", q, *self._units.names)
        poses = self._poses(self._in_si_units(self.precise(q)), geometry)
        poses = matrix_to_pose(
            poses,
            self.output_form,
            angle_scale=1.0 / ANGLE_UNITS[self.angle_unit],
            length_scale=1.0 / LENGTH_UNITS[self.length_unit],
        )
        angle_unit = self.angle_unit if has_angles(self.output_form) else None
        return mark_units(ops.cast(poses, self.compute_dtype), angle_unit, self.length_unit)

    def _poses(self, q: Tensor, geometry: dict[str, Tensor] | None) -> Tensor:
        """Poses as matrices, m, at configurations in rad and m."""
        return forward_kinematics(self.robot, q, self._links, self.base, geometry)

    def _in_si_units(self, q: Tensor) -> Tensor:
        if self._units.is_si:
            return q
        return q * ops.convert_to_tensor(self._units.in_si, dtype=q.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        check_configuration_shape(self.robot, input_shape)
        count = () if isinstance(self._links, str) else (len(self._links),)
        return (*input_shape[:-1], *count, *pose_shape(self.output_form))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **robot_entry(self.robot),
            "links": list(self.links) if isinstance(self.links, tuple) else self.links,
            "output": self.output_form,
            "angle_unit": self.angle_unit,
            "length_unit": self.length_unit,
            "base": self.base,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ForwardKinematics:
        return cls(**with_robot(config))
