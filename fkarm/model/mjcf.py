"""MuJoCo models to joints, through MuJoCo's own compiler (extra `fkarm[mjcf]`).

MJCF has defaults, includes, five ways to write an orientation and units of its own. MuJoCo
resolves them; this module reads the result. A body's joints act one after the other, each about
its own anchor: every joint but the last gets a link of its own, and so does the last if its anchor
is not the body's origin.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

import numpy as np

from fkarm.errors import MJCFError, RobotError, how_to_install
from fkarm.model.frames import Matrix, make_frame, placement, rotation_from_quat_wxyz, snap
from fkarm.model.joint import Joint
from fkarm.model.mjcf_solids import UNUSED, Geometry
from fkarm.model.names import Names
from fkarm.model.source import ZIP, Source, open_source, outermost_tag

_WORLD = "world"
# What is read before it is deleted.
_READ = ("geoms", "excludes")


def read_mjcf(
    source: str | os.PathLike[str] | bytes | IO[Any], mesh_spheres: int | None = None
) -> dict[str, Any]:
    """The arguments that make the `Robot`.

    Raises:
        MissingFileError: If `source` is a path to nothing.
        MJCFError: If MuJoCo refuses the model, or is not installed.
    """
    try:
        import mujoco
    except ModuleNotFoundError as error:
        raise MJCFError(f"MJCF is read by MuJoCo. Install it: {how_to_install('mjcf')}.") from error
    given = open_source(source, "MJCF", MJCFError)
    try:
        spec = _read_spec(mujoco, given)
        whole = _compile_whole(mujoco, given.label, spec)
        geometry = Geometry(mujoco, spec, mesh_spheres)
        dropped = _strip(spec)
        model = spec.compile()
    except MJCFError:
        raise
    except (ValueError, RuntimeError, TypeError) as error:
        raise MJCFError(f"{given.label}: MuJoCo does not accept the model: {error}") from error
    try:
        tree = _Tree(mujoco, model, whole)
        joints = tuple(tree.joints())
        solids, lines = geometry.read(tree.bodies, tree.in_link)
    except (RobotError, UnicodeDecodeError) as error:  # a name of a file that it includes
        raise MJCFError(f"{given.label}: {error}") from error
    return {
        "joints": joints,
        "link_names": (_WORLD,),
        "name": spec.modelname or "robot",
        "notes": {
            "ignored": (*dropped, *lines["ignored"]),
            "assumed": tuple(tree.renamed),
            "bodies": lines["bodies"],
        },
        **solids,
    }


def _read_spec(mujoco: Any, given: Source) -> Any:
    """The model before it is compiled. Files that it includes lie beside its path."""
    if given.path is not None and given.data[:4] == ZIP:  # MuJoCo's archives
        return mujoco.MjSpec.from_file(os.fspath(given.path))
    text = given.text()
    if outermost_tag(text) == "robot":
        raise MJCFError(
            f"{given.label}: MJCF must have the root <mujoco>. Received: <robot>. Use from_urdf."
        )
    if given.path is None:
        return mujoco.MjSpec.from_string(text)
    if not given.is_utf8():
        raise MJCFError(
            f"{given.label}: the file must be UTF-8, which MuJoCo reads. Received: another "
            "encoding. Save it as UTF-8, or give its bytes: path.read_bytes()."
        )
    return mujoco.MjSpec.from_file(os.fspath(given.path))


def _compile_whole(mujoco: Any, label: str, spec: Any) -> Any:
    """The model with its masses, if a free joint may be aligned with its body's inertia.

    MuJoCo then moves the body's frame (`align`, `alignfree`); otherwise None, and no mesh is read.
    """
    aligned = mujoco.mjtAlignFree
    movable = [
        joint.parent.name
        for joint in spec.joints
        if joint.type == mujoco.mjtJoint.mjJNT_FREE
        and (spec.compiler.fusestatic or not joint.parent.bodies)
        and (
            joint.align == aligned.mjALIGNFREE_TRUE
            or (joint.align == aligned.mjALIGNFREE_AUTO and joint.compiler.alignfree)
        )
    ]
    if not movable:
        return None
    try:
        return spec.copy().compile()
    except (ValueError, RuntimeError) as error:
        raise MJCFError(
            f"{label}: the free joint of body {movable[0]!r} is aligned with the body's inertia "
            "(align='true' or alignfree='true'), so the model must compile with its geometry. "
            f"Received: {error}. Add what is missing, or write align='false'."
        ) from error


def _strip(spec: Any) -> tuple[str, ...]:
    """Delete what kinematics does not need; return how many of each kind."""
    dropped = []
    for kind in (*UNUSED, "geoms"):
        elements = list(getattr(spec, kind, ()))
        for element in elements:
            spec.delete(element)
        if elements and kind not in _READ:
            dropped.append(f"{kind}: {len(elements)}")
    spec.compiler.fusestatic = False  # static bodies are links too
    spec.compiler.settotalmass = -1.0  # it would warn of masses that are not used
    for site in spec.sites:
        site.material = ""
    for body in spec.bodies:
        # Any mass will do: without geometry MuJoCo cannot compute one.
        body.explicitinertial = True
        body.mass, body.inertia = 1.0, (1.0, 1.0, 1.0)
        body.ipos, body.fullinertia = (0.0, 0.0, 0.0), (np.nan,) * 6
    return tuple(dropped)


class _Tree:
    """A compiled model as links and joints.

    Args:
        mujoco: The module.
        model: The model without masses.
        whole: The model with its masses, if MuJoCo may have moved frames for them.
    """

    def __init__(self, mujoco: Any, model: Any, whole: Any) -> None:
        self._mujoco, self._model = mujoco, model
        objects = mujoco.mjtObj
        bodies = self._given_names(objects.mjOBJ_BODY, model.nbody)
        sites = self._given_names(objects.mjOBJ_SITE, model.nsite)
        joints = self._given_names(objects.mjOBJ_JOINT, model.njnt)
        self._links, self._joints = Names([*bodies, *sites]), Names(joints)
        self._joint_names = joints
        self.bodies = [name or self._links.make(f"body_{i}") for i, name in enumerate(bodies)]
        given = frozenset(bodies)
        self._sites, self.renamed = [], list[str]()
        for i, name in enumerate(sites):
            link = name or self._links.make(f"site_{i}")
            if link in given:
                link = self._links.make(f"{name}_site")
                self.renamed.append(f"site {name!r} has the name of a body: its link is {link!r}")
            self._sites.append(link)
        self._aligned = {} if whole is None else self._aligned_frames(whole)

    def joints(self) -> Iterator[Joint]:
        """The joints of all bodies and sites."""
        model = self._model
        for body in range(1, model.nbody):
            yield from self._body_joints(body)
        for site, link in enumerate(self._sites):
            body = int(model.site_bodyid[site])
            frame = self.in_link(body, model.site_pos[site], model.site_quat[site])
            yield self._fixed(self.bodies[body], link, frame)

    def _given_names(self, kind: Any, count: int) -> list[str]:
        return [self._mujoco.mj_id2name(self._model, kind, i) or "" for i in range(count)]

    def _aligned_frames(self, whole: Any) -> dict[int, Matrix]:
        """By body, its frame in the whole model in its frame here; only where they differ."""
        model, frames = self._model, {}
        for joint in np.flatnonzero(model.jnt_type == self._mujoco.mjtJoint.mjJNT_FREE):
            # Fused bodies shift the numbers of bodies; joints keep theirs.
            here, there = int(model.jnt_bodyid[joint]), int(whole.jnt_bodyid[joint])
            before = _frame(model.body_pos[here], model.body_quat[here])
            after = _frame(whole.body_pos[there], whole.body_quat[there])
            if not np.array_equal(before, after):
                frames[here] = snap(np.linalg.inv(before) @ after)
        return frames

    def in_link(self, body: int, position: Any, quat_wxyz: Any) -> Matrix:
        """A frame that is given in a body, in the body's link."""
        frame = _frame(position, quat_wxyz)
        if body in self._aligned:
            return snap(np.linalg.inv(self._aligned[body]) @ frame)
        return frame

    def _body_joints(self, body: int) -> Iterator[Joint]:
        """The chain of joints from the parent body to a body."""
        model, link = self._model, self.bodies[body]
        above = int(model.body_parentid[body])
        parent = self.bodies[above]
        pending = self.in_link(above, model.body_pos[body], model.body_quat[body])
        first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        for i in range(first, first + count):
            name = self._joint_names[i] or self._joints.make(f"{link}_joint_{i - first}")
            joint, anchor = self._moving(i, name, pending)
            is_last = i == first + count - 1 and not anchor.any()
            child = link if is_last else self._links.make(f"{link}/{name}")
            yield joint.between(parent, child)
            parent, pending = child, make_frame(-anchor)
        if parent != link:
            yield self._fixed(parent, link, pending)

    def _moving(self, i: int, name: str, pending: Matrix) -> tuple[Joint, Any]:
        """Joint `i` of the model after a constant frame, and its anchor in the body."""
        model, kinds = self._model, self._mujoco.mjtJoint
        kind = {
            kinds.mjJNT_FREE: "floating",
            kinds.mjJNT_BALL: "spherical",
            kinds.mjJNT_SLIDE: "prismatic",
            kinds.mjJNT_HINGE: "revolute",
        }[kinds(int(model.jnt_type[i]))]
        if kind == "floating":
            # A free joint's position is that of the body in the world: no frame comes before it.
            return Joint(name, kind), np.zeros(3)
        lower, upper = -math.inf, math.inf
        if kind != "spherical" and model.jnt_limited[i]:
            lower, upper = map(float, model.jnt_range[i])
        joint = Joint(name, kind, model.jnt_axis[i], lower=lower, upper=upper)
        anchor = np.array(model.jnt_pos[i])
        origin = pending @ make_frame(anchor)
        if kind != "spherical":
            # MuJoCo's zero is where the model is drawn: the joint moves by q - ref.
            origin = origin @ joint.frame_at(-float(model.qpos0[model.jnt_qposadr[i]]))
        return replace(joint, **placement(origin)), anchor

    def _fixed(self, parent: str, link: str, frame: Matrix) -> Joint:
        name = self._joints.make(f"{link}_fixed")
        return Joint(name, "fixed", **placement(frame), parent=parent, child=link)


def _frame(position: Any, quat_wxyz: Any) -> Matrix:
    frame = make_frame(position)
    frame[:3, :3] = rotation_from_quat_wxyz(quat_wxyz)
    return frame
