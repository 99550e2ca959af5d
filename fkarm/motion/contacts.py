"""Which links of a recorded person stand on the floor, and what stands still for the robot then."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from fkarm.motion.correspondence import Pair
from fkarm.motion.tracking import runs

# A point stands still if it moves more slowly than SPEED, m/s, over WINDOW, s; and a link stands if
# its lowest point is within HEIGHT of the lowest point of the clip, m.
SPEED, WINDOW, HEIGHT = 0.2, 0.1, 0.05


def contacts_of_places(
    contacts: Any,
    pairs: Sequence[Pair],
    places: Collection[str],
    points: np.ndarray,
    times: np.ndarray,
) -> Any:
    """The contacts of `retarget` as those of `solve_path`: places of a link stand in its stead.

    Places have targets, and a contact stands at their mean; the link itself has none.

    Args:
        contacts: `"auto"`, or as in `solve_path`.
        pairs: The places, and the links that they are on.
        places: Names of the places that have targets.
        points: Points of the person, m. Shape `(..., time, pairs, 3)`.
        times: Shape `(time,)` or `(..., time)`, s.
    Raises:
        ValueError: If `contacts` is another string.
    """
    if isinstance(contacts, str):
        if contacts != "auto":
            raise ValueError(
                "contacts must be 'auto', or a mapping {link: booleans (..., time)}. Received: "
                f"{contacts!r}."
            )
        contacts = standing_links(pairs, points, times)
    if not isinstance(contacts, Mapping):
        return contacts
    out: dict[str, Any] = {}
    for link, flags in contacts.items():
        own = [pair.place for pair in pairs if pair.link == link]
        targeted = [place for place in own if place in places]  # the others cannot move
        out.update(dict.fromkeys(targeted if own else [link], flags))
    return out


def standing_links(
    pairs: Sequence[Pair], points: np.ndarray, times: np.ndarray
) -> dict[str, np.ndarray]:
    """When links stand: all of their points stand still, and the lowest one is near the floor.

    Gaps shorter than the window are filled.

    Returns:
        Booleans `(..., time)` of the links that stand at some time.
    """
    shape = points.shape[:-2]
    if not points.size:
        return {}
    times = np.broadcast_to(times, shape).reshape(-1, shape[-1])
    is_still = _speeds(points, times) < SPEED
    heights = points[..., 2]
    with warnings.catch_warnings():  # of a clip in which nothing is known
        warnings.simplefilter("ignore", RuntimeWarning)
        floor = np.nanmin(heights, axis=(-1, -2), keepdims=True)
    is_low = heights < floor + HEIGHT
    out = {}
    for link in dict.fromkeys(pair.link for pair in pairs):
        own = [k for k, pair in enumerate(pairs) if pair.link == link]
        stands = is_still[..., own].all(axis=-1) & is_low[..., own].any(axis=-1)
        _fill_gaps(stands.reshape(-1, shape[-1]), times)
        if stands.any():
            out[link] = stands
    return out


def _fill_gaps(stands: np.ndarray, times: np.ndarray) -> None:
    """Let what stood shortly before and after a gap stand in it, in `stands (clips, time)`."""
    for flags, t in zip(stands, times, strict=True):
        for gap in runs(~flags):
            if gap.start > 0 and gap.stop < len(t) and t[gap.stop] - t[gap.start - 1] <= WINDOW:
                flags[gap] = True


def _speeds(points: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Mean speeds within the window around every frame; NaN where they are not known."""
    time, count = points.shape[-3:-1]
    speeds = np.empty((*times.shape, count))
    for out, clip, t in zip(speeds, points.reshape(-1, time, count, 3), times, strict=True):
        ends = np.clip([t - 0.5 * WINDOW, t + 0.5 * WINDOW], t[0], t[-1])
        for k in range(count):
            moved = [
                np.diff([np.interp(end, t, x) for end in ends], axis=0)[0] for x in clip[:, k].T
            ]
            out[:, k] = np.linalg.norm(moved, axis=0) / np.maximum(ends[1] - ends[0], 1e-12)
    return speeds.reshape(points.shape[:-1])
