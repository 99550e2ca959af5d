"""Arms of the inverse kinematics benchmark, and where Pinocchio sees their links."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files

import numpy as np

import fkarm

# Name: file of the package example-robot-data, root and tip of the chain; None: packaged.
ARMS: dict[str, tuple[str, str, str] | None] = {
    "panda": None,
    "ur5e": None,
    "iiwa14": None,
    "xarm7": ("xarm7.urdf", "link_base", "link_eef"),
    "baxter": ("baxter.urdf", "torso", "left_gripper"),
    "talos": ("talos_full_v2.urdf", "torso_2_link", "arm_left_7_link"),
    "snake12": None,  # twelve joints, built here
}


class Arm:
    """A chain to one link, and Pinocchio's poses of that link."""

    def __init__(self, name: str, robot: fkarm.Robot) -> None:
        import pinocchio

        self.name, self.robot, self.link = name, robot, robot.end_effector
        self._pin = pinocchio
        self._model = pinocchio.buildModelFromXML(robot.to_urdf())
        self._data = self._model.createData()
        self._frame = self._model.getFrameId(self.link, pinocchio.FrameType.BODY)
        self._joints = [
            self._model.joints[self._model.getJointId(joint)] for joint in robot.joint_names
        ]

    def poses(self, q: np.ndarray) -> np.ndarray:
        """Poses of the link in float64. `(n, dof)` to `(n, 4, 4)`."""
        full = np.zeros((len(q), self._model.nq))
        for column, joint in zip(q.T, self._joints, strict=True):
            if joint.nq == 2:
                full[:, joint.idx_q], full[:, joint.idx_q + 1] = np.cos(column), np.sin(column)
            else:
                full[:, joint.idx_q] = column
        found = np.empty((len(q), 4, 4))
        for index, row in enumerate(full):
            self._pin.framesForwardKinematics(self._model, self._data, row)
            found[index] = self._data.oMf[self._frame].homogeneous
        return found


def load_arm(name: str) -> Arm:
    """One of `ARMS`.

    Raises:
        SystemExit: If the package that has it is not installed.
    """
    where = ARMS[name]
    if name == "snake12":
        return Arm(name, _snake(12))
    if where is None:
        robot = getattr(fkarm.robots, name)()
        return Arm(name, robot.sub_chain(robot.root_link, robot.end_effector))
    file, base, tip = where
    try:
        found = [path for path in files("example-robot-data") or () if path.name == file]
    except PackageNotFoundError:
        found = []
    if not found:
        raise SystemExit(f"{name} needs {file}: pip install 'example-robot-data>=6'")
    return Arm(name, fkarm.Robot.from_urdf(found[0].locate()).sub_chain(base, tip))


def _snake(count: int) -> fkarm.Robot:
    """Joints in a row, 0.12 m apart, that turn by turns about z and y, 115 degrees each way."""
    return fkarm.Robot.from_joints(
        [
            fkarm.Joint(f"joint_{k}", axis="zy"[k % 2], xyz=(0, 0, 0.12), lower=-2.0, upper=2.0)
            for k in range(count)
        ],
        name=f"snake{count}",
    )
