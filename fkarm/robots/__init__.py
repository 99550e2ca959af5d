"""Ready-made robots, from the manufacturers' published numbers.

Each file names its source. Only kinematics and joint limits: no meshes, no inertias. The root
of the Universal Robots arms is `base_link`, as in ROS: the link `base`, from which the maker
measures, is turned by half a turn about z.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files

from fkarm.errors import RobotError
from fkarm.model import Joint, Robot
from fkarm.model.frames import finite_vector

__all__ = ["fr3", "iiwa7", "iiwa14", "panda", "planar", "ur3", "ur5", "ur5e", "ur10", "ur10e"]


def _load(name: str) -> Robot:
    return Robot.from_urdf(files(__name__).joinpath(f"{name}.urdf").read_text(encoding="utf-8"))


def _franka(name: str, gripper: bool) -> Robot:
    robot = _load(name)
    joints = tuple(j for j in robot.joints if gripper or not str(j.child).endswith("finger"))
    return Robot(joints, end_effector=f"{name}_hand", name=name)


def panda(gripper: bool = False) -> Robot:
    """Franka Emika Panda: 7 joints, end effector `panda_hand`.

    Args:
        gripper: Whether to add the fingers: one more joint, the second finger mimics it.
    """
    return _franka("panda", gripper)


def fr3(gripper: bool = False) -> Robot:
    """Franka Research 3: the Panda's geometry, other limits; end effector `fr3_hand`.

    Args:
        gripper: Whether to add the fingers: one more joint, the second finger mimics it.
    """
    return _franka("fr3", gripper)


def ur3() -> Robot:
    """Universal Robots UR3: 6 joints, the last without limits; end effector `tool0`."""
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
    """An arm in the xy plane: joints about z, limits one turn, links along x.

    Joints `joint_1`, ...; links `base`, `link_1`, ..., and `tool` at the end of the last.

    Args:
        lengths: Length of each link, m.
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
