"""Calls of compiled searches with any number of rows."""

from __future__ import annotations

import numpy as np
from keras import ops

from fkarm.geometry.native import to_numpy
from fkarm.kinematics.engine import Function

# Sizes that a search is compiled for: whatever the batch, it is compiled three times at most. No
# powers of two above the first: arrays of such sizes share few sets of a cache, and cost a third.
ROWS = (128, 1152, 4224)
# Rows go in up to so many chunks of one size, then in chunks of the next.
CHUNKS = 3
FEW = CHUNKS * ROWS[0]


def run_in_chunks(
    function: Function, *inputs: np.ndarray, shared: tuple[np.ndarray, ...] = ()
) -> list:
    """Call a stage on all rows, a chunk of one of the sizes at a time.

    Args:
        function: The stage.
        *inputs: Arrays with the rows first.
        shared: Inputs after these that all rows share.
    """
    chunks: list[list[np.ndarray]] = []
    start, rows = 0, len(inputs[0])
    while start < rows or not chunks:
        room = _room(rows - start)
        parts = [each[start : start + room] for each in inputs]
        count = len(parts[0])
        if room > count:
            parts = [np.resize(each, (room, *each.shape[1:])) for each in parts]  # repeated
        found = function(*(ops.convert_to_tensor(each) for each in (*parts, *shared)))
        chunks.append([to_numpy(each)[:count] for each in found])
        start += room
    return [np.concatenate(each) for each in zip(*chunks, strict=True)]


def starts_to_try(count: int, wished: int) -> int:
    """How many starts of each of `count` targets fill the sizes, `wished` or a few more or less.

    At least one.
    """
    most = wished * count
    if most <= FEW:
        room = -(-most // ROWS[0]) * ROWS[0]
    else:
        fitting = [size for size in (FEW, *ROWS) if count <= size <= most]
        room = fitting[-1] if fitting else _room(count)
    return max(room // count, 1)


def _room(count: int) -> int:
    """The size of the next chunk, of `count` rows that are left."""
    return next((size for size in ROWS if count <= CHUNKS * size), ROWS[-1])
