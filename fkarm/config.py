"""How fkarm computes: the only settings that all calls share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import TracebackType
from typing import Any, TypeVar, cast

from fkarm._checks import check_choice

MODES = ("auto", "graph", "eager")
Function = TypeVar("Function", bound=Callable[..., Any])

_mode = "auto"
_local = threading.local()
_caches: list[Callable[[], None]] = []


class compilation:
    """Choose when kinematics is compiled, from now on or in a `with` block.

    Args:
        mode: `"auto"`: eager calls with few rows are computed in NumPy on the CPU, and compile
            nothing; larger ones, `tf.function` and `fit` use compiled code. `"graph"`: always
            compiled code, also for one row. `"eager"`: nothing is ever compiled; functions that
            are traced consist of plain operations. It holds for all threads.
    Raises:
        ValueError: If the mode is unknown.
    Example:
        >>> with fkarm.config.compilation("eager"):
        ...     pose = fkarm.forward_kinematics(fkarm.robots.ur5e(), np.zeros(6))
    """

    def __init__(self, mode: str) -> None:
        global _mode
        check_choice("mode", mode, MODES)
        self._before, _mode = _mode, mode

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _mode
        _mode = self._before


def compilation_mode() -> str:
    """The mode that `compilation` chose."""
    return _mode


@contextmanager
def plain_operations() -> Iterator[None]:
    """Kinematics that is traced in this block, in this thread, consists of plain operations.

    Exporters need it: the program that reads an exported file may know no compiled stages. Keras'
    `model.export`, `tf.saved_model.save` and `tf2onnx` are recognised; use it for others.

    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> layer = fkarm.layers.ForwardKinematics(arm)
        >>> with fkarm.config.plain_operations():
        ...     poses = layer(np.zeros((3, 2), "float32"))  # or a converter's trace
    """
    before = wants_plain_operations()
    _local.plain = True
    try:
        yield
    finally:
        _local.plain = before


def wants_plain_operations() -> bool:
    """Whether this thread is in a block of `plain_operations`."""
    return getattr(_local, "plain", False)


def clear() -> None:
    """Forget what was planned and compiled, for all robots.

    The next calls plan and compile anew; threads may call meanwhile. TensorFlow keeps the machine
    code of what XLA compiled until the process ends, but the graphs and arrays are freed.
    """
    for forget in _caches:
        forget()


def cached(maxsize: int) -> Callable[[Function], Function]:
    """`functools.lru_cache` that `clear` empties."""

    def decorate(function: Function) -> Function:
        cache = lru_cache(maxsize)(function)
        _caches.append(cache.cache_clear)
        return cast(Function, cache)

    return decorate
