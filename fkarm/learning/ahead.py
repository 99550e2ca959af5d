"""Batches that threads make before they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any


class Ahead:
    """Makes the next batches of an epoch in threads; what is given depends on what is asked alone.

    Keras' own workers keep batches of an interrupted epoch for the next one.

    Args:
        make: Batch of an epoch and an index.
        workers: How many threads.
        size: How many batches to have ready, at most.
    """

    def __init__(self, make: Callable[[int, int], Any], workers: int, size: int) -> None:
        self._make, self._size = make, size
        self._pool = ThreadPoolExecutor(workers)
        self._lock = Lock()
        self._ready: dict[tuple[int, int], Future] = {}

    def get(self, epoch: int, index: int, steps: int) -> Any:
        """The batch, while the ones after it, of `steps` in all, are being made."""
        with self._lock:
            batch = self._ready.pop((epoch, index), None) or self._made(epoch, index)
            self._ready = {key: later for key, later in self._ready.items() if key[0] == epoch}
            for later in range(index + 1, steps):
                if len(self._ready) >= self._size:
                    break
                if (epoch, later) not in self._ready:
                    self._ready[epoch, later] = self._made(epoch, later)
        return batch.result()

    def _made(self, epoch: int, index: int) -> Future:
        return self._pool.submit(self._make, epoch, index)
