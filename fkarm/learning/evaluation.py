"""How good a predictor of configurations is, in millimetres and degrees."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fkarm._checks import check_non_negative, check_pose_shape, real_array
from fkarm._types import TensorLike
from fkarm.geometry import orientation_distance, position_distance
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.arguments import configuration_array
from fkarm.model import Robot


class PoseErrors(NamedTuple):
    """Errors of many poses.

    Args:
        position_mm: Distances, mm. Shape `(n,)`.
        orientation_deg: Angles, degrees. Shape `(n,)`.
    """

    position_mm: np.ndarray
    orientation_deg: np.ndarray

    def summary(
        self, position_tolerance: float = 0.01, orientation_tolerance: float = math.radians(5.0)
    ) -> dict[str, float]:
        """Median and 90th percentile of both errors, and the share within both tolerances.

        Args:
            position_tolerance: Largest distance that counts as reached, m.
            orientation_tolerance: Largest angle that counts as reached, rad.
        Raises:
            ValueError: If there are no poses, or a tolerance is no number >= 0.
        """
        if not len(self.position_mm):
            raise ValueError("A summary needs at least one pose. Received: none.")
        check_non_negative("position_tolerance", position_tolerance)
        check_non_negative("orientation_tolerance", orientation_tolerance)
        is_hit = (self.position_mm <= 1e3 * position_tolerance) & (
            np.radians(self.orientation_deg) <= orientation_tolerance
        )
        return {
            "median_mm": float(np.median(self.position_mm)),
            "p90_mm": float(np.percentile(self.position_mm, 90)),
            "median_deg": float(np.median(self.orientation_deg)),
            "p90_deg": float(np.percentile(self.orientation_deg, 90)),
            "share_within": float(np.mean(is_hit)),
        }


def pose_errors(
    robot: Robot, q: TensorLike, target: TensorLike, link: str | None = None
) -> PoseErrors:
    """Errors of the poses that configurations reach, in float64.

    Args:
        robot: The robot.
        q: Predicted configurations, rad or m. Shape `(n, dof)`.
        target: Poses that should be reached, m. Shape `(n, 4, 4)`.
        link: The link that should reach them; None: `robot.end_effector`.
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If a shape does not end as stated.
    """
    link = robot.end_effector if link is None else link
    reached = forward_kinematics(robot, configuration_array("q", q), link)
    target = real_array("target", to_numpy(target)).astype(np.float64)
    check_pose_shape("target", target.shape)
    return PoseErrors(
        1e3 * to_numpy(position_distance(reached, target)),
        np.degrees(to_numpy(orientation_distance(reached, target))),
    )
