"""Bodies, masses and excluded pairs of a MuJoCo model, without its meshes.

MuJoCo compiles a copy of the model from which all is deleted that needs a file: the masses and the
geoms of what is left are MuJoCo's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from fkarm.model.enclosing import enclose, origin_line
from fkarm.model.frames import Matrix, placement
from fkarm.model.meshes import sphere_bodies
from fkarm.model.solids import Body, Exclusion, Mass

_KINDS = {
    "mjGEOM_SPHERE": "sphere",
    "mjGEOM_CAPSULE": "capsule",
    "mjGEOM_CYLINDER": "cylinder",
    "mjGEOM_BOX": "box",
    "mjGEOM_ELLIPSOID": "ellipsoid",
}
# Kinds of elements that neither masses nor geoms need.
UNUSED = (
    "sensors",
    "actuators",
    "tendons",
    "equalities",
    "pairs",
    "excludes",
    "keys",
    "skins",
    "flexes",
    "meshes",
    "hfields",
    "materials",
    "textures",
    "tuples",
)


class Geometry:
    """The collision geometry and the masses of a MuJoCo model.

    Args:
        mujoco: The module.
        spec: The model before it is compiled; it is not changed.
        mesh_spheres: How many spheres enclose a mesh, at most; None: meshes are not read.
    """

    def __init__(self, mujoco: Any, spec: Any, mesh_spheres: int | None) -> None:
        self._mujoco, self._mesh_spheres, spec = mujoco, mesh_spheres, spec.copy()
        self._excluded = [(pair.bodyname1, pair.bodyname2) for pair in spec.excludes]
        self._total = float(spec.compiler.settotalmass)
        self._unread: dict[str, int] = {}
        self._harmless = 0
        unweighed = self._prepare(spec)
        for kind in UNUSED if mesh_spheres is None else set(UNUSED) - {"meshes"}:
            for element in list(getattr(spec, kind, ())):
                spec.delete(element)
        self._model = spec.compile()
        self._spec = spec  # numbers belong to its bodies while it lives
        # By the number of the body, whether its mass would need a file; else it has none.
        self._unweighed = {body.id: needs_file for body, needs_file in unweighed}

    def read(
        self, links: Sequence[str], in_link: Callable[[int, Any, Any], Matrix]
    ) -> tuple[dict[str, tuple[Any, ...]], dict[str, tuple[str, ...]]]:
        """Bodies, masses and exclusions of a `Robot`, and lines for the report.

        Args:
            links: Names of links by the numbers of MuJoCo's bodies.
            in_link: A frame in a body, by the number of the body, a position and a quaternion
                `wxyz`, in the link of that body.
        """
        lines: list[str] = []
        bodies = tuple(self._bodies(links, in_link, lines))
        masses, missing = self._masses(links, in_link)
        ignored = [f"geoms of type {kind}, not read: {n}" for kind, n in self._unread.items()]
        if self._harmless:
            ignored.append(f"geoms that never collide: {self._harmless}")
        if missing:
            shown = ", ".join(missing[:5]) + f" and {len(missing) - 5} more" * (len(missing) > 5)
            ignored.append(f"masses that depend on meshes, not read: {shown}")
        solids = {
            "bodies": bodies,
            "masses": masses,
            "exclusions": tuple(self._exclusions(links, {body.link for body in bodies})),
        }
        return solids, {"bodies": tuple(lines), "ignored": tuple(ignored)}

    def _prepare(self, spec: Any) -> list[tuple[Any, bool]]:
        """Delete what needs files; return bodies without a mass, and whether it needs a file."""
        spec.compiler.settotalmass = -1.0  # the masses that are made up here would count
        spec.compiler.fusestatic = False
        for joint in spec.joints:
            joint.align = self._mujoco.mjtAlignFree.mjALIGNFREE_FALSE
        for site in spec.sites:
            site.material = ""
        modes = self._mujoco.mjtInertiaFromGeom
        mode, groups = spec.compiler.inertiafromgeom, spec.compiler.inertiagrouprange
        spec.compiler.inertiafromgeom = modes.mjINERTIAFROMGEOM_AUTO
        unweighed = []
        for body in spec.bodies:
            is_stated = bool(body.explicitinertial)
            from_geoms = mode == modes.mjINERTIAFROMGEOM_TRUE or (
                mode == modes.mjINERTIAFROMGEOM_AUTO and not is_stated
            )
            weighing = [self._weighs(geom, groups) for geom in body.geoms]
            needs_file = [self._needs_file(geom) for geom in body.geoms]
            is_unknown = any(w and n for w, n in zip(weighing, needs_file, strict=True))
            for geom, has_file in zip(list(body.geoms), needs_file, strict=True):
                geom.material = ""
                self._harmless += not (geom.contype or geom.conaffinity)
                if has_file:
                    self._delete(spec, geom)
            if from_geoms and any(weighing) and not is_unknown:
                body.explicitinertial, body.ipos = False, (np.nan,) * 3
            elif body.parent is not None and (from_geoms or not is_stated or body.mass <= 0):
                unweighed.append((body, from_geoms and is_unknown))
                body.explicitinertial = True
                body.mass, body.inertia = 1.0, (1.0, 1.0, 1.0)
                body.ipos, body.fullinertia = (0.0, 0.0, 0.0), (np.nan,) * 6
        return unweighed

    def _needs_file(self, geom: Any) -> bool:
        is_mesh = geom.type == self._mujoco.mjtGeom.mjGEOM_MESH
        if is_mesh or geom.meshname:
            return self._mesh_spheres is None
        return self._mujoco.mjtGeom(geom.type).name not in _KINDS

    def _weighs(self, geom: Any, groups: Any) -> bool:
        kinds = self._mujoco.mjtGeom
        has_volume = geom.type not in (kinds.mjGEOM_PLANE, kinds.mjGEOM_HFIELD)
        is_light = geom.mass == 0 or (math.isnan(geom.mass) and geom.density == 0)
        return has_volume and not is_light and bool(groups[0] <= geom.group <= groups[1])

    def _delete(self, spec: Any, geom: Any) -> None:
        if geom.contype or geom.conaffinity:
            kind = self._mujoco.mjtGeom(geom.type).name.removeprefix("mjGEOM_").lower()
            self._unread[kind] = self._unread.get(kind, 0) + 1
        spec.delete(geom)

    def _bodies(
        self, links: Sequence[str], in_link: Callable[..., Matrix], lines: list[str]
    ) -> Iterator[Body]:
        model = self._model
        for number, link in enumerate(links):
            origins = []
            for geom in self._geoms(number):
                kind = _KINDS.get(self._mujoco.mjtGeom(int(model.geom_type[geom])).name, "mesh")
                frame = in_link(number, model.geom_pos[geom], model.geom_quat[geom])
                if kind == "mesh":
                    count = self._mesh_spheres or 1
                    bodies, gap = sphere_bodies(link, self._triangles(geom), frame, count)
                else:
                    sizes = _sizes(kind, model.geom_size[geom])
                    bodies, gap = enclose(kind, link, sizes, *placement(frame).values())
                origins.append((kind, bodies, gap))
                yield from bodies
            if origins:
                lines.append(origin_line(link, origins))

    def _triangles(self, geom: int) -> np.ndarray:
        """The triangles of a geom's mesh in the frame of the geom."""
        model, mesh = self._model, int(self._model.geom_dataid[geom])
        vertices = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
        faces = model.mesh_face[model.mesh_faceadr[mesh] :][: model.mesh_facenum[mesh]]
        return np.asarray(vertices[faces], np.float64)

    def _geoms(self, body: int) -> list[int]:
        """The geoms of a body that may collide."""
        model = self._model
        collides = (model.geom_contype != 0) | (model.geom_conaffinity != 0)
        return np.flatnonzero((model.geom_bodyid == body) & collides).tolist()

    def _masses(
        self, links: Sequence[str], in_link: Callable[..., Matrix]
    ) -> tuple[tuple[Mass, ...], list[str]]:
        """The masses, and the links whose masses are unknown."""
        model, stated = self._model, {}
        for number, link in enumerate(links):
            mass = float(model.body_mass[number])
            if mass > 0 and number not in self._unweighed:
                stated[link] = mass, in_link(number, model.body_ipos[number], (1, 0, 0, 0))[:3, 3]
        missing = [links[number] for number, needs_file in self._unweighed.items() if needs_file]
        scale = 1.0
        if self._total > 0 and stated:
            if missing:  # their share of the total is unknown too
                return (), list(links)
            scale = self._total / sum(mass for mass, _ in stated.values())
        return tuple(Mass(link, scale * m, xyz) for link, (m, xyz) in stated.items()), missing

    def _exclusions(self, links: Sequence[str], with_bodies: set[str]) -> Iterator[Exclusion]:
        model = self._model
        numbers = {body.name: body.id for body in self._spec.bodies}
        stated = {frozenset((numbers[a], numbers[b])) for a, b in self._excluded}
        masks = [
            {(int(model.geom_contype[i]), int(model.geom_conaffinity[i])) for i in self._geoms(n)}
            for n in range(len(links))
        ]
        filters_parents = not (
            int(model.opt.disableflags) & int(self._mujoco.mjtDisableBit.mjDSBL_FILTERPARENT)
        )
        for one, other in combinations(range(len(links)), 2):
            pair = links[one], links[other]
            if {one, other} in stated:
                yield Exclusion(*pair, "<exclude> in the model")
            elif not with_bodies.issuperset(pair):
                continue
            elif not any(a & d or c & b for a, b in masks[one] for c, d in masks[other]):
                yield Exclusion(*pair, "contype and conaffinity in the model")
            elif filters_parents and self._are_neighbours(one, other):
                yield Exclusion(*pair, "parent and child in the model")

    def _are_neighbours(self, one: int, other: int) -> bool:
        """Whether MuJoCo takes two bodies for one, or for parent and child, but for the world."""
        weld, parent = self._model.body_weldid, self._model.body_parentid
        a, b = int(weld[one]), int(weld[other])
        return a == b or (a != 0 != b and (weld[parent[a]] == b or weld[parent[b]] == a))


def _sizes(kind: str, size: Any) -> tuple[float, ...]:
    """MuJoCo's sizes, which are half lengths, as those of `enclose`."""
    x, y, z = map(float, size)
    return {
        "sphere": (x,),
        "capsule": (x, 2 * y),
        "cylinder": (x, 2 * y),
        "box": (2 * x, 2 * y, 2 * z),
        "ellipsoid": (x, y, z),
    }[kind]
