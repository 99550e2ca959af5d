"""The robots of all benchmarks, the tasks that workers are given, and exact kinematics.

Tasks are plain data, which other processes can read. fkarm is imported inside functions: the
processes of peers need the tasks without Keras, and a command chooses Keras' backend first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import fkarm

PACKAGED = ("panda", "fr3", "ur3", "ur5", "ur10", "ur5e", "ur10e", "iiwa7", "iiwa14")
# Files of the package example-robot-data, with the root and the tip of a chain.
CHAINS = {
    "xarm7": ("xarm7.urdf", "link_base", "link_eef"),
    "baxter": ("baxter.urdf", "torso", "left_gripper"),
    "talos": ("talos_full_v2.urdf", "torso_2_link", "arm_left_7_link"),
}
QUARTER = np.pi / 2
# Rows a, alpha, d, theta of the standard convention, m and rad; one turn per joint.
TABLES = {
    # P. Corke, B. Armstrong-Helouvry, "A search for consensus among model parameters reported for
    # the PUMA 560 robot", ICRA 1994.
    "puma560": (
        (0.0, QUARTER, 0.0, 0.0),
        (0.4318, 0.0, 0.0, 0.0),
        (0.0203, -QUARTER, 0.15005, 0.0),
        (0.0, QUARTER, 0.4318, 0.0),
        (0.0, -QUARTER, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
    ),
    # KUKA, "KR AGILUS sixx: specification", dimensions of the KR 6 R900.
    "kr6": (
        (0.025, -QUARTER, 0.4, 0.0),
        (0.455, 0.0, 0.0, 0.0),
        (0.035, -QUARTER, 0.0, -QUARTER),
        (0.0, QUARTER, 0.42, 0.0),
        (0.0, -QUARTER, 0.0, 0.0),
        (0.0, 0.0, 0.08, 0.0),
    ),
}
ARMS = (*PACKAGED, *CHAINS, *TABLES, "snake12")
TREES = {"g1": "g1_29dof_with_hand_rev_1_0.urdf"}  # every link is located
ROBOTS = (*ARMS, *TREES)
CHECKED_ROWS = 256
_INERTIAL = (
    '<inertial><mass value="1"/>'
    '<inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial>'
)


class PoseTask(NamedTuple):
    """The task of locating links.

    Args:
        how: How to run it, of `fk.Case.how`.
        urdf: The robot, as fkarm writes it.
        joints: Names of the joints, in the order of `q`.
        links: One link, or a tuple of links. Answers have the shape `(n, 4, 4)` or
            `(n, links, 4, 4)`.
        ends: For each of these links the joint that moves it (None for a link at rest) and its
            constant frame in the frame of that joint.
        mode: `"forward"` or `"forward+gradient"`, of the sum of all entries of all poses.
        q: Configurations, float32. Shape `(B, dof)`.
        device: `"cpu"` or `"gpu"`.
    """

    how: str
    urdf: str
    joints: tuple[str, ...]
    links: str | tuple[str, ...]
    ends: tuple[tuple[str | None, np.ndarray], ...]
    mode: str
    q: np.ndarray
    device: str

    @property
    def link_names(self) -> tuple[str, ...]:
        """The links, as a tuple."""
        return (self.links,) if isinstance(self.links, str) else self.links

    @property
    def plain_urdf(self) -> str:
        """The robot for other readers."""
        return plain(self.urdf)

    @property
    def checked_rows(self) -> np.ndarray:
        """Numbers of the rows that are checked, spread over the batch."""
        return np.unique(np.linspace(0, len(self.q) - 1, CHECKED_ROWS).astype(int))

    def shaped(self, poses: np.ndarray) -> np.ndarray:
        """Poses `(n, links, 4, 4)` in the shape of an answer."""
        return poses[:, 0] if isinstance(self.links, str) else poses


class TargetTask(NamedTuple):
    """The task of bringing the last link of a chain to targets.

    Args:
        urdf: The chain, as fkarm writes it.
        root: Its first link, in whose frame the targets are given.
        link: Its last link.
        joints: Names of the joints, in the order of configurations.
        lower: Lower limits.
        upper: Upper limits.
    """

    urdf: str
    root: str
    link: str
    joints: tuple[str, ...]
    lower: np.ndarray
    upper: np.ndarray

    @property
    def plain_urdf(self) -> str:
        """The chain for other readers."""
        return plain(self.urdf)

    @property
    def middle(self) -> np.ndarray:
        """The configuration in the middle of the limits."""
        return (self.lower + self.upper) / 2.0


class EveryTask(NamedTuple):
    """The task of finding every configuration of a chain of turns that reaches targets.

    Args:
        robot: Name of the arm.
        chain: The chain.
        directions: Axes at zero in the frame of the first link. Shape `(n, 3)`.
        points: A point of each axis. Shape `(n, 3)`.
        home: Pose of the last link at zero. Shape `(4, 4)`.
        free: Index of the joint whose values are given; None: there is none.
        values: These values, the same for all targets. Shape `(k,)`.
        targets: Poses for the clock, float64. Shape `(m, 4, 4)`.
    """

    robot: str
    chain: TargetTask
    directions: np.ndarray
    points: np.ndarray
    home: np.ndarray
    free: int | None
    values: np.ndarray
    targets: np.ndarray

    @property
    def offsets(self) -> np.ndarray:
        """From each point to the next, from the origin to the last link. Shape `(n + 1, 3)`."""
        return np.diff([np.zeros(3), *self.points, self.home[:3, 3]], axis=0)


class Exact:
    """Kinematics of a robot in float64 by Pinocchio, mimic and continuous joints included."""

    def __init__(self, robot: fkarm.Robot, links: Sequence[str]) -> None:
        import pinocchio

        self._pin = pinocchio
        self.model = pinocchio.buildModelFromXML(plain(robot.to_urdf()))
        self.data = self.model.createData()
        body = pinocchio.FrameType.BODY
        self.frames = [self.model.getFrameId(link, body) for link in links]
        self._joints = [
            (self.model.joints[self.model.getJointId(name)], place)
            for name, place in robot.coordinates.items()
        ]
        self._follow = np.zeros((self.model.nv, robot.dof))  # Pinocchio's velocities for ours
        for joint, place in self._joints:
            self._follow[joint.idx_v, place.index] = place.multiplier

    def poses(self, q: np.ndarray) -> np.ndarray:
        """Poses of the links. `(n, dof)` to `(n, links, 4, 4)`."""
        poses = np.empty((len(q), len(self.frames), 4, 4))
        for index, row in enumerate(self._full(q)):
            self._pin.framesForwardKinematics(self.model, self.data, row)
            poses[index] = [self.data.oMf[frame].homogeneous for frame in self.frames]
        return poses

    def jacobians(self, q: np.ndarray) -> np.ndarray:
        """Jacobians at the origins of the links. `(n, dof)` to `(n, links, 6, dof)`."""
        axes = self._pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        jacobians = np.empty((len(q), len(self.frames), 6, self.model.nv))
        for index, row in enumerate(self._full(q)):
            self._pin.computeJointJacobians(self.model, self.data, row)
            self._pin.updateFramePlacements(self.model, self.data)
            for place, frame in enumerate(self.frames):
                jacobian = self._pin.getFrameJacobian(self.model, self.data, frame, axes)
                jacobians[index, place] = np.reshape(jacobian, (6, self.model.nv))
        return jacobians @ self._follow

    def _full(self, q: np.ndarray) -> np.ndarray:
        """Configurations of Pinocchio, which writes a continuous joint as cosine and sine."""
        full = np.zeros((len(q), self.model.nq))
        for joint, place in self._joints:
            value = place.multiplier * q[:, place.index].astype(np.float64) + place.offset
            entries = (np.cos(value), np.sin(value)) if joint.nq == 2 else (value,)
            full[:, joint.idx_q : joint.idx_q + joint.nq] = np.stack(entries, axis=-1)
        return full


class Arm:
    """A chain to one link, and the exact poses of that link."""

    def __init__(self, name: str, robot: fkarm.Robot) -> None:
        self.name, self.robot, self.link = name, robot, robot.end_effector
        self.exact = Exact(robot, (self.link,))

    def poses(self, q: np.ndarray) -> np.ndarray:
        """Poses of the link in float64. `(n, dof)` to `(n, 4, 4)`."""
        return self.exact.poses(q)[:, 0]


def load_robot(name: str) -> fkarm.Robot:
    """A robot of `ROBOTS`: of an arm the chain to its end effector.

    Raises:
        SystemExit: If the package that holds the robot is not installed.
    """
    import fkarm

    if name == "snake12":
        return _snake(12)
    if name in TABLES:
        limits = [(-np.pi, np.pi)] * len(TABLES[name])
        return fkarm.Robot.from_dh(TABLES[name], "standard", limits=limits, name=name)
    if name in TREES:
        return fkarm.Robot.from_urdf(_file(name, TREES[name]))
    if name in CHAINS:
        file, root, tip = CHAINS[name]
        return fkarm.Robot.from_urdf(_file(name, file)).sub_chain(root, tip)
    robot = getattr(fkarm.robots, name)()
    return robot.sub_chain(robot.root_link, robot.end_effector)


def load_arm(name: str) -> Arm:
    """An arm of `ARMS`."""
    return Arm(name, load_robot(name))


def pose_task(
    robot: fkarm.Robot,
    links: str | tuple[str, ...],
    mode: str = "forward",
    batch: int = 1,
    device: str = "cpu",
) -> PoseTask:
    """The task of locating links at random configurations, the same in every run."""
    import fkarm

    names = (links,) if isinstance(links, str) else links
    return PoseTask(
        how="graph",
        urdf=robot.to_urdf(),
        joints=robot.joint_names,
        links=links,
        ends=tuple(_end(robot, link) for link in names),
        mode=mode,
        q=fkarm.sample_configurations(robot, batch, seed=0, dtype="float32"),
        device=device,
    )


def target_task(arm: Arm) -> TargetTask:
    """What a solver is told of an arm."""
    robot = arm.robot
    limits = robot.lower_limits, robot.upper_limits
    return TargetTask(robot.to_urdf(), robot.root_link, arm.link, robot.joint_names, *limits)


def every_task(arm: Arm, free: int | None, values: np.ndarray, targets: np.ndarray) -> EveryTask:
    """What a solver that returns every configuration is told of an arm."""
    from fkarm.ik.closed_form.screws import screws_of
    from fkarm.kinematics.plan import plan_chain

    screws, _, _ = screws_of(arm.robot, plan_chain(arm.robot, (arm.link,)))
    axes = screws.directions, screws.points, screws.home
    return EveryTask(arm.name, target_task(arm), *axes, free, values, targets)


def plain(urdf: str) -> str:
    """A robot as fkarm writes it, with links of one mass and nothing else, for other readers."""
    own = re.compile(r"<fkarm [^>]*?(/>|>.*?</fkarm>)", re.DOTALL)
    link = re.compile(r'<link name="([^"]*)"(/>|>.*?</link>)', re.DOTALL)
    return link.sub(rf'<link name="\1">{_INERTIAL}</link>', own.sub("", urdf))


def _file(name: str, file: str) -> str:
    """The path of a file of example-robot-data."""
    try:
        paths = [path for path in files("example-robot-data") or () if path.name == file]
    except PackageNotFoundError:
        paths = []
    if not paths:
        raise SystemExit(f"{name} needs {file}: pip install 'example-robot-data>=6'")
    return str(paths[0].locate())


def _snake(count: int) -> fkarm.Robot:
    """A chain of joints 0.12 m apart that turn alternately about z and y, 115 degrees each way."""
    import fkarm

    joints = [
        fkarm.Joint(f"joint_{k}", axis="zy"[k % 2], xyz=(0, 0, 0.12), lower=-2.0, upper=2.0)
        for k in range(count)
    ]
    return fkarm.Robot.from_joints(joints, name=f"snake{count}")


def _end(robot: fkarm.Robot, link: str) -> tuple[str | None, np.ndarray]:
    """An entry of `PoseTask.ends`: the product of the fixed joints below the last moving one."""
    moving, frame = None, np.eye(4)
    for joint in robot.path_to(link):
        frame = frame @ joint.origin
        if not joint.is_fixed:
            moving, frame = joint.name, np.eye(4)
    return moving, frame
