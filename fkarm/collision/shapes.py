"""The bodies of a robot as points on its links; NumPy, float64.

A sphere is one point with a radius, a capsule two: the centres of its caps.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.errors import RobotError
from fkarm.model import Body, Robot
from fkarm.model.frames import make_frame


class Shapes(NamedTuple):
    """`n` bodies with `p` points on `m` links."""

    base: str  # the link in whose frame the points are computed
    links: tuple[str, ...]  # that carry bodies
    point_links: np.ndarray  # index of the link of every point, (p,)
    local: np.ndarray  # points in the frames of their links, m, (3, p)
    first: np.ndarray  # point of every body, (n,)
    last: np.ndarray  # its other point, for a sphere the same, (n,)
    radii: np.ndarray  # m, (n,)
    body_links: np.ndarray  # index of the link of every body, (n,)

    @property
    def is_sphere(self) -> np.ndarray:
        """Whether a body is a sphere. Shape `(n,)`."""
        spheres: np.ndarray = self.first == self.last
        return spheres


def check_has_bodies(robot: Robot) -> None:
    """Raise RobotError unless the robot has bodies."""
    if not robot.bodies:
        raise RobotError(
            f"robot has no bodies: distances need spheres or capsules on its links. Received: "
            f"{robot!r}. Add them by robot.with_bodies([fkarm.Body(link, 'sphere', radius), ...]), "
            "or from meshes: fkarm.Robot.from_urdf(path, mesh_spheres=8)."
        )


def moving_bodies(robot: Robot) -> tuple[Body, ...]:
    """The bodies that a joint moves in the root link's frame.

    Raises:
        RobotError: If there is none.
    """
    check_has_bodies(robot)
    moving = tuple(
        body
        for body in robot.bodies
        if any(not joint.is_fixed for joint in robot.path_to(body.link))
    )
    if not moving:
        links = ", ".join(dict.fromkeys(body.link for body in robot.bodies))
        raise RobotError(
            "A joint must move a link with bodies: no configuration changes the distance of the "
            f"others from obstacles. Received: bodies on {links} only."
        )
    return moving


@cached(256)
def shapes_of(robot: Robot, bodies: tuple[Body, ...], base: str | None = None) -> Shapes:
    """The bodies as points in the frame of `base`; None: the last link that carries all others.

    Distances between links do not depend on joints above that link. Measured there they are as
    exact for a robot whose base is a kilometre from the root as for one that stands there.
    """
    links = tuple(link for link in robot.link_names if any(body.link == link for body in bodies))
    ends = [_ends(body) for body in bodies]
    counts = np.array([len(points) for points in ends], int)
    first = np.cumsum(counts) - counts
    on_links = np.array([links.index(body.link) for body in bodies], int)
    return Shapes(
        base=_common_link(robot, links) if base is None else base,
        links=links,
        point_links=np.repeat(on_links, counts),
        local=np.concatenate(ends).T,
        first=first,
        last=first + counts - 1,
        radii=np.array([body.radius for body in bodies], float),
        body_links=on_links,
    )


def _ends(body: Body) -> np.ndarray:
    """Centres of the caps in the frame of the link, or that of a sphere. Shape `(1 or 2, 3)`."""
    if body.length == 0:
        return np.array([body.xyz], float)
    frame = make_frame(body.xyz, body.rpy)
    half = 0.5 * body.length * frame[:3, 2]
    return np.array([frame[:3, 3] - half, frame[:3, 3] + half])


def _common_link(robot: Robot, links: Iterable[str]) -> str:
    """The last link that lies between the root and each of the links."""
    paths = [robot.path_to(link) for link in links]
    steps = zip(*paths, strict=False)
    common = list(takewhile(lambda step: all(joint is step[0] for joint in step), steps))
    return str(common[-1][0].child) if common else robot.root_link
