"""Robots of the benchmark, by name."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files

import numpy as np

import fkarm
from benchmarks.catalogue import TREES
from benchmarks.task import Task


def load_robot(name: str) -> tuple[fkarm.Robot, str | tuple[str, ...]]:
    """A robot of `ROBOTS` and the links to locate: an arm's end effector, a tree's every link.

    Raises:
        SystemExit: If the package that has the robot is not installed.
    """
    if name not in TREES:
        arm = getattr(fkarm.robots, name)()
        return arm.sub_chain(arm.root_link, arm.end_effector), arm.end_effector
    try:
        found = [path for path in files("example-robot-data") or () if path.name == TREES[name]]
    except PackageNotFoundError:
        found = []
    if not found:
        raise SystemExit(
            f"--robots {name} needs {TREES[name]}: pip install 'example-robot-data>=6'"
        )
    tree = fkarm.Robot.from_urdf(found[0].locate())
    return tree, tree.link_names


def make_task(
    robot: fkarm.Robot,
    links: str | tuple[str, ...],
    mode: str = "forward",
    batch: int = 1,
    dtype: str = "float32",
    device: str = "cpu",
) -> Task:
    """The task of locating links at random configurations, the same every time."""
    return Task(
        how="graph",
        urdf=robot.to_urdf(),
        joints=robot.joint_names,
        links=links,
        ends=tuple(_end(robot, link) for link in ([links] if isinstance(links, str) else links)),
        mode=mode,
        q=fkarm.sample_configurations(robot, batch, seed=0, dtype=dtype),
        device=device,
    )


def _end(robot: fkarm.Robot, link: str) -> tuple[str | None, np.ndarray]:
    """An entry of `Task.ends`: the fixed joints below the last moving one, multiplied."""
    moving, frame = None, np.eye(4)
    for joint in robot.path_to(link):
        frame = frame @ joint.origin
        if not joint.is_fixed:
            moving, frame = joint.name, np.eye(4)
    return moving, frame
