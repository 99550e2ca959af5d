"""Stick figures of robots and pictures of errors, with matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.arguments import configuration_array
from fkarm.learning.evaluation import PoseErrors
from fkarm.model import Robot

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "fkarm.viz needs matplotlib. Install it: pip install 'fkarm[viz]'."
    ) from error

TRUTH_COLOUR = "0.65"
_SMALLEST = 1e-2  # smaller errors are drawn as this, mm or degrees
_LEAST_CURVE = 1e-5  # likewise in curves, which show refined answers too
_UNITS = ("position error, mm", "orientation error, deg")
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")


def draw_robot(ax: Any, robot: Robot, q: ArrayLike, link: str | None = None, **style: Any) -> None:
    """Draw the chain from the root to a link as a stick figure.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
        robot: The robot.
        q: One joint configuration, rad or m. Shape `(dof,)`.
        link: Last link of the chain; None: `robot.end_effector`.
        **style: Passed to `ax.plot`: `color`, `label`, ...
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If `q` is not of shape `(dof,)`.
    """
    q = configuration_array("q", q)
    if q.ndim != 1:
        raise ValueError(
            f"q must be one configuration, of shape ({robot.dof},). Received: {q.shape}."
        )
    path = robot.path_to(robot.link_or_end_effector(link))
    chain = [robot.root_link, *(str(joint.child) for joint in path)]
    poses = to_numpy(forward_kinematics(robot, q, chain))
    points = poses[:, :3, 3]
    ax.plot(*points.T, **{"marker": "o", "markersize": 3, "linewidth": 2, **style})


def draw_frame(ax: Any, pose: ArrayLike, size: float = 0.1) -> None:
    """Draw a pose `(4, 4)` as three arrows of length `size` (m): x red, y green, z blue."""
    pose = np.asarray(pose)
    for column, colour in zip(pose[:3, :3].T, ("r", "g", "b"), strict=True):
        ax.quiver(*pose[:3, 3], *(size * column), color=colour, linewidth=1.5)


def plot_reach(
    robot: Robot,
    targets: ArrayLike,
    true_q: ArrayLike,
    predicted_q: Mapping[str, ArrayLike],
    errors: Mapping[str, PoseErrors],
    link: str | None = None,
) -> Figure:
    """One picture of what inverse-kinematics models do: arms at targets, error histograms.

    Args:
        robot: The robot.
        targets: Target poses to draw, m. Shape `(n, 4, 4)`.
        true_q: Configurations that reach them, rad or m. Shape `(n, dof)`.
        predicted_q: For each model, its configurations. Shape `(n, dof)`.
        errors: For each model, its errors on a test set.
        link: The link that reaches; None: `robot.end_effector`.
    Returns:
        Figure, to save or show.
    Raises:
        UnknownLinkError: If the link does not exist.
    """
    targets, true_q = np.asarray(targets), configuration_array("true_q", true_q)
    count = len(targets)
    figure = Figure(figsize=(4 * max(count, 2), 7.5), layout="constrained")
    panels: Any = figure.subfigures(2, 1, height_ratios=(1.5, 1))
    upper, lower = panels
    axes = upper.subplots(1, count, subplot_kw={"projection": "3d"}, squeeze=False)[0]
    reach = float(np.abs(targets[:, :3, 3]).max()) + 0.1
    for k, ax in enumerate(axes):
        draw_robot(ax, robot, true_q[k], link, color=TRUTH_COLOUR, label="one exact solution")
        for (name, q), colour in zip(predicted_q.items(), cycle(COLOURS), strict=False):
            draw_robot(ax, robot, configuration_array(name, q)[k], link, color=colour, label=name)
        draw_frame(ax, targets[k], 0.15 * reach)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), title=f"target {k + 1}")
        heights = [float(line.get_data_3d()[2].min()) for line in ax.get_lines()]
        ax.set_zlim(min(0.0, *heights), 1.4 * reach)
        ax.set(xlabel="x, m", ylabel="y, m", zlabel="z, m")
        ax.tick_params(labelsize=6)
    axes[0].legend(loc="upper left", fontsize=8)
    for ax, field, unit in zip(
        lower.subplots(1, 2),
        PoseErrors._fields,
        _UNITS,
        strict=True,
    ):
        values = {
            name: np.maximum(getattr(each, field), _SMALLEST) for name, each in errors.items()
        }
        largest = max(10 * _SMALLEST, *(float(v.max()) for v in values.values()))
        bins = np.geomspace(_SMALLEST, 1.01 * largest, 80)
        for (name, value), colour in zip(values.items(), cycle(COLOURS), strict=False):
            ax.hist(value, bins, color=colour, alpha=0.6, label=name)
        ax.set(xscale="log", xlabel=unit, ylabel="poses")
        ax.legend(fontsize=8)
    return figure


def plot_errors(errors: Mapping[str, PoseErrors]) -> Figure:
    """How many targets are reached how well: cumulative shares over position and orientation error.

    Args:
        errors: For each curve, its name and the errors of its poses, such as
            `fkarm.learning.errors_by_steps` gives.
    Returns:
        Figure, to save or show.
    Raises:
        ValueError: If there is no curve, or one without poses.
    """
    if not errors or not all(len(each.position_mm) for each in errors.values()):
        empty = [name for name, each in errors.items() if not len(each.position_mm)]
        raise ValueError(
            f"errors must hold a curve, and each curve a pose. Received: {empty or 'none'}."
        )
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes: Any = figure.subplots(1, 2, sharey=True)
    for ax, field, unit in zip(axes, PoseErrors._fields, _UNITS, strict=True):
        for (name, each), colour in zip(errors.items(), cycle(COLOURS), strict=False):
            values = np.sort(np.maximum(getattr(each, field), _LEAST_CURVE))
            share = 100 * np.arange(1, len(values) + 1) / len(values)
            ax.step(values, share, where="post", color=colour, label=name)
        ax.set(xscale="log", xlabel=unit, ylim=(0, 101))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("targets within, %")
    axes[0].legend(fontsize=8)
    return figure
