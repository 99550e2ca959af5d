"""Pictures of the errors of models for inverse kinematics."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.kinematics.arguments import configuration_array
from fkarm.learning.evaluation import PoseErrors
from fkarm.model import Robot
from fkarm.viz.draw import COLOURS, draw_frame, draw_robot, fit_axes
from fkarm.viz.extras import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRUTH_COLOUR = "0.65"
# mm or degrees: smaller errors are drawn as these. Curves also show refined solutions.
_SMALLEST_IN_HISTOGRAM = 1e-2
_SMALLEST_IN_CURVE = 1e-5
_UNITS = ("position error, mm", "orientation error, deg")


def plot_reach(
    robot: Robot,
    targets: ArrayLike,
    true_q: ArrayLike,
    predicted_q: Mapping[str, ArrayLike],
    errors: Mapping[str, PoseErrors],
    link: str | None = None,
) -> Figure:
    """Draw the arms of inverse-kinematics models at targets, above histograms of their errors.

    Args:
        robot: The robot.
        targets: Target poses to draw, m. Shape `(n, 4, 4)`.
        true_q: Configurations that reach them, rad or m. Shape `(n, dof)`.
        predicted_q: Configurations of each model by its name. Shape `(n, dof)`.
        errors: Errors of each model on a test set by its name.
        link: The link that reaches; None: `robot.end_effector`.
    Returns:
        Figure, to save or show.
    Raises:
        UnknownLinkError: If the link does not exist.
    """
    targets, true_q = np.asarray(targets), configuration_array("true_q", true_q)
    figure = new_figure(4 * max(len(targets), 2), 7.5)
    panels: Any = figure.subfigures(2, 1, height_ratios=(1.5, 1))
    arms, histograms = panels
    _draw_arms(arms, robot, targets, true_q, predicted_q, link)
    _draw_histograms(histograms, errors)
    return figure


def _draw_arms(
    panel: Any,
    robot: Robot,
    targets: np.ndarray,
    true_q: np.ndarray,
    predicted_q: Mapping[str, ArrayLike],
    link: str | None,
) -> None:
    axes = panel.subplots(1, len(targets), subplot_kw={"projection": "3d"}, squeeze=False)[0]
    reach = float(np.abs(targets[:, :3, 3]).max()) + 0.1
    for k, ax in enumerate(axes):
        draw_robot(ax, robot, true_q[k], link, color=TRUTH_COLOUR, label="one exact solution")
        for (name, q), colour in zip(predicted_q.items(), cycle(COLOURS), strict=False):
            draw_robot(ax, robot, configuration_array(name, q)[k], link, color=colour, label=name)
        draw_frame(ax, targets[k], 0.12 * reach)
        ax.set_title(f"target {k + 1}")
        fit_axes(ax)
    axes[0].legend(loc="upper left", fontsize=8)


def _draw_histograms(panel: Any, errors: Mapping[str, PoseErrors]) -> None:
    smallest = _SMALLEST_IN_HISTOGRAM
    for ax, field, unit in zip(panel.subplots(1, 2), PoseErrors._fields, _UNITS, strict=True):
        values = {name: np.maximum(getattr(e, field), smallest) for name, e in errors.items()}
        largest = max(10 * smallest, *(float(v.max()) for v in values.values()))
        bins = np.geomspace(smallest, 1.01 * largest, 80)
        for (name, value), colour in zip(values.items(), cycle(COLOURS), strict=False):
            ax.hist(value, bins, color=colour, alpha=0.6, label=name)
        ax.set(xscale="log", xlabel=unit, ylabel="poses")
        ax.legend(fontsize=8)


def plot_errors(errors: Mapping[str, PoseErrors]) -> Figure:
    """Draw cumulative errors: the share of targets within each position and orientation error.

    Args:
        errors: Errors of the poses of each curve by the curve's name, such as
            `fkarm.learning.errors_by_steps` returns.
    Returns:
        Figure, to save or show.
    Raises:
        ValueError: If there is no curve, or a curve without poses.
    """
    empty = [name for name, curve in errors.items() if not len(curve.position_mm)]
    if empty or not errors:
        raise ValueError(
            "errors must hold at least one curve, and every curve at least one pose. Received: "
            f"{f'no pose for {empty}' if empty else 'no curve'}."
        )
    figure = new_figure(9, 3.6)
    axes: Any = figure.subplots(1, 2, sharey=True)
    for ax, field, unit in zip(axes, PoseErrors._fields, _UNITS, strict=True):
        for (name, curve), colour in zip(errors.items(), cycle(COLOURS), strict=False):
            values = np.sort(np.maximum(getattr(curve, field), _SMALLEST_IN_CURVE))
            share = 100 * np.arange(1, len(values) + 1) / len(values)
            ax.step(values, share, where="post", color=colour, label=name)
        ax.set(xscale="log", xlabel=unit, ylim=(0, 101))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("targets within, %")
    axes[0].legend(fontsize=8)
    return figure
