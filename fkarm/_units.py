"""Units of arguments and results. Inside fkarm lengths are in metres and angles in radians."""

import math

ANGLE_UNITS = {"rad": 1.0, "deg": math.pi / 180.0}  # rad per unit
LENGTH_UNITS = {"m": 1.0, "mm": 1e-3}  # m per unit

# One radian counts like 0.3 m in losses and in the solver: a turn by a radian moves a point that
# far from the link's origin, such as the tip of a held tool, by 0.3 m.
RADIAN_IN_METRES = 0.3
