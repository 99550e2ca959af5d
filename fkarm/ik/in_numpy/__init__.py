"""The solver in NumPy, for calls with few targets: nothing to trace, nothing to compile.

The same errors, steps and tests as in the compiled solver, on arrays `(rows, ...)` of float64.
"""

from fkarm.ik.in_numpy.descents import damped_descent, pose_errors, tested_descent

__all__ = ["damped_descent", "pose_errors", "tested_descent"]
