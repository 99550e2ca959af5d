"""Ready-made robots, from the manufacturers' published numbers.

Every file names its source. The files hold kinematics, limits and bodies, no meshes and no
inertias. Panda, FR3 and the arms of Universal Robots have the masses of their moving links.
The root link of the Universal Robots arms is `base_link`, as in ROS. Their link `base`, from which
the manufacturer measures, is turned by half a turn about z.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, NoReturn

from fkarm.errors import RobotError, unknown_name
from fkarm.model import Body, Joint, Mass, Robot
from fkarm.model.frames import finite_vector

__all__ = ["fr3", "iiwa7", "iiwa14", "panda", "planar", "ur3", "ur5", "ur5e", "ur10", "ur10e"]


if not TYPE_CHECKING:  # type checkers report a misspelt name themselves

    def __getattr__(name: str) -> NoReturn:
        """Answer a misspelt robot with the nearest spelling."""
        # With a name and no object, Python adds no suggestion of its own to a traceback.
        raise AttributeError(unknown_name("A robot in fkarm.robots", name, __all__), name=name)


def _load(name: str) -> Robot:
    return Robot.from_urdf(files(__name__).joinpath(f"{name}.urdf").read_text(encoding="utf-8"))


def _franka(name: str, gripper: bool) -> Robot:
    robot = _load(name)
    # What the reader notes of limits concerns a finger that mimics the other one.
    notes = {"bodies": robot.notes["bodies"]}
    robot = replace(robot, end_effector=f"{name}_hand", notes=notes)
    if gripper:
        return robot
    fingers = [f"{name}_leftfinger", f"{name}_rightfinger"]
    # Where the fingers may be, closed or open, is a body of the hand.
    sweep = [
        Body(f"{name}_hand", "capsule", 0.021, 0.11, (0.0, 0.0, z), (math.pi / 2, 0.0, 0.0))
        for z in (0.072, 0.099)
    ]
    # The fingers' centre stays where it is when they open.
    held = [
        Mass(f"{name}_hand", mass.mass, (0.0, 0.0, 0.0584))
        for mass in robot.masses
        if mass.link in fingers
    ]
    return replace(
        robot,
        joints=tuple(joint for joint in robot.joints if joint.child not in fingers),
        link_names=tuple(link for link in robot.link_names if link not in fingers),
        bodies=(*(body for body in robot.bodies if body.link not in fingers), *sweep),
        masses=(*(mass for mass in robot.masses if mass.link not in fingers), *held),
        exclusions=tuple(x for x in robot.exclusions if x.link_1 not in fingers),
    )


def panda(gripper: bool = False) -> Robot:
    """Franka Emika Panda: 7 joints, end effector `panda_hand`.

    Args:
        gripper: Whether to add the fingers: one more joint, which the second finger mimics.
    """
    return _franka("panda", gripper)


def fr3(gripper: bool = False) -> Robot:
    """Franka Research 3: the Panda's geometry with other limits; end effector `fr3_hand`.

    Args:
        gripper: Whether to add the fingers: one more joint, which the second finger mimics.
    """
    return _franka("fr3", gripper)


def ur3() -> Robot:
    """Universal Robots UR3: 6 joints, the last one without limits; end effector `tool0`."""
    return _load("ur3").with_end_effector("tool0")


def ur5() -> Robot:
    """Universal Robots UR5: 6 joints, end effector `tool0`."""
    return _load("ur5").with_end_effector("tool0")


def ur10() -> Robot:
    """Universal Robots UR10: 6 joints, end effector `tool0`."""
    return _load("ur10").with_end_effector("tool0")


def ur5e() -> Robot:
    """Universal Robots UR5e: 6 joints, end effector `tool0`."""
    return _load("ur5e").with_end_effector("tool0")


def ur10e() -> Robot:
    """Universal Robots UR10e: 6 joints, end effector `tool0`."""
    return _load("ur10e").with_end_effector("tool0")


def iiwa7() -> Robot:
    """KUKA LBR iiwa 7 R800: 7 joints, end effector `iiwa_link_ee` (media flange)."""
    return _load("iiwa7").with_end_effector("iiwa_link_ee")


def iiwa14() -> Robot:
    """KUKA LBR iiwa 14 R820: 7 joints, end effector `iiwa_link_ee` (media flange)."""
    return _load("iiwa14").with_end_effector("iiwa_link_ee")


def planar(lengths: Sequence[float]) -> Robot:
    """An arm in the xy plane: joints about z, limits of one turn, links along x.

    The joints are `joint_1`, ...; the links are `base`, `link_1`, ..., and `tool`, the end effector
    at the end of the last one.

    Args:
        lengths: Lengths of the links, m.
    Raises:
        RobotError: If `lengths` is empty or holds something that is not a finite number.
    """
    lengths = tuple(lengths)
    if not lengths:
        raise RobotError("lengths must hold at least one number. Received: none.")
    lengths = finite_vector("lengths", lengths, len(lengths))
    joints = [
        Joint(
            f"joint_{i + 1}",
            axis="z",
            xyz=(offset, 0.0, 0.0),
            lower=-math.pi,
            upper=math.pi,
            child=f"link_{i + 1}",
        )
        for i, offset in enumerate((0.0, *lengths[:-1]))
    ]
    return Robot.from_joints(joints, tool=(lengths[-1], 0.0, 0.0), name="planar")
