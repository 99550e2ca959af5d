"""Calls of compiled searches with any number of rows."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from keras import ops

from fkarm.geometry.native import to_numpy
from fkarm.kinematics.engine import Function

# Sizes that a search is compiled for: whatever the batch, it is compiled three times at most.
ROWS = (128, 1024, 4096)


def padded(function: Function, *inputs: np.ndarray, shared: tuple[np.ndarray, ...] = ()) -> list:
    """Call a stage on all rows, a chunk of one of the sizes at a time.

    Args:
        function: The stage.
        *inputs: Arrays with the rows first.
        shared: Inputs after these that all rows share.
    """
    chunks = []
    for start in range(0, max(len(inputs[0]), 1), ROWS[-1]):
        parts = [each[start : start + ROWS[-1]] for each in inputs]
        count = len(parts[0])
        room = ROWS[bisect_left(ROWS, count)]
        if room > count:
            parts = [np.resize(each, (room, *each.shape[1:])) for each in parts]  # repeated
        found = function(*(ops.convert_to_tensor(each) for each in (*parts, *shared)))
        chunks.append([to_numpy(each)[:count] for each in found])
    return [np.concatenate(each) for each in zip(*chunks, strict=True)]


def starts_to_try(count: int, wished: int) -> int:
    """How many starts of each of `count` targets fill one of the sizes, `wished` or fewer.

    At least one; more than wished where room would be left empty.
    """
    sizes = [size for size in ROWS if count <= size <= wished * count]
    room = sizes[-1] if sizes else ROWS[bisect_left(ROWS, min(count, ROWS[-1]))]
    return max(room // count, 1)
