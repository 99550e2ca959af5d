"""The controls that play a path in the viewer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fkarm.viz.scene import Scene

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_FRAME_TIME = 1 / 30  # s


class Player:
    """A slider of time, a button that plays and pauses, and a speed.

    Args:
        gui: `viser.ViserServer.gui`.
        scene: A scene with a path of at least two configurations.
        show: Called with the configuration to show.
    """

    def __init__(self, gui: Any, scene: Scene, show: Callable[[np.ndarray], None]) -> None:
        self._scene, self._show = scene, show
        self._end = float(scene.times[-1])
        self._playing = False
        with gui.add_folder("Path"):
            step = 10.0 ** math.floor(math.log10(self._end / 200))
            self.time = gui.add_slider("time, s", 0.0, self._end, step, 0.0)
            self.button = gui.add_button("Play")
            self.speed = gui.add_dropdown("speed", [f"{x:g}" for x in SPEEDS], initial_value="1")
        self.time.on_update(self._moved)
        self.button.on_click(lambda _: self.play())

    def play(self) -> None:
        """Play from the time shown to the end; a second call pauses."""
        self._playing = not self._playing
        if not self._playing:
            return
        self.button.label = "Pause"
        shown = self.time.value if self.time.value < self._end else 0.0
        before = time.monotonic()
        while self._playing and shown < self._end:
            now = time.monotonic()
            shown = min(shown + float(self.speed.value) * (now - before), self._end)
            before = now
            self.go_to(shown)
            time.sleep(_FRAME_TIME)
        self.button.label, self._playing = "Play", False

    def stop(self) -> None:
        """Pause."""
        self._playing = False

    def go_to(self, seconds: float) -> None:
        """Show the configuration at a time."""
        self.time.value = seconds
        self._show(self._scene.at(seconds))

    def _moved(self, event: Any) -> None:
        if event.client_id is not None:  # else the viewer itself has set the slider
            self.stop()
            self._show(self._scene.at(event.target.value))
