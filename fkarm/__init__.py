"""Differentiable robot kinematics for Keras and TensorFlow.

Conventions, unless a name or an argument says otherwise:

- Lengths are in metres, angles in radians.
- `T_a_b` is the pose of b in a: `p_a = T_a_b @ p_b`. Poses are given in the robot's root link.
- The frame of a link lies at the joint that moves the link, as in URDF.
- Twists and the rows of Jacobians list the linear part first.
- `rpy` turns about fixed axes: `R = Rz(yaw) Ry(pitch) Rx(roll)`.
- Names of quaternions give their order: `quat_wxyz`, `quat_xyzw`.
- Arrays have any number of batch axes, and these come first.
- Functions keep the dtype of `q`. Layers have a dtype of their own.
"""

from importlib import import_module
from typing import Any

try:
    import keras as _keras  # noqa: F401
except ModuleNotFoundError as _error:
    _missing = str(_error.name).split(".")[0]
    if _missing not in ("tensorflow", "jax", "torch"):
        raise
    raise ModuleNotFoundError(
        f"fkarm runs on Keras, and Keras is set to run on {_missing}, which is not installed. "
        "Install it, or set KERAS_BACKEND to an installed one of tensorflow, jax and torch before "
        "Python starts: KERAS_BACKEND=jax python ...",
        name=_missing,
    ) from _error

from fkarm import config, geometry, kinematics, layers, losses, metrics, robots
from fkarm._registered import defer as _defer
from fkarm.compare import compare_robots
from fkarm.errors import (
    FkarmError,
    MissingFileError,
    MJCFError,
    NoClosedFormError,
    RobotError,
    TrainingError,
    UnknownJointError,
    UnknownLinkError,
    URDFError,
)
from fkarm.ik import IKReason, IKResult, IKSolutions, follow_path, solve_ik, solve_ik_all
from fkarm.kinematics import (
    analytic_jacobian,
    body_jacobian,
    forward_kinematics,
    geometric_jacobian,
    kinematic_hessian,
    link_velocity,
    manipulability,
    sample_configurations,
)
from fkarm.model import Joint, Mimic, Robot
from fkarm.version import __version__

__all__ = [
    "FkarmError",
    "IKReason",
    "IKResult",
    "IKSolutions",
    "Joint",
    "MJCFError",
    "Mimic",
    "MissingFileError",
    "NoClosedFormError",
    "Robot",
    "RobotError",
    "TrainingError",
    "URDFError",
    "UnknownJointError",
    "UnknownLinkError",
    "__version__",
    "analytic_jacobian",
    "body_jacobian",
    "compare_robots",
    "config",
    "follow_path",
    "forward_kinematics",
    "geometric_jacobian",
    "geometry",
    "ik",
    "kinematic_hessian",
    "kinematics",
    "layers",
    "link_velocity",
    "losses",
    "manipulability",
    "metrics",
    "robots",
    "sample_configurations",
    "solve_ik",
    "solve_ik_all",
]

_defer("fkarm.learning", "IKFlow", "IKRegressor")
_defer("fkarm.primers", "ChannelAffine", "EntropyRegularizer")


def __getattr__(name: str) -> Any:
    """Import `learning`, `primers` (needs TensorFlow) or `viz` (needs matplotlib) on first use."""
    if name in ("learning", "primers", "viz"):
        return import_module(f"fkarm.{name}")
    raise AttributeError(f"module 'fkarm' has no attribute {name!r}")
