"""How kinematics is compiled. Only this package and `geometry.native` know the backends.

What is best depends on the compiler. XLA computes a cheap operation once for each output that needs
it, instead of storing its value: that suits a chain of joints, but not its sines, which are scalar
routines on a CPU. There they come from polynomials that vectorise, behind a condition (is every
angle small enough for them?) across which XLA repeats nothing. On accelerators, and where each
operation runs by itself, the backend's own sine is best.

Eager calls with few rows are not worth a compiler: `few_rows` has the rule, and what computes them
in NumPy. All others are stages: TensorFlow and JAX compile them, PyTorch runs them operation by
operation. The modules of the backends have the same names in them.
"""

import keras

from fkarm.kinematics.stage.derivative import Derivative, Loops
from fkarm.kinematics.stage.few_rows import (
    FEW_ROWS,
    STAGES_KEPT,
    Function,
    InNumpy,
    PullBack,
    Ranks,
    are_few,
)

if keras.backend.backend() == "tensorflow":
    from fkarm.kinematics.stage.tensorflow import (
        compiled,
        is_traced_for_cpu,
        is_traced_for_file,
        once,
        sincos,
        with_derivative,
        xla_barrier,
    )
else:
    from fkarm.kinematics.stage.traced import is_traced_for_cpu, is_traced_for_file

    if keras.backend.backend() == "jax":
        from fkarm.kinematics.stage.jax import compiled, once, sincos, with_derivative, xla_barrier
    else:
        from fkarm.kinematics.stage.torch import (
            compiled,
            once,
            sincos,
            with_derivative,
            xla_barrier,
        )

__all__ = [
    "FEW_ROWS",
    "STAGES_KEPT",
    "Derivative",
    "Function",
    "InNumpy",
    "Loops",
    "PullBack",
    "Ranks",
    "are_few",
    "compiled",
    "is_traced_for_cpu",
    "is_traced_for_file",
    "once",
    "sincos",
    "with_derivative",
    "xla_barrier",
]
