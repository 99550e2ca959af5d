"""MuJoCo models to joints, through MuJoCo's own compiler (extra `fkarm[mjcf]`).

MJCF has defaults, includes, five ways to write an orientation and units of its own; MuJoCo
resolves them, this module reads the result. A body's joints act one after the other, each
about its own anchor: every joint but the last gets a link of its own, and so does the last
where its anchor is not the body's origin.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fkarm.errors import MissingFileError, MJCFError
from fkarm.model.frames import Matrix, make_frame, placement, rotation_from_quat_wxyz
from fkarm.model.joint import Joint

_WORLD = "world"
# Everything with a file or a mass behind it, or that refers to what is deleted.
_DROPPED = (
    "sensors",
    "actuators",
    "tendons",
    "equalities",
    "pairs",
    "excludes",
    "keys",
    "skins",
    "flexes",
    "geoms",
    "meshes",
    "hfields",
    "materials",
    "textures",
    "tuples",
)


def read_mjcf(source: str | os.PathLike[str]) -> dict[str, Any]:
    """The arguments that make the `Robot`.

    Raises:
        MissingFileError: If `source` is a path to nothing.
        MJCFError: If MuJoCo refuses the model, or is not installed.
    """
    try:
        import mujoco
    except ModuleNotFoundError as error:
        raise MJCFError("MJCF is read by MuJoCo. Install it: pip install 'fkarm[mjcf]'.") from error
    if not isinstance(source, (str, os.PathLike)):
        raise MJCFError(f"source must be a path or XML text. Received: {source!r}.")
    is_text = isinstance(source, str) and "<" in source
    if not is_text and not Path(source).is_file():
        raise MissingFileError(f"There must be an MJCF file at the path. Received: {source!r}.")
    text = str(source) if is_text else Path(source).read_text(encoding="utf-8", errors="replace")
    if re.search(r"<robot[\s>]", text):
        raise MJCFError("MJCF must have the root <mujoco>. Received: <robot>. Use from_urdf.")
    try:
        if is_text:
            spec = mujoco.MjSpec.from_string(os.fspath(source))
        else:
            spec = mujoco.MjSpec.from_file(os.fspath(source))
        dropped = _strip(spec)
        model = spec.compile()
    except (ValueError, RuntimeError, TypeError) as error:
        label = "MJCF text" if is_text else os.fspath(source)
        raise MJCFError(f"{label}: MuJoCo does not accept the model: {error}") from error
    links = _link_names(mujoco, model)
    joints = []
    for body in range(1, model.nbody):
        joints += _body_joints(mujoco, model, body, links)
    for site in range(model.nsite):
        joints.append(_site_joint(mujoco, model, site, links))
    return {
        "joints": tuple(joints),
        "link_names": (_WORLD,),
        "name": spec.modelname or "robot",
        "notes": {"ignored": dropped},
    }


def _strip(spec: Any) -> tuple[str, ...]:
    """Drop what kinematics does not need; say how many of each."""
    dropped = []
    for kind in _DROPPED:
        elements = list(getattr(spec, kind, ()))
        for element in elements:
            spec.delete(element)
        if elements:
            dropped.append(f"{kind}: {len(elements)}")
    for site in spec.sites:
        site.material = ""
    for body in spec.bodies:
        # Any mass will do: without geometry there is none to compute.
        body.explicitinertial = True
        body.mass, body.inertia = 1.0, (1.0, 1.0, 1.0)
        body.ipos, body.fullinertia = (0.0, 0.0, 0.0), (np.nan,) * 6
    return tuple(dropped)


def _link_names(mujoco: Any, model: Any) -> dict[tuple[str, int], str]:
    """A name for each body and site; a site named like a body gets `_site` behind it."""
    names = {("body", 0): _WORLD}
    taken = {_WORLD}
    for kind, count, type_ in (
        ("body", model.nbody, mujoco.mjtObj.mjOBJ_BODY),
        ("site", model.nsite, mujoco.mjtObj.mjOBJ_SITE),
    ):
        for i in range(1 if kind == "body" else 0, count):
            name = mujoco.mj_id2name(model, type_, i) or f"{kind}_{i}"
            while name in taken:
                name += f"_{kind}"
            taken.add(name)
            names[kind, i] = name
    return names


def _body_joints(
    mujoco: Any, model: Any, body: int, links: dict[tuple[str, int], str]
) -> list[Joint]:
    """The chain of joints from the parent body to a body."""
    parent, link = links["body", int(model.body_parentid[body])], links["body", body]
    pending = _frame(model.body_pos[body], model.body_quat[body])
    first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
    joints = []
    for i in range(first, first + count):
        anchor = make_frame(model.jnt_pos[i])
        kind = {
            mujoco.mjtJoint.mjJNT_FREE: "floating",
            mujoco.mjtJoint.mjJNT_BALL: "spherical",
            mujoco.mjtJoint.mjJNT_SLIDE: "prismatic",
            mujoco.mjtJoint.mjJNT_HINGE: "revolute",
        }[mujoco.mjtJoint(int(model.jnt_type[i]))]
        if kind == "floating":
            # A free joint's position is the body's, in the world: nothing comes before it.
            pending = anchor = np.eye(4)
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_JOINT, i) or f"{link}_joint_{i - first}"
        is_last = i == first + count - 1 and np.array_equal(anchor, np.eye(4))
        child = link if is_last else f"{link}/{name}"
        lower, upper = -math.inf, math.inf
        if kind in ("revolute", "prismatic") and model.jnt_limited[i]:
            lower, upper = map(float, model.jnt_range[i])
        joint = Joint(
            name, kind, model.jnt_axis[i], parent=parent, child=child, lower=lower, upper=upper
        )
        origin = pending @ anchor
        if kind in ("revolute", "prismatic"):
            # MuJoCo's zero is where the model is drawn: the joint moves by q - ref.
            origin = origin @ joint.frame_at(-float(model.qpos0[model.jnt_qposadr[i]]))
        joints.append(replace(joint, **placement(origin)))
        parent, pending = child, make_frame(-anchor[:3, 3])
    if parent != link:
        joints.append(
            Joint(f"{link}_fixed", "fixed", **placement(pending), parent=parent, child=link)
        )
    return joints


def _site_joint(mujoco: Any, model: Any, site: int, links: dict[tuple[str, int], str]) -> Joint:
    frame = _frame(model.site_pos[site], model.site_quat[site])
    body, link = links["body", int(model.site_bodyid[site])], links["site", site]
    return Joint(f"{link}_fixed", "fixed", **placement(frame), parent=body, child=link)


def _frame(position: Any, quat_wxyz: Any) -> Matrix:
    frame = make_frame(position)
    frame[:3, :3] = rotation_from_quat_wxyz(quat_wxyz)
    return frame
