"""`python -m tools.draw_solutions`: the eight configurations in which a UR5e reaches one pose.

The picture is the one at the top of the README. Every panel shows the same target frame.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

import fkarm

PICTURE = Path(__file__).parent.parent / "examples" / "images" / "ik_solutions.png"
ROBOT = fkarm.robots.ur5e()
# The centre line of the arm: each point lies on the z axis of a link, so many metres from its
# origin. The tubes of the upper arm and the forearm lie beside the origins of their links.
CENTRE_LINE = (
    ("base_link", 0.0),
    ("shoulder_link", 0.0),
    ("upper_arm_link", 0.138),
    ("forearm_link", 0.138),
    ("forearm_link", 0.007),
    ("wrist_1_link", -0.126),
    ("wrist_1_link", 0.0),
    ("wrist_2_link", 0.0),
    ("wrist_3_link", 0.0),
    ("tool0", 0.0),
)
RADII = (0.058, 0.052, 0.046, 0.046, 0.040, 0.038, 0.036, 0.036, 0.034)  # m, one per tube
TUBE, JOINT, AXES, TEXT = "#c3cad3", "#4a86c5", ("#e03131", "#2f9e44", "#1c5fd6"), "0.35"
WIDTH, HEIGHT = 7.2, 4.0  # inches
LIGHT = np.array([0.34, -0.58, 0.74])  # towards the light, a unit vector
ELEVATION, AZIMUTH = 22.0, -60.0  # of the viewer, degrees
SHADING = 24  # faces around a tube


def make_target() -> np.ndarray:
    """The pose to reach: in front of the arm, with the tool pointing down."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = 0.5, 0.1, 0.42
    return pose


def solutions(target: np.ndarray) -> np.ndarray:
    """All configurations that reach the target, sorted by elbow, shoulder, wrist. `(8, 6)`."""
    found = fkarm.solve_ik_all(ROBOT, target)
    q = found.q[found.is_solution].astype(np.float64)
    links = ("upper_arm_link", "forearm_link")
    upper_arm, forearm = np.moveaxis(fkarm.forward_kinematics(ROBOT, q, links).numpy(), 1, 0)
    is_left = upper_arm[:, 1, 2] > 0.0  # the side of the shoulder axis, seen from the base
    is_up = forearm[:, 2, 3] > np.median(forearm[:, 2, 3])
    return q[np.lexsort((np.sin(q[:, 4]), ~is_left, ~is_up))]


def centre_line(q: np.ndarray) -> np.ndarray:
    """Points along the arm in one configuration. Shape `(points, 3)`."""
    links, offsets = zip(*CENTRE_LINE, strict=True)
    poses = fkarm.forward_kinematics(ROBOT, q, links).numpy()
    return poses[:, :3, 3] + np.array(offsets)[:, None] * poses[:, :3, 2]


def faces(grid: np.ndarray) -> np.ndarray:
    """Quadrilaterals between the points of a grid `(m, n, 3)`. Shape `(faces, 4, 3)`."""
    corners = grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]
    return np.stack(corners, axis=-2).reshape(-1, 4, 3)


