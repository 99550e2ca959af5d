"""The centre of mass of a robot, and its Jacobian.

The centre is a fixed linear function of the poses of the links: the mean of their own centres,
weighted by mass. Its Jacobian is the pull-back of a unit force along each axis, which every link
takes by its share of the mass: one pass from the tips to the base per axis, in which joints feel
what the masses of all links behind them do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.config import cached
from fkarm.errors import RobotError
from fkarm.kinematics.arguments import configuration
from fkarm.kinematics.chain import chain_frames, link_frames, link_wrench, pull_back
from fkarm.kinematics.entries import Frame, Vector, stack_entries, unstack_entries
from fkarm.kinematics.forward import forward_kinematics
from fkarm.kinematics.in_numpy import Array, Posture, configuration_bar, posture, screws_of
from fkarm.kinematics.loop import Layout, loop_of, loop_poses, loop_pull_back, wants_loop
from fkarm.kinematics.plan import plan_chain
from fkarm.kinematics.stage import Function, Loops, compiled, once, sincos
from fkarm.kinematics.tree import tree_of
from fkarm.model import Mass, Robot


def center_of_mass(robot: Robot, q: TensorLike) -> Tensor:
    """The centre of mass of a robot, in the root link's frame.

    `sum_i m_i T_i c_i / sum_i m_i`, for the masses `m_i` of links with poses `T_i` and their
    centres `c_i` in the links' frames.

    Args:
        robot: The robot; `robot.masses` are its masses.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
    Returns:
        Positions, m, in the dtype of `q` (float32 for half precision). Shape `(..., 3)`.
    Raises:
        RobotError: If the robot has no masses.
        ValueError: If `q` does not end with an axis of size `robot.dof`.
    Gradient:
        With respect to `q`, exact everywhere, of any order; the first in closed form.
    Example:
        >>> from dataclasses import replace
        >>> arm = fkarm.robots.planar([1.0])
        >>> arm = replace(arm, masses=(fkarm.Mass(arm.link_names[1], 2.0, (0.5, 0.0, 0.0)),))
        >>> [round(float(x), 6) for x in fkarm.center_of_mass(arm, [0.0])]
        [0.5, 0.0, 0.0]
    """
    q = configuration(robot, q)
    links, shares = mass_shares(robot.masses, robot.name)
    poses = forward_kinematics(robot, q, links)[..., :3, :]  # (..., links, 3, 4)
    weights = ops.convert_to_tensor(shares[:, None], q.dtype)
    return ops.sum(ops.sum(poses * weights, axis=-1), axis=-2)


def center_of_mass_jacobian(robot: Robot, q: TensorLike) -> Tensor:
    """Velocity of the centre of mass per unit of joint velocity, in the root link's axes.

    Args:
        robot: The robot; `robot.masses` are its masses.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
    Returns:
        The derivative of `center_of_mass`, m per rad or m; columns in the order of
        `robot.joint_names`, zero for joints that move no mass. In the dtype of `q` (float32 for
        half precision). Shape `(..., 3, dof)`.
    Raises:
        RobotError: If the robot has no masses.
        ValueError: If `q` does not end with an axis of size `robot.dof`.
    Gradient:
        With respect to `q`, exact everywhere.
    """
    q = configuration(robot, q)
    return _jacobian_stage(robot, mass_shares(robot.masses, robot.name)[0], robot.masses)(q)


@cached(256)
def mass_shares(masses: tuple[Mass, ...], name: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The links that have masses, and `m / M (c, 1)` of their masses `m` of `M` at `c`.

    Returns:
        Names, and an array `(links, 4)`, float64.
    """
    if not masses:
        raise RobotError(
            f"The robot must have masses. Received: none for {name!r}. URDF and MJCF files with "
            "inertial elements have them; or give fkarm.Robot masses=(fkarm.Mass(link, kg, xyz), "
            "...)."
        )
    moments: dict[str, np.ndarray] = {}
    for mass in masses:
        moment = mass.mass * np.array([*mass.xyz, 1.0])
        moments[mass.link] = moments.get(mass.link, 0.0) + moment
    shares = np.array(list(moments.values()))
    return tuple(moments), shares / shares[:, 3].sum()


@once
def _jacobian_stage(robot: Robot, links: tuple[str, ...], masses: tuple[Mass, ...]) -> Function:
    """`(..., dof)` to `(..., 3, dof)`. Equal robots may have other masses."""
    plan = plan_chain(robot, links)
    shares = mass_shares(masses, robot.name)[1]

    def run(q: Tensor) -> Tensor:
        values = unstack_entries(q)
        frames = link_frames(plan, chain_frames(plan, values, sincos))
        entries = [
            entry
            for axis in range(3)
            for entry in pull_back(
                plan,
                values,
                [
                    link_wrench(frame, _force(axis, share))
                    for frame, share in zip(frames, shares.tolist(), strict=True)
                ],
                sincos,
            )
        ]
        return stack_entries(entries, q, (3, plan.dof))

    if not plan.nodes:
        return run
    loops = None
    if wants_loop(plan):
        loop = loop_of(robot, links, robot.root_link)
        loops = Loops((*loop.arrays, shares), _by_loops(loop.layout, len(links)))
    tree = tree_of(robot, links, robot.root_link)
    return compiled(
        run, (1,), in_numpy=lambda q: (jacobian_at(posture(tree, q), shares), None), loops=loops
    )


def _force(axis: int, share: Sequence[float]) -> Frame:
    """The cotangent of a link's pose for a unit force along an axis."""

    def along(weight: float) -> Vector:
        x, y, z = (weight if axis == k else 0.0 for k in range(3))
        return x, y, z

    return Frame((along(share[0]), along(share[1]), along(share[2])), along(share[3]))


@once
def _by_loops(layout: Layout, links: int) -> Function:
    """The same object for all robots of a layout."""

    def run(q: Tensor, *arguments: Any) -> Tensor:
        *arrays, shares = arguments
        poses = loop_poses(layout, (links,), q, *arrays)
        rows = []
        for axis in np.eye(4)[:3]:
            force = ops.convert_to_tensor(axis[:, None], shares.dtype) * shares[:, None]
            force = force + ops.zeros_like(poses)
            rows.append(loop_pull_back(layout, q, poses, force, *arrays))
        return ops.stack(rows, axis=-2)

    return run


def center_at(at: Posture, shares: np.ndarray) -> Array:
    """The centre of mass at postures of the links that have masses. Shape `(rows, 3)`."""
    return np.asarray(np.einsum("lrij,lj->ri", at.links[..., :3, :], shares))


def jacobian_at(at: Posture, shares: np.ndarray) -> Array:
    """Its Jacobian. Shape `(rows, 3, dof)`."""
    screws = screws_of(at)
    rows = []
    for axis in np.eye(4)[:3]:
        force = np.broadcast_to(axis[:, None] * shares[:, None, None, :], at.links.shape)
        rows.append(configuration_bar(at, screws, force))
    return np.stack(rows, axis=1)
