"""Batches that threads make before the training asks for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any


class Ahead:
    """Makes the next batches of an epoch in threads; a batch depends on its epoch and index alone.

    Workers of Keras would give the batches of an interrupted epoch in the next one.

    Args:
        make: Makes the batch of an epoch and an index.
        workers: Number of threads.
        size: Largest number of batches that are made ahead.
    """

    def __init__(self, make: Callable[[int, int], Any], workers: int, size: int) -> None:
        self._make, self._size = make, size
        self._pool = ThreadPoolExecutor(workers)
        self._lock = Lock()
        self._ready: dict[tuple[int, int], Future] = {}

    def get(self, epoch: int, index: int, steps: int) -> Any:
        """The batch; the threads then make those after it, up to the last of `steps` batches.

        Args:
            epoch: Number of the epoch.
            index: Number of the batch in its epoch.
            steps: Batches per epoch.
        Raises:
            Exception: The one that `make` raised in a thread.
        """
        with self._lock:
            batch = self._ready.pop((epoch, index), None) or self._begun(epoch, index)
            self._ready = {key: made for key, made in self._ready.items() if key[0] == epoch}
            for later in range(index + 1, steps):
                if len(self._ready) >= self._size:
                    break
                if (epoch, later) not in self._ready:
                    self._ready[epoch, later] = self._begun(epoch, later)
        return batch.result()

    def _begun(self, epoch: int, index: int) -> Future:
        return self._pool.submit(self._make, epoch, index)
