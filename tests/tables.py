"""Tables with named columns."""

import numpy as np


class Frame:
    """A table with the interface of pandas and polars."""

    def __init__(self, **columns):
        self._columns = columns
        self.columns = list(columns)
        self.shape = (len(next(iter(columns.values()))), len(columns))

    def __getitem__(self, name):
        return self._columns[name]

    def __array__(self, dtype=None, copy=None):
        return np.stack([self._columns[name] for name in self.columns], axis=-1)


def structured(**columns):
    rows = np.zeros(2, dtype=[(name, "f8") for name in columns])
    for name, column in columns.items():
        rows[name] = column
    return rows
