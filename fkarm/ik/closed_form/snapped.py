"""The chain with an exact geometry that is nearest to a given one; NumPy, float64."""

from __future__ import annotations

import numpy as np

from fkarm.ik.closed_form.reduction import meeting_point
from fkarm.ik.closed_form.screws import Screws


def snapped(screws: Screws, tolerance: float) -> Screws:
    """The chain whose neighbouring axes are parallel, or meet, where they nearly do.

    Slides are along an axis where they nearly are.

    Args:
        screws: The chain.
        tolerance: By how much they may miss, m and rad.
    """
    turning = np.flatnonzero(~screws.slides)
    axes = _snapped_axes(
        screws._replace(directions=screws.directions[turning], points=screws.points[turning]),
        tolerance,
    )
    directions, points = screws.directions.copy(), screws.points.copy()
    directions[turning], points[turning] = axes.directions, axes.points
    for slide in np.flatnonzero(screws.slides):
        along = axes.directions @ directions[slide]
        across = np.linalg.norm(np.cross(axes.directions, directions[slide]), axis=-1)
        is_near = across < tolerance * np.abs(along)
        if is_near.any():
            first = int(np.argmax(is_near))
            directions[slide] = along[first] * axes.directions[first]
    return screws._replace(directions=directions, points=points)


def _snapped_axes(screws: Screws, tolerance: float) -> Screws:
    """The same, of turns alone."""
    directions, points = screws.directions.copy(), screws.points.copy()
    for i in range(1, screws.size):
        sense = np.sign(directions[i] @ directions[i - 1]) or 1.0
        if np.linalg.norm(np.cross(directions[i], directions[i - 1])) < tolerance:
            directions[i] = sense * directions[i - 1]
    moved: set[int] = set()
    for triple in ([screws.size - 3, screws.size - 2, screws.size - 1], [0, 1, 2]):
        point, distance = meeting_point(directions[triple], points[triple])
        if (
            distance < tolerance
            and not moved & set(triple)
            and not _are_parallel(directions[triple])
        ):
            points[triple] = point
            moved.update(triple)
    for i in range(1, screws.size):
        normal = np.cross(directions[i - 1], directions[i])
        if {i - 1, i} <= moved or np.linalg.norm(normal) < tolerance:
            continue
        normal /= np.linalg.norm(normal)
        step = normal * (normal @ (points[i - 1] - points[i]))
        if np.linalg.norm(step) < tolerance:
            if i in moved:
                points[i - 1] -= step
            else:
                points[i] += step
    return screws._replace(directions=directions, points=points)


def _are_parallel(directions: np.ndarray) -> bool:
    return bool(np.allclose(np.abs(directions @ directions[0]), 1.0))
