"""Geometry that is fitted to measurements, with what they can tell.

`parameters` says what may be fitted, the measurements are `Pose`, `Position`, `Orientation`,
`SensorPoints`, `SamePoint`, `Distance` and `Plane`; `fkarm.calibrate` fits. `identifiability` says
beforehand what the measurements can tell.
"""

from fkarm.calibration.fit import calibrate, identifiability
from fkarm.calibration.identify import Identifiability
from fkarm.calibration.measurements import (
    Distance,
    Orientation,
    Plane,
    Pose,
    Position,
    SamePoint,
    SensorPoints,
)
from fkarm.calibration.parameters import Parameter, Parameters, parameters
from fkarm.calibration.result import Calibration
from fkarm.calibration.suggest import Suggestion, suggest_configurations

__all__ = [
    "Calibration",
    "Distance",
    "Identifiability",
    "Orientation",
    "Parameter",
    "Parameters",
    "Plane",
    "Pose",
    "Position",
    "SamePoint",
    "SensorPoints",
    "Suggestion",
    "calibrate",
    "identifiability",
    "parameters",
    "suggest_configurations",
]
