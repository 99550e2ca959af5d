"""Calls of compiled functions with any number of rows."""

from __future__ import annotations

import numpy as np
from keras import ops

from fkarm.geometry.native import to_numpy
from fkarm.kinematics.stage import Function

# Sizes that a descent is compiled for. The second one is no power of two: such arrays compete for
# few sets of a cache and take a third longer. A third, larger size would gain nothing.
ROWS = (128, 1152)
# Up to this many chunks of a size are computed before the next size is. All chunks of a call have
# one size: compiling for a second one takes longer than the rows that fill the last chunk.
CHUNKS = 3
FEW = CHUNKS * ROWS[0]


def run_in_chunks(
    function: Function,
    *inputs: np.ndarray,
    shared: tuple[np.ndarray, ...] = (),
    size: int | None = None,
) -> list:
    """Call a compiled function on all rows, in chunks of one of the sizes that it is compiled for.

    Args:
        function: The function.
        *inputs: Arrays whose first axis is the rows.
        shared: Further inputs, which all rows share.
        size: The size of the chunks; None: that for so many rows.
    Returns:
        The outputs as NumPy arrays.
    """
    chunks: list[list[np.ndarray]] = []
    rows = len(inputs[0])
    size = _chunk_size(rows) if size is None else size
    for start in range(0, max(rows, 1), size):
        chunk = [array[start : start + size] for array in inputs]
        count = len(chunk[0])
        if size > count:  # Repeated rows fill the chunk.
            chunk = [np.resize(array, (size, *array.shape[1:])) for array in chunk]
        outputs = function(*(ops.convert_to_tensor(array) for array in (*chunk, *shared)))
        chunks.append([to_numpy(output)[:count] for output in outputs])
    return [np.concatenate(output) for output in zip(*chunks, strict=True)]


def starts_to_try(count: int, wished: int) -> int:
    """Number of starts per target that fills chunks: about `wished`, at least one."""
    most = wished * count
    if most <= FEW:
        room = -(-most // ROWS[0]) * ROWS[0]
    else:
        fitting = [size for size in (FEW, *ROWS) if count <= size <= most]
        room = fitting[-1] if fitting else _chunk_size(count)
    return max(room // count, 1)


def _chunk_size(count: int) -> int:
    """The size of the chunks of so many rows."""
    return next((size for size in ROWS if count <= CHUNKS * size), ROWS[-1])
