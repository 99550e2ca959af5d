"""Events that arrive faster than they can be answered: the newest one is answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable


class Newest:
    """A thread that calls the newest of the functions it is given.

    Args:
        afterwards: Called when there is no newer function; slower work that only the last state
            needs.
    """

    def __init__(self, afterwards: Callable[[], None]) -> None:
        self._afterwards = afterwards
        self._changed = threading.Condition()
        self._job: Callable[[], None] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, job: Callable[[], None]) -> None:
        """Call a function soon, unless a newer one comes before."""
        with self._changed:
            self._job = job
            self._changed.notify()

    def stop(self) -> None:
        """End the thread when it has answered what it is answering."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._job is not None)
                job, self._job = self._job, None
                if self._stopped:
                    return
            self._call(job)
            with self._changed:
                is_last = self._job is None and not self._stopped
            if is_last:
                self._call(self._afterwards)

    def _call(self, job: Callable[[], None] | None) -> None:
        try:
            if job is not None:
                job()
        except Exception:  # one event that fails must not end the answers to all others
            logging.getLogger(__name__).exception("The viewer could not show this.")
