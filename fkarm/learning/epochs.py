"""Which epoch of the data Keras reads."""

from __future__ import annotations


class EpochCounter:
    """Counts the epochs that began, from what Keras tells a dataset.

    `fit`, `evaluate` and `predict` make a reader each. Before the first epoch a reader may look at
    a batch, in an epoch that begins and ends, and `fit` and `evaluate` say that an epoch ended
    where none began: that much is preparation and counts for nothing. Threads read ahead of the
    training, so a pass over the batches keeps the epoch that it began in.

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
        """`fit`, `evaluate` or `predict` was called; an epoch that it finds running is over."""
        if self._has_begun:
            self._go_on()
        self._is_preparing = True

    def pass_began(self) -> None:
        """Batches are read from the first one on."""
        self.read = self.number

    def epoch_began(self) -> None:
        """An epoch began; counts unless it is preparation."""
        self._has_begun = not self._is_preparing

    def epoch_ended(self) -> None:
        """An epoch ended; in a loop of one's own, nothing need have said that it began."""
        if self._is_preparing:
            self._is_preparing = False
        elif self._has_begun:
            self._go_on()
        else:
            self._go_on()
            self.pass_began()

    def _go_on(self) -> None:
        self.number += self._step
        self._has_begun = False
