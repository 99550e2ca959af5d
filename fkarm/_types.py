"""Type names for signatures.

Shapes are in the docstrings: one function serves tensors, NumPy arrays and Keras symbolic
tensors alike.
"""

from typing import Any

Tensor = Any
TensorLike = Any
