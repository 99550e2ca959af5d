"""Pictures of the space that a robot reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm._checks import check_choice
from fkarm.ik import ReachabilityMap
from fkarm.model import Robot
from fkarm.viz.draw import draw_robot, fit_axes
from fkarm.viz.extras import new_figure
from fkarm.viz.scene import read_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLANES = ("xy", "xz", "yz")
_COLOURS = "viridis"
_WIDTH, _HEIGHT = 9.4, 4.4  # inches
_DOT = 9.0  # points squared


def plot_reachability(
    reached: ReachabilityMap,
    robot: Robot | None = None,
    q: ArrayLike | None = None,
    *,
    plane: str | None = None,
) -> Figure:
    """Draw a reachability map: half of its voxels in space, and a section through it.

    The colour is the score of a voxel. The half in front of the section is left out, so that the
    inside shows.

    Args:
        reached: The map, from `fkarm.reachability`.
        robot: A robot to draw with it; its root link must be the base of the map.
        q: Configuration of the robot, rad or m; None: near the middle of the joints' ranges. Shape
            `(dof,)`.
        plane: Axes of the section: `"xy"`, `"xz"` or `"yz"`; it passes through the base. None: the
            plane of a flat map, else `"xz"`.
    Returns:
        Figure, to save or show.
    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
        ValueError: If the plane is unknown, the robot has another root link, or `q` is not of shape
            `(dof,)`.
    """
    if plane is None:
        plane = "xy" if reached.score.shape[2] == 1 else "xz"
    check_choice("plane", plane, PLANES)
    if robot is not None and robot.root_link != reached.base:
        raise ValueError(
            f"robot must have the root link {reached.base!r}, in whose frame the map is. Received: "
            f"one with {robot.root_link!r}."
        )
    axes = ["xyz".index(name) for name in plane]
    (normal,) = {0, 1, 2} - set(axes)
    # The layer of voxels that holds the base, or the nearest one.
    layer = int(np.floor(-reached.origin[normal] / reached.voxel_size))
    layer = min(max(layer, 0), reached.score.shape[normal] - 1)
    figure = new_figure(_WIDTH, _HEIGHT)
    space = figure.add_subplot(1, 2, 1, projection="3d")
    _draw_half(space, reached, normal, layer)
    if robot is not None:
        draw_robot(space, robot, read_scene(robot, q).q, reached.link, color="black", linewidth=3)
    fit_axes(space)
    image = _draw_section(figure.add_subplot(1, 2, 2), reached, axes, normal, layer)
    figure.colorbar(image, label="share of orientations reached")
    return figure


def _draw_half(ax: Any, reached: ReachabilityMap, normal: int, layer: int) -> None:
    """The voxels behind the section: those of larger y, or of smaller x or z."""
    index = np.indices(reached.score.shape)[normal]
    behind = index >= layer if normal == 1 else index <= layer
    shown = reached.is_reached & behind
    ax.scatter(
        *reached.centers[shown].T, c=reached.score[shown], vmin=0, vmax=_most(reached),
        cmap=_COLOURS, s=_DOT, alpha=0.6, linewidth=0, rasterized=True,
    )  # fmt: skip


def _draw_section(
    ax: Any, reached: ReachabilityMap, axes: list[int], normal: int, layer: int
) -> Any:
    """One layer of voxels; those that are not reached stay white."""
    score = np.where(reached.is_reached, reached.score, np.nan).take(layer, axis=normal)
    lower = reached.origin[axes]
    upper = lower + reached.voxel_size * np.array(score.shape)
    image = ax.imshow(
        score.T, origin="lower", extent=(lower[0], upper[0], lower[1], upper[1]), vmin=0,
        vmax=_most(reached), cmap=_COLOURS,
    )  # fmt: skip
    names = ["xyz"[axis] for axis in axes]
    ax.set(xlabel=f"{names[0]}, m", ylabel=f"{names[1]}, m")
    place = reached.origin[normal] + (layer + 0.5) * reached.voxel_size
    ax.set_title(f"section at {'xyz'[normal]} = {place + 0.0:.2f} m", fontsize=9)
    return image


def _most(reached: ReachabilityMap) -> float:
    """The largest score, which the brightest colour stands for."""
    return float(reached.score.max()) or 1.0
