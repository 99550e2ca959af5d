"""`Robot`: an immutable tree of links and joints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any

import numpy as np

from fkarm._checks import check_count
from fkarm.errors import (
    FkarmError,
    URDFError,
)
from fkarm.model import changed, links, named
from fkarm.model.describe import describe
from fkarm.model.dh import dh_joints
from fkarm.model.frames import frame_from
from fkarm.model.joint import Joint
from fkarm.model.mjcf import read_mjcf
from fkarm.model.record import read_record, write_record
from fkarm.model.report import Report, make_report
from fkarm.model.serial import place_in_row
from fkarm.model.solids import KINDS, Body, Exclusion, Mass, all_of
from fkarm.model.tree import (
    Coordinate,
    farthest_leaf,
    order_tree,
    resolve_coordinates,
)
from fkarm.model.urdf import read_urdf
from fkarm.model.urdf_writer import write_urdf


@dataclass(frozen=True, repr=False)
class Robot:
    """A robot: links joined in a tree, one of them the end effector.

    Make one with `from_urdf`, `from_mjcf`, `from_joints`, `from_dh` or `fkarm.robots`. Links and
    joints are ordered parents first, depth first, siblings in the order they were given in. A
    configuration `q` has one entry for each joint of `joint_names`, rad or m (planar joints have
    three, spherical ones four, floating ones seven: see `Joint`).

    Args:
        joints: Joints with parent and child links, in any order.
        end_effector: The link that functions and layers mean when none is named. Left out, it
            is the leaf with the most moving joints above it, the first of equals; `print`
            shows it.
        name: Name of the robot.
        link_names: Links that no joint names (a robot without joints has one).
        notes: What a reader tells `report`: lines by `"assumed"`, `"ignored"`, `"odd"`.
        bodies: What may collide, for `fkarm.collision`.
        masses: Masses of links, for `fkarm.center_of_mass`.
        exclusions: Pairs of links that `fkarm.collision` leaves out.
    Raises:
        RobotError: If the joints are not a tree with one root and unique names, or a mimic
            cannot be resolved.
        UnknownLinkError: If there is no link `end_effector`, or one that a body, a mass or an
            exclusion names.

    Robots with the same geometry are equal: notes, bodies, masses, exclusions and velocity limits
    are not compared.
    """

    joints: tuple[Joint, ...]
    end_effector: str = ""
    name: str = "robot"
    link_names: tuple[str, ...] = ()
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    # Not compared: nothing that is compiled for kinematics depends on them.
    bodies: tuple[Body, ...] = field(default=(), compare=False)
    masses: tuple[Mass, ...] = field(default=(), compare=False)
    exclusions: tuple[Exclusion, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        joints, names = order_tree(tuple(self.joints), self.link_names)
        object.__setattr__(self, "joints", joints)
        object.__setattr__(self, "link_names", names)
        object.__setattr__(self, "_coordinates", resolve_coordinates(joints))
        object.__setattr__(self, "end_effector", self.end_effector or farthest_leaf(joints, names))
        self.check_link(self.end_effector)
        for name, kind in KINDS.items():
            solids = all_of(kind, getattr(self, name), name)
            object.__setattr__(self, name, solids)
            for solid in solids:
                for link in changed.links_of(solid):
                    self.check_link(link)
        # When these are first asked for, torch.compile would meet a lock.
        _ = self.joint_names, self._joint_above, self.entries

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.joints, self.end_effector, self.name, self.link_names))

    def __getstate__(self) -> dict[str, Any]:
        # Texts have other hashes in another process.
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    # ---- readers

    @classmethod
    def from_urdf(
        cls,
        source: str | os.PathLike[str] | bytes | IO[Any],
        *,
        mesh_spheres: int | None = None,
    ) -> Robot:
        """The robot that a URDF describes.

        Args:
            source: Path, XML text, bytes in the encoding that they state, or an open file
                (`gzip.open(path)`). A path's xacro macros are expanded (extra `fkarm[xacro]`):
                trust it, for macros hold expressions of Python.
            mesh_spheres: How many spheres enclose every mesh of a `<collision>`, at most (extra
                `fkarm[bodies]`; the source must be a path). None: meshes are not read.
        Raises:
            MissingFileError: If there is no such file, or a mesh is missing that is to be read.
            RobotError: If a mesh cannot be read.
            URDFError: If the text is not a URDF that can be modelled exactly; the message
                names the line and the element.
        """
        if mesh_spheres is not None:
            check_count("mesh_spheres", mesh_spheres)
        label, fields = read_urdf(source, mesh_spheres)
        try:
            return changed.with_solids_in_order(cls(**fields))
        except FkarmError as error:
            raise URDFError(f"{label}: {error}") from error

    @classmethod
    def from_mjcf(
        cls,
        source: str | os.PathLike[str] | bytes | IO[Any],
        *,
        mesh_spheres: int | None = None,
    ) -> Robot:
        """The robot that a MuJoCo model describes (extra `fkarm[mjcf]`).

        Bodies are links under the root link `world`, sites are links fixed to them; hinge,
        slide, ball and free joints, several in one body too, with their anchors, `ref` and
        ranges; `q` is MuJoCo's `qpos`. Geoms that may collide become bodies (ellipsoids, cylinders
        and boxes are enclosed), and `<exclude>`, `contype`, `conaffinity` and MuJoCo's rule for
        parents and children become exclusions. Without `mesh_spheres`, meshes are left out, and so
        are masses that depend on them: no mesh file is needed, but where a free joint is aligned
        with its body's inertia (`align`, `alignfree`). MuJoCo's joints have no velocity limits.
        Static bodies stay links under `fusestatic` too. A site with the name of a body is a link
        with `_site` behind its name; names made up here get a number (`_2`) where the model has
        them already.

        Args:
            source: Path, XML text or bytes, or an open file. Trusted: MuJoCo reads the files it
                includes.
            mesh_spheres: How many spheres enclose every mesh that may collide, at most. None:
                meshes are not read.
        Raises:
            MissingFileError: If there is no such file.
            MJCFError: If MuJoCo does not accept the model, or is not installed; or a mesh is
                missing that is to be read.
        """
        if mesh_spheres is not None:
            check_count("mesh_spheres", mesh_spheres)
        return cls(**read_mjcf(source, mesh_spheres))

    @classmethod
    def from_joints(
        cls, joints: Iterable[Joint], tool: Any = None, name: str = "arm", base_link: str = "base"
    ) -> Robot:
        """A serial arm: each joint sits on the link that the joint before it moves.

        Args:
            joints: Joints from the base to the tip. A joint called `"elbow"` moves the link
                `"elbow_link"` unless it names its `child`. Names made up here get a number
                (`"elbow_link_2"`) where a joint gives the name to a link of its own.
            tool: Constant transform from the last link to the end effector, the link
                `"tool"`: a position `(3,)`, a pair `(xyz, rpy)`, a dict with `"xyz"` and
                `"rpy"`, or a rigid matrix `(4, 4)`; m and rad. None: no tool, the last link
                is the end effector.
            name: Name of the robot.
            base_link: Name of the root link.
        Raises:
            RobotError: If an entry is not a `Joint`, a name is repeated, or `tool` is not a
                transform.
        """
        placed = place_in_row(joints, base_link)
        tip = str(placed[-1].child) if placed else base_link
        robot = cls(placed, name=name, link_names=(base_link,), end_effector=tip)
        return robot if tool is None else changed.with_frame(robot, frame_from(tool, "tool"))

    @classmethod
    def from_dh(
        cls,
        rows: Sequence[Any],
        convention: str = "standard",
        angle_unit: str = "rad",
        length_unit: str = "m",
        joint_types: str | Sequence[str] | None = None,
        base: Any = None,
        tool: Any = None,
        *,
        limits: Sequence[Any] | None = None,
        joint_names: Sequence[str] | None = None,
        senses: Sequence[int] | None = None,
        name: str = "arm",
    ) -> Robot:
        """A serial arm from a Denavit-Hartenberg table.

        `"standard"`: `T = Rz(theta) Tz(d) Tx(a) Rx(alpha)`, frame i at the end of link i;
        `"modified"` (Craig): `T = Rx(alpha) Tx(a) Rz(theta) Tz(d)`, frame i at joint i. The
        joint's value adds to `theta` (revolute) or to `d` (prismatic).

        Args:
            rows: One row a joint: `(a, alpha, d, theta)` or a dict with these keys (a missing
                one is 0).
            convention: `"standard"` or `"modified"`.
            angle_unit: `"rad"` or `"deg"`: of angles in `rows`, `base`, `tool`, `limits`.
            length_unit: `"m"` or `"mm"`: of lengths in the same.
            joint_types: `"revolute"` (as None), `"continuous"` or `"prismatic"` for each row, or
                one for all.
            base: Constant transform before the first row, in the forms of `from_joints`.
            tool: Constant transform after the last row, likewise.
            limits: `(lower, upper)` for each row; None: unlimited.
            joint_names: Names; `joint_1`, `joint_2`, ... by default.
            senses: 1 or -1 for each row: whether the joint's value adds or subtracts.
            name: Name of the robot.
        Returns:
            A robot whose link `link_i` sits at joint i (modified: it is DH frame i). With the
            standard convention, `flange` is the frame of the last row. With `tool`, `tool`.
            The last of them is the end effector.
        Raises:
            RobotError: If a row, unit, type, limit or transform is not as stated.
        """
        joints, tool = dh_joints(
            rows, convention, angle_unit, length_unit, joint_types, base, tool, limits,
            joint_names, senses,
        )  # fmt: skip
        return cls.from_joints(joints, tool, name)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Robot:
        """The robot that `to_dict` described.

        Raises:
            RobotError: If `data` was not written by `to_dict`.
        """
        return cls(**read_record(data))

    def to_dict(self) -> dict[str, Any]:
        """The whole robot as JSON types: what a saved layer carries."""
        return write_record(self)

    get_config, from_config = to_dict, from_dict  # as Keras calls them

    def to_urdf(self) -> str:
        """The robot as URDF text; `from_urdf` of it gives an equal robot.

        Bodies, masses, exclusions and velocity limits read back too. A capsule is written as a
        cylinder and two spheres, which every reader of URDF knows. Exclusions are elements
        `<disable_collisions>`, as in SRDF, in an element `<fkarm>`, which other readers ignore.
        What fkarm does not know is written as 0: efforts, moments of inertia, and the velocity of
        joints that have no velocity limit. Joints without limits get no `<limit>`, which dynamics
        tools may ask for, unless they have a velocity limit: then their bounds are infinite.

        Raises:
            RobotError: If a joint is spherical or has one limit only: URDF cannot say that.
        """
        return write_urdf(self)

    # ---- properties

    @property
    def root_link(self) -> str:
        """The link that all poses are given in."""
        return self.link_names[0]

    @cached_property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the independent joints, in the order of `q`."""
        return tuple(joint.name for joint in self.independent_joints)

    @property
    def dof(self) -> int:
        """Size of `q`: the entries of all independent joints; mimic joints add none."""
        return len(self.entries)

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """What each entry of `q` is: `"angle"`, `"length"` or `"quaternion"`."""
        return tuple(entry for joint in self.independent_joints for entry in joint.entries)

    @property
    def quaternions(self) -> tuple[int, ...]:
        """Index in `q` of the first of each quaternion's four entries."""
        return tuple(i for i, entry in enumerate(self.entries) if entry == "quaternion")[::4]

    @property
    def turns_freely(self) -> bool:
        """Whether a joint turns about any axis, spherical or floating: `q` has quaternions."""
        return any(joint.turns_freely for joint in self.independent_joints)

    @cached_property
    def independent_joints(self) -> tuple[Joint, ...]:
        """The joints of `joint_names`: those that move and mimic no other."""
        return tuple(j for j in self.joints if not j.is_fixed and j.mimic is None)

    @property
    def coordinates(self) -> Mapping[str, Coordinate]:
        """For each moving joint, mimics included: `value = multiplier * q[index] + offset`."""
        coordinates: Mapping[str, Coordinate] = self.__dict__["_coordinates"]
        return coordinates

    @property
    def lower_limits(self) -> np.ndarray:
        """Lower limits in the order of `q`, rad or m, `-inf` where none. Float64, `(dof,)`."""
        return self._limits[0].copy()

    @property
    def upper_limits(self) -> np.ndarray:
        """Upper limits in the order of `q`, rad or m, `inf` where none. Float64, `(dof,)`."""
        return self._limits[1].copy()

    @property
    def velocity_limits(self) -> np.ndarray:
        """Largest speeds in the order of `q`, rad/s or m/s, `inf` where none. Float64, `(dof,)`."""
        joints = self.independent_joints
        return np.array([joint.velocity for joint in joints for _ in joint.entries], np.float64)

    @cached_property
    def _limits(self) -> np.ndarray:
        bounds = [pair for joint in self.independent_joints for pair in joint.bounds]
        return np.array(bounds, dtype=np.float64).reshape(-1, 2).T

    @cached_property
    def _joint_above(self) -> dict[str, Joint]:
        return {str(joint.child): joint for joint in self.joints}

    check_link = links.check_link
    link_or_end_effector = links.link_or_end_effector
    links_or_end_effector = links.links_or_end_effector
    path_to = links.path_to

    def report(self) -> Report:
        """What was read, what was assumed, what was ignored, and what looks wrong.

        It suspects rounded angles (1.5708; it says the error that they cause, in rad and in mm at
        the tip), lengths that look like millimetres, limits that look like degrees, and joints
        that cannot move. Assumed and ignored lines exist for robots that were read from a file.
        """
        return make_report(self)

    configuration, by_name = named.configuration, named.by_name

    def __repr__(self) -> str:
        return (
            f"Robot({self.name!r}, dof={self.dof}, links={len(self.link_names)}, "
            f"end_effector={self.end_effector!r})"
        )

    def __str__(self) -> str:
        return describe(self.name, self.root_link, self.end_effector, self.joints, self.coordinates)

    # ---- the same robot, changed

    with_end_effector = changed.with_end_effector
    with_tool = changed.with_tool
    with_floating_base = changed.with_floating_base
    with_fixed_joints = changed.with_fixed_joints
    with_bodies = changed.with_bodies
    with_exclusions = changed.with_exclusions
    sub_chain = changed.sub_chain
