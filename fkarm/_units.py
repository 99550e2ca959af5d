"""Units at the edges: inside, lengths are metres and angles radians."""

import math

ANGLE_UNITS = {"rad": 1.0, "deg": math.pi / 180.0}  # radians in one of the unit
LENGTH_UNITS = {"m": 1.0, "mm": 1e-3}  # metres in one of the unit
