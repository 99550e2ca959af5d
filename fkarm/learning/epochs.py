"""Which epoch of the data Keras reads."""

from __future__ import annotations


class EpochCounter:
    """Counts the epochs that began, from the calls that Keras makes to a dataset.

    `fit`, `evaluate` and `predict` make a reader. Before the first epoch a reader may look
    at a batch, in an epoch that begins and ends, and `fit` and `evaluate` report the end of an
    epoch that never began: both are preparation and are not counted. Threads read ahead of the
    training, so a pass over the batches stays in the epoch that it began in.

    Args:
        first: Number of the first epoch.
        fixed: Whether all epochs are the first one.
    Attributes:
        number: The epoch that runs or, between epochs, the next one.
        read: The epoch whose batches the newest pass reads.
    """

    def __init__(self, first: int, fixed: bool) -> None:
        self.number = self.read = first
        self._step = 0 if fixed else 1
        self._is_preparing = self._has_begun = False

    def reader_made(self) -> None:
        """`fit`, `evaluate` or `predict` was called; an epoch that is still running ends."""
        if self._has_begun:
            self._advance()
        self._is_preparing = True

    def pass_began(self) -> None:
        """A pass over the batches began: they are read from the first one on."""
        self.read = self.number

    def epoch_began(self) -> None:
        """An epoch began; it counts unless it is preparation."""
        self._has_begun = not self._is_preparing

    def epoch_ended(self) -> None:
        """An epoch ended."""
        if self._is_preparing:
            self._is_preparing = False
            return
        is_own_loop = not self._has_begun  # a loop without Keras need not say that an epoch began
        self._advance()
        if is_own_loop:
            self.pass_began()

    def _advance(self) -> None:
        self.number += self._step
        self._has_begun = False
