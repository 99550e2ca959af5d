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
from typing import TYPE_CHECKING, Any

from fkarm import config, robots
from fkarm._registered import register_with_keras as _register_with_keras
from fkarm.errors import (
    CalibrationError,
    FkarmError,
    MissingFileError,
    MJCFError,
    NoClosedFormError,
    RobotError,
    TableError,
    TrainingError,
    UnknownJointError,
    UnknownLinkError,
    URDFError,
)
from fkarm.model import Body, Exclusion, Joint, Mass, Mimic, Robot
from fkarm.version import __version__

if TYPE_CHECKING:  # they need Keras: imported when they are used
    from fkarm import calibration, geometry, ik, kinematics, layers, losses, metrics, motion
    from fkarm import collision as collision
    from fkarm import compare as compare
    from fkarm import learning as learning
    from fkarm import primers as primers
    from fkarm import viz as viz
    from fkarm.calibration import calibrate
    from fkarm.compare import compare_robots
    from fkarm.ik import (
        IKReason,
        IKResult,
        IKSolutions,
        follow_path,
        reachability,
        solve_ik,
        solve_ik_all,
    )
    from fkarm.kinematics import (
        analytic_jacobian,
        body_jacobian,
        center_of_mass,
        center_of_mass_jacobian,
        forward_kinematics,
        geometric_jacobian,
        geometric_jacobian_rate,
        kinematic_hessian,
        link_velocity,
        sample_configurations,
    )
    from fkarm.kinematics.manipulability import manipulability
    from fkarm.motion import PathReason, SolvedPath, retarget, solve_path

__all__ = [
    "Body",
    "CalibrationError",
    "Exclusion",
    "FkarmError",
    "IKReason",
    "IKResult",
    "IKSolutions",
    "Joint",
    "MJCFError",
    "Mass",
    "Mimic",
    "MissingFileError",
    "NoClosedFormError",
    "PathReason",
    "Robot",
    "RobotError",
    "SolvedPath",
    "TableError",
    "TrainingError",
    "URDFError",
    "UnknownJointError",
    "UnknownLinkError",
    "__version__",
    "analytic_jacobian",
    "body_jacobian",
    "calibrate",
    "calibration",
    "center_of_mass",
    "center_of_mass_jacobian",
    "compare_robots",
    "config",
    "follow_path",
    "forward_kinematics",
    "geometric_jacobian",
    "geometric_jacobian_rate",
    "geometry",
    "ik",
    "kinematic_hessian",
    "kinematics",
    "layers",
    "link_velocity",
    "losses",
    "manipulability",
    "metrics",
    "motion",
    "reachability",
    "retarget",
    "robots",
    "sample_configurations",
    "solve_ik",
    "solve_ik_all",
    "solve_path",
]

# With these names, and those that the last five define.
_ON_FIRST_USE = (
    "collision",
    "geometry",
    "layers",
    "learning",
    "losses",
    "metrics",
    "primers",
    "tables",
    "viz",
)
_WITH_NAMES = ("kinematics", "ik", "compare", "calibration", "motion")

_register_with_keras()


if not TYPE_CHECKING:  # type checkers report a misspelt name themselves

    def __getattr__(name: str) -> Any:
        """Import on first use what needs Keras, whose import takes seconds."""
        if name in _ON_FIRST_USE or name in _WITH_NAMES:
            return import_module(f"fkarm.{name}")
        for part in _WITH_NAMES if name in __all__ else ():
            module = import_module(f"fkarm.{part}")
            if name in module.__all__:
                return globals().setdefault(name, getattr(module, name))
        raise AttributeError(f"module 'fkarm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ON_FIRST_USE, *_WITH_NAMES})
