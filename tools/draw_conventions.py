"""`python -m tools.draw_conventions`: the drawings of docs/numerics.md, in `docs/images`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fkarm
from fkarm.viz import draw_frame, draw_robot, fit_axes
from fkarm.viz.extras import new_figure

FOLDER = Path(__file__).parents[1] / "docs" / "images"
QUIET = "0.45"
ROW = (1.0, 30.0, 0.9, 40.0)  # a, alpha, d, theta; m and degrees


def moved(*, xyz: Any = (0, 0, 0), x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """A shift, then turns by `R = Rz(z) Ry(y) Rx(x)`, in degrees. Shape `(4, 4)`."""
    numbers = np.concatenate([xyz, np.radians([x, y, z])])
    return np.asarray(fkarm.geometry.pose_to_matrix(numbers, "xyz_rpy"))


def named_frame(ax: Any, pose: np.ndarray, name: str, size: float = 0.35) -> None:
    """A frame with its name below the origin."""
    draw_frame(ax, pose, size)
    ax.text(*(pose[:3, 3] - [0, 0, 0.22]), name, ha="center", fontsize=9)


def measure(ax: Any, start: np.ndarray, end: np.ndarray, text: str) -> None:
    """A dashed line between two points, with a text beside its middle."""
    ax.plot(*np.stack([start, end], axis=1), "--", color=QUIET, linewidth=1)
    ax.text(*((start + end) / 2 + [0.04, 0, 0.06]), text, fontsize=9, color=QUIET)


def turn(ax: Any, pose: np.ndarray, axis: int, degrees: float, text: str, radius: float) -> None:
    """An arc about an axis of a frame, from its next axis, with a text at the middle."""
    angle = np.radians(np.linspace(0.0, degrees, 40))
    first, second = pose[:3, (axis + 1) % 3], pose[:3, (axis + 2) % 3]
    around = first[:, None] * np.cos(angle) + second[:, None] * np.sin(angle)
    arc = pose[:3, 3, None] + radius * around
    for end in (arc[:, 0], arc[:, -1]):
        ax.plot(*np.stack([pose[:3, 3], end], axis=1), ":", color="darkorange", linewidth=1)
    ax.plot(*arc, color="darkorange", linewidth=1.5)
    middle = pose[:3, 3] + 1.45 * (arc[:, 20] - pose[:3, 3])
    ax.text(*middle, text, fontsize=9, color="darkorange", ha="center", va="center")


def joint(ax: Any) -> None:
    """What `xyz`, `rpy`, `axis` and `q` of a joint are."""
    parent, place = np.eye(4), moved(xyz=(1.1, 0.5, 0.5), x=20, z=25)
    child = place @ moved(z=50)
    named_frame(ax, parent, "parent link")
    draw_frame(ax, place, 0.35)
    ax.text(*(place[:3, 3] + [0.1, 0, -0.2]), "joint", fontsize=9)
    draw_frame(ax, child, 0.6)
    ax.text(*(child[:3, 3] + 0.68 * child[:3, 0]), "child link", fontsize=9)
    measure(ax, parent[:3, 3], place[:3, 3], "xyz")
    turn(ax, place, 2, 50, "q", 0.5)


def roll_pitch_yaw(ax: Any) -> None:
    """Roll, pitch and yaw turn about fixed axes, in this order."""
    named_frame(ax, np.eye(4), "before", 1.0)
    draw_frame(ax, moved(x=25, y=20, z=30), 0.75)
    for axis, text in enumerate(("1. roll", "2. pitch", "3. yaw")):
        at = np.eye(4)
        at[axis, 3] = 1.15
        turn(ax, at, axis, 300, "", 0.13)
        ax.text(*(1.45 * np.eye(3)[axis]), text, fontsize=9, color="darkorange", ha="center")


def table_row(ax: Any, is_standard: bool) -> np.ndarray:
    """One row of a Denavit-Hartenberg table; returns frame `i` in frame `i - 1`, `(4, 4)`."""
    a, alpha, d, theta = ROW
    about_z, about_x = moved(xyz=(0, 0, d)) @ moved(z=theta), moved(xyz=(a, 0, 0)) @ moved(x=alpha)
    before = np.eye(4)
    middle = before @ (about_z if is_standard else about_x)
    after = middle @ (about_x if is_standard else about_z)
    named_frame(ax, before, "i - 1")
    named_frame(ax, after, "i")
    along_z = before if is_standard else middle
    corner = (along_z @ moved(xyz=(0, 0, d)))[:3, 3] if is_standard else middle[:3, 3]
    measure(ax, before[:3, 3], corner, "d" if is_standard else "a")
    measure(ax, corner, after[:3, 3], "a" if is_standard else "d")
    turn(ax, along_z, 2, theta, "theta", 0.4)
    at_x = middle @ moved(xyz=(a, 0, 0)) if is_standard else before @ moved(xyz=(a, 0, 0))
    turn(ax, at_x, 0, alpha, "alpha", 0.4)
    return after


def standard(ax: Any) -> None:
    """Frame i at the end of link i."""
    table_row(ax, is_standard=True)


def modified(ax: Any) -> None:
    """Frame i at joint i."""
    table_row(ax, is_standard=False)


def base_and_tool(ax: Any) -> None:
    """The root, links, the end effector and a tool of an arm."""
    robot = fkarm.robots.ur5e()
    q = np.radians([20, -70, 80, -100, -90, 0])
    draw_robot(ax, robot, q, color=QUIET)
    shifts = {"base_link": (0, 0, -0.1), "forearm_link": (0.02, 0, 0.18), "tool0": (0.05, 0, -0.1)}
    for link, shift in shifts.items():
        pose = np.asarray(fkarm.forward_kinematics(robot, q, link))
        draw_frame(ax, pose, 0.15)
        ax.text(*(pose[:3, 3] + shift), link, fontsize=9)


PICTURES: dict[str, tuple[Callable[[Any], None], ...]] = {
    "joint": (joint, roll_pitch_yaw),
    "denavit_hartenberg": (standard, modified),
    "links": (base_and_tool,),
}
TITLES = {
    joint: "a joint",
    roll_pitch_yaw: "rpy: about fixed axes",
    standard: "standard",
    modified: "modified",
    base_and_tool: "frames of links",
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, drawings in PICTURES.items():
        figure, style = new_figure(4.2 * len(drawings), 3.8), {"projection": "3d"}
        panels = figure.subplots(1, len(drawings), subplot_kw=style, squeeze=False)[0]
        for ax, draw in zip(panels, drawings, strict=True):
            draw(ax)
            fit_axes(ax)
            ax.set_axis_off()
            limits = [ax.get_xlim(), ax.get_ylim(), ax.get_zlim()]
            ax.set_box_aspect(np.diff(limits)[:, 0], zoom=1.05)
            ax.set_title(TITLES[draw], fontsize=10)
            ax.view_init(elev=22, azim=-62)
        figure.savefig(FOLDER / f"{name}.png", dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main()
