"""`plot_robot`: a robot in one picture, for a paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.collision.obstacles import Obstacle
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics, geometric_jacobian
from fkarm.model import Robot
from fkarm.viz.body_pictures import draw_bodies, draw_mesh
from fkarm.viz.clearance import CLEARANCE
from fkarm.viz.draw import COLOURS, draw_ellipsoid, draw_frame, draw_reach, draw_robot, fit_axes
from fkarm.viz.extras import new_figure
from fkarm.viz.obstacles import obstacle_solids, shown_obstacles
from fkarm.viz.scene import Scene, read_scene
from fkarm.viz.sliders import sliders_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _BARS_WIDTH, _HEIGHT = 4.6, 3.6, 4.4  # inches
_BAR_HEIGHT, _FEWEST_BARS = 0.4, 8  # inches per joint; joints that fill the panel
_OBSTACLE_OPACITY = 0.2
_FRAME, _TARGET, _ELLIPSOID = 0.08, 0.14, 0.3  # lengths, of the robot's size


def plot_robot(
    robot: Robot,
    q: ArrayLike | None = None,
    link: str | None = None,
    *,
    labels: Sequence[str] | None = None,
    targets: ArrayLike | None = None,
    frames: bool = False,
    limits: bool = False,
    ellipsoid: bool = False,
    reach: int = 0,
    bodies: bool = False,
    clearance: float = CLEARANCE,
    obstacles: Obstacle | Iterable[Obstacle] | None = None,
) -> Figure:
    """Draw a robot in one or several configurations (extra `fkarm[viz]`).

    The three axes have equal scales. No display is needed:
    `plot_robot(robot).savefig("robot.svg")`, or `.png`, or `.pdf`.

    Args:
        robot: The robot.
        q: Configurations, rad or m; None: near the middle of the joints' ranges. Shape `(dof,)` or
            `(n, dof)`.
        link: Link that the ellipsoid, the dots and the thick line are about; None:
            `robot.end_effector`.
        labels: Names of the configurations, for a legend.
        targets: Poses that are drawn as frames, m. Shape `(4, 4)` or `(n, 4, 4)`.
        frames: Whether to draw the frames of all links instead of those of the root and `link`.
        limits: Whether to show where each joint is between its limits, in degrees and mm.
        ellipsoid: Whether to draw the manipulability ellipsoid of each configuration, all at one
            scale: see `draw_ellipsoid`.
        reach: Number of random configurations whose positions of `link` are drawn as dots.
        bodies: Whether to draw `robot.bodies`, coloured by their clearance: see `draw_bodies`.
        clearance: Distance from which on a body is green, m.
        obstacles: Objects of `fkarm.collision` in the root link's frame, drawn see-through; they
            count for the colours of the bodies that a joint moves.
    Returns:
        Figure, to save or show.
    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
        UnknownLinkError: If the link does not exist.
        RobotError: With `reach`, if a prismatic joint lacks a limit; with `bodies`, if the robot
            has none.
        TypeError: If an obstacle is of another kind.
        ValueError: If an array has another shape or holds a number that is not finite, or `labels`
            are not as many as the configurations.
    """
    scene = read_scene(robot, link=link, others=q, targets=targets)
    rows = scene.q[None] if q is None else scene.others
    if labels is not None and len(labels) != len(rows):
        raise ValueError(
            f"labels must be as many as the configurations, {len(rows)}. Received: {len(labels)}."
        )
    height = max(_HEIGHT, _BAR_HEIGHT * (robot.dof + 2)) if limits else _HEIGHT
    figure = new_figure(_WIDTH + _BARS_WIDTH * limits, height)
    grid = figure.add_gridspec(1, 1 + limits, width_ratios=(_WIDTH, _BARS_WIDTH)[: 1 + limits])
    ax = figure.add_subplot(grid[0], projection="3d")
    _draw(ax, robot, rows, scene, labels, frames)
    if ellipsoid:
        _draw_ellipsoids(ax, robot, rows, scene)
    around = shown_obstacles(obstacles)
    for solid in obstacle_solids(around, robot.root_link, scene):
        draw_mesh(ax, solid.vertices, solid.faces, [*solid.colour, 255 * _OBSTACLE_OPACITY])
    if bodies:
        for row in rows:
            draw_bodies(ax, robot, row, clearance=clearance, obstacles=around or None)
    if reach:
        draw_reach(ax, robot, scene.link, reach)
    fit_axes(ax)
    if limits:
        _draw_limits(figure.add_subplot(grid[1]), robot, rows)
    if labels is not None:
        ax.legend(loc="upper left", fontsize=8, frameon=False)
    return figure


def _draw(
    ax: Any,
    robot: Robot,
    rows: np.ndarray,
    scene: Scene,
    labels: Sequence[str] | None,
    frames: bool,
) -> None:
    names = labels if labels is not None else [None] * len(rows)
    for row, colour, name in zip(rows, cycle(COLOURS), names, strict=False):
        draw_robot(
            ax, robot, row, scene.link, branches=True, color=colour, label=name, linewidth=3,
            markersize=5, markerfacecolor="white", markeredgewidth=1.2,
        )  # fmt: skip
        shown = robot.link_names if frames else (robot.root_link, scene.link)
        for pose in to_numpy(forward_kinematics(robot, row, shown)):
            draw_frame(ax, pose, _FRAME * scene.size)
    for pose in scene.targets:
        draw_frame(ax, pose, _TARGET * scene.size)


def _draw_ellipsoids(ax: Any, robot: Robot, rows: np.ndarray, scene: Scene) -> None:
    """All ellipsoids at one scale, at which the longest axis has a fixed share of the robot."""
    jacobians = to_numpy(geometric_jacobian(robot, rows, scene.link))[:, :3]
    fastest = float(np.linalg.norm(jacobians, ord=2, axis=(1, 2)).max(initial=0.0))
    for row, colour in zip(rows, cycle(COLOURS), strict=False):
        draw_ellipsoid(
            ax,
            robot,
            row,
            scene.link,
            scale=_ELLIPSOID * scene.size / (fastest or 1.0),
            color=colour,
        )


def _draw_limits(ax: Any, robot: Robot, rows: np.ndarray) -> None:
    """A bar per joint from its lower to its upper limit, and where each configuration is on it."""
    sliders = sliders_of(robot)
    for k, slider in enumerate(sliders):
        ends = (slider.lower, slider.upper)
        ax.plot([0, 1], [k, k], color="0.85" if slider.is_limited else "0.93", linewidth=7,
                solid_capstyle="round", zorder=1)  # fmt: skip
        for place, end, side in ((-0.06, ends[0], "right"), (1.06, ends[1], "left")):
            text = (
                f"{end:.0f} {slider.symbol}".replace(" °", "°") if slider.is_limited else "no limit"
            )
            ax.text(place, k, text, ha=side, va="center", fontsize=7, color="0.4")
        ax.text(0, k - 0.42, slider.label, va="center", fontsize=8)
        places = (rows[:, k] / slider.unit - ends[0]) / max(ends[1] - ends[0], 1e-12)
        for place, colour in zip(places, cycle(COLOURS), strict=False):
            is_inside = 0 <= place <= 1
            ax.plot(np.clip(place, 0, 1), k, "o" if is_inside else "X", color=colour, markersize=6)
    middle, half = (len(sliders) - 1.2) / 2, max(len(sliders), _FEWEST_BARS) / 2 + 0.3
    ax.set(xlim=(-0.35, 1.35), ylim=(middle + half, middle - half))
    ax.set_axis_off()
