"""Robots, frames, ellipsoids and reachable space, on axes of matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics, geometric_jacobian, sample_configurations
from fkarm.model import Robot
from fkarm.viz.scene import one_configuration

COLOURS = ("#2f6fb5", "#e07b28", "#2f9e44", "#c9343f", "#7a52a8", "#17a2b8")
FRAME_COLOURS = ("#e03131", "#2f9e44", "#1c5fd6")  # x, y, z
_BRANCH_WIDTH = 0.5  # of the width of the chain to the link
# Of a box of edge 1 that matplotlib draws, so that ticks and labels stay inside the axes.
_ZOOM = 0.75
_MARGIN, _FLATTEST = 0.04, 0.3  # of the longest edge


def draw_robot(
    ax: Any,
    robot: Robot,
    q: ArrayLike,
    link: str | None = None,
    *,
    branches: bool = False,
    **style: Any,
) -> None:
    """Draw the chain from the root to a link as a stick figure.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
        robot: The robot.
        q: One joint configuration, rad or m. Shape `(dof,)`.
        link: Last link of the chain; None: `robot.end_effector`.
        branches: Whether to draw the links that are not on this chain too, with thinner lines.
        **style: Arguments of `ax.plot`: `color`, `label`, ...
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If `q` is not of shape `(dof,)`.
    """
    q = one_configuration(robot, "q", q)
    path = robot.path_to(robot.link_or_end_effector(link))
    poses = to_numpy(forward_kinematics(robot, q, robot.link_names))
    origins = dict(zip(robot.link_names, poses[:, :3, 3], strict=True))
    points = np.array([origins[name] for name in (robot.root_link, *(str(j.child) for j in path))])
    style = {"marker": "o", "markersize": 3, "linewidth": 2, "solid_capstyle": "round", **style}
    (line,) = ax.plot(*points.T, **style)
    if branches:
        thin = {**style, "color": line.get_color(), "marker": "", "label": None}
        thin["linewidth"] = _BRANCH_WIDTH * line.get_linewidth()
        for joint in robot.joints:
            if joint not in path:
                ax.plot(
                    *np.array([origins[str(joint.parent)], origins[str(joint.child)]]).T, **thin
                )


def draw_frame(ax: Any, pose: ArrayLike, size: float = 0.1) -> None:
    """Draw a pose `(4, 4)` as three arrows of length `size` (m): x is red, y green, z blue."""
    pose = np.asarray(pose)
    for column, colour in zip(pose[:3, :3].T, FRAME_COLOURS, strict=True):
        tip = pose[:3, 3] + size * column
        ax.quiver(*pose[:3, 3], *(size * column), color=colour, linewidth=1.5)
        ax.auto_scale_xyz(*tip[:, None], had_data=True)  # quiver counts where arrows begin


def draw_ellipsoid(
    ax: Any,
    robot: Robot,
    q: ArrayLike,
    link: str | None = None,
    *,
    scale: float = 0.2,
    color: str = COLOURS[0],
) -> None:
    """Draw the velocities that joint rates of norm 1 give a link: the manipulability ellipsoid.

    It is the image of the unit sphere under the rows of the geometric Jacobian for the position.
    It is flat where the link cannot move in some direction.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
        robot: The robot.
        q: One joint configuration, rad or m. Shape `(dof,)`.
        link: The link; None: `robot.end_effector`.
        scale: Length that a velocity of 1 m/s is drawn with, m.
        color: Its colour.
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If `q` is not of shape `(dof,)`.
    Reference:
        [Yoshikawa1985].
    """
    q, link = one_configuration(robot, "q", q), robot.link_or_end_effector(link)
    centre = to_numpy(forward_kinematics(robot, q, link))[:3, 3]
    turned, lengths, _ = np.linalg.svd(to_numpy(geometric_jacobian(robot, q, link))[:3])
    lengths = np.pad(lengths, (0, 3 - len(lengths)))  # fewer than three joints move it in a plane
    polar, angle = np.meshgrid(np.linspace(0, np.pi, 19), np.linspace(0, 2 * np.pi, 37))
    sphere = np.stack(
        [np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), np.cos(polar)], axis=-1
    )
    surface = centre + scale * (sphere * lengths) @ turned.T
    ax.plot_surface(*np.moveaxis(surface, -1, 0), color=color, alpha=0.2, linewidth=0)
    ax.plot_wireframe(
        *np.moveaxis(surface, -1, 0), color=color, alpha=0.3, linewidth=0.4, rcount=7, ccount=7
    )


def draw_reach(
    ax: Any, robot: Robot, link: str | None = None, count: int = 2000, color: str = "0.6"
) -> None:
    """Draw the positions of a link at random configurations within the limits, as dots.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
        robot: The robot.
        link: The link; None: `robot.end_effector`.
        count: How many; the same number gives the same dots.
        color: Their colour.
    Raises:
        UnknownLinkError: If the link does not exist.
        RobotError: If a prismatic joint lacks a limit.
    """
    q = sample_configurations(robot, count, seed=0)
    points = to_numpy(forward_kinematics(robot, q, robot.link_or_end_effector(link)))[:, :3, 3]
    ax.scatter(*points.T, s=4, color=color, alpha=0.5, linewidth=0, rasterized=True)


def fit_axes(ax: Any) -> None:
    """Give the three axes equal scales around all that is drawn, with ticks and whole labels.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
    """
    drawn = ax.xy_dataLim.intervalx, ax.xy_dataLim.intervaly, ax.zz_dataLim.intervalx
    lower, upper = np.array(drawn).T
    size = max(float(np.max(upper - lower)), 1e-3)
    half = np.maximum((upper - lower) / 2, _FLATTEST * size) + _MARGIN * size
    middle = (lower + upper) / 2
    for k, axis in enumerate("xyz"):
        getattr(ax, f"set_{axis}lim")(middle[k] - half[k], middle[k] + half[k])
        getattr(ax, f"set_{axis}label")(f"{axis}, m", labelpad=4 if axis == "z" else 0, fontsize=9)
        lines = getattr(ax, f"{axis}axis")
        lines.set_pane_color((0.97, 0.97, 0.98, 1.0))
        lines.line.set_color("0.6")
        lines.set_major_locator(_ticks(2 * half[k] / size))
    ax.tick_params(labelsize=7, pad=0, color="0.6")
    ax.set_box_aspect(2 * half, zoom=_ZOOM)
    ax.set_proj_type("ortho")
    ax.view_init(elev=22, azim=-58)


def _ticks(share: float) -> Any:
    """Few ticks on short axes, whose numbers would overlap."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=max(2, round(5 * share)), steps=[1, 2, 5, 10])