def tube(start: np.ndarray, end: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Faces of a tube and their normals."""
    axis = (end - start) / np.linalg.norm(end - start)
    across = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    across /= np.linalg.norm(across)
    angle = np.linspace(0.0, 2 * np.pi, SHADING + 1)[:, None]
    ring = np.cos(angle) * across + np.sin(angle) * np.cross(axis, across)
    # Short faces, because matplotlib sorts whole faces by their distance from the viewer.
    count = 2 + int(np.linalg.norm(end - start) / 0.03)
    along = np.linspace(start, end, count)[:, None]
    return faces(along + radius * ring), faces(np.broadcast_to(ring, (count, *ring.shape)))[:, 0]


def ball(centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Faces of a sphere and their normals."""
    polar = np.linspace(0.0, np.pi, SHADING // 2 + 1)[:, None]
    angle = np.linspace(0.0, 2 * np.pi, SHADING + 1)
    up = np.cos(polar) * np.ones_like(angle)
    normals = np.stack([np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), up], axis=-1)
    return faces(centre + radius * normals), faces(normals).mean(axis=1)


def solids(points: np.ndarray, target: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Visible faces of the arm and of the target frame, and the colours of these faces."""
    shapes = [
        (TUBE, tube(*ends, radius))
        for *ends, radius in zip(points[:-1], points[1:], RADII, strict=True)
        if not np.allclose(*ends)
    ]
    shapes += [
        (JOINT, ball(point, 1.08 * radius))
        for point, radius in zip(points[1:-1], RADII[:-1], strict=True)
    ]
    origin = target[:3, 3]
    shapes += [
        (colour, tube(origin, origin + 0.17 * axis, 0.010))
        for colour, axis in zip(AXES, target[:3, :3].T, strict=True)
    ]
    height, turn = np.radians(ELEVATION), np.radians(AZIMUTH)
    viewer = np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)
    visible = []  # matplotlib sorts only what faces the viewer well
    for colour, (quads, normals) in shapes:
        is_seen = normals @ viewer > -0.1
        visible.append((quads[is_seen], shaded(colour, normals[is_seen])))
    return visible


def shaded(colour: str, normals: np.ndarray) -> np.ndarray:
    """The colour of each face in a light from one side."""
    light = (normals @ LIGHT)[:, None]
    matt = np.array(to_rgb(colour)) * (0.66 + 0.34 * light)
    return np.clip(matt + np.clip(light - 0.8, 0.0, None), 0.0, 1.0)


def draw_panel(ax, q: np.ndarray, target: np.ndarray) -> None:
    """Draw one configuration on a floor with squares of 0.2 m."""
    quads, colours = map(np.concatenate, zip(*solids(centre_line(q), target), strict=True))
    for k in np.linspace(-0.2, 0.6, 5):
        ax.plot([k, k], [-0.4, 0.4], 0.0, color="0.85", linewidth=0.8)
        ax.plot([-0.2, 0.6], [k - 0.2, k - 0.2], 0.0, color="0.85", linewidth=0.8)
    ax.add_collection3d(
        Poly3DCollection(quads, facecolors=colours, edgecolors=colours, linewidths=0.3, zorder=3)
    )
    ax.set(xlim=(-0.25, 0.75), ylim=(-0.5, 0.5), zlim=(0.0, 0.7))
    ax.set_box_aspect((1.0, 1.0, 0.7), zoom=1.1)  # equal scales
    ax.set_proj_type("ortho")
    ax.view_init(ELEVATION, AZIMUTH)
    ax.set_axis_off()


def draw(q: np.ndarray, target: np.ndarray, path: Path) -> None:
    """Write the picture: a panel for each of eight configurations, in two rows."""
    figure = Figure(figsize=(WIDTH, HEIGHT))
    for k, row in enumerate(q):
        left, bottom = 0.239 * (k % 4) - 0.008, 0.47 * (1 - k // 4) - 0.1
        panel = (left, bottom, 0.34, 0.66)  # larger than a cell, so that no floor is cut
        ax = figure.add_axes(panel, projection="3d", computed_zorder=False, facecolor="none")
        draw_panel(ax, row, target)
    for k, text in enumerate(("shoulder left", "shoulder right")):
        figure.text(0.28 + 0.48 * k, 0.93, text, ha="center", color=TEXT, fontsize=10)
    for k, text in enumerate(("elbow down", "elbow up")):
        figure.text(0.02, 0.25 + 0.44 * k, text, va="center", rotation=90, color=TEXT, fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main(arguments: list[str] | None = None) -> None:
    """Solve, draw, print where the picture is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=PICTURE, help="file of the picture")
    path = parser.parse_args(arguments).out
    target = make_target()
    draw(solutions(target), target, path)
    print(path)


if __name__ == "__main__":
    main()
