"""From joints in any order to a tree: parents first, one root, every mimic resolved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fkarm.errors import RobotError, unknown_name
from fkarm.model.joint import Joint


@dataclass(frozen=True)
class Coordinate:
    """Where a joint's value comes from: `multiplier * q[index] + offset`.

    `index` is the first of a joint's entries. Planar and floating joints have several, and mimic no
    other joint.
    """

    index: int
    multiplier: float = 1.0
    offset: float = 0.0


def order_tree(
    joints: Sequence[Joint], link_names: Iterable[str]
) -> tuple[tuple[Joint, ...], tuple[str, ...]]:
    """Joints and links depth first, in the given order among siblings; parents come first.

    Args:
        joints: Joints with parent and child, in any order.
        link_names: Names of the links in any order; links that only joints name are added.
    Returns:
        Ordered joints, ordered link names (the root first).
    Raises:
        RobotError: If a name is missing, empty or repeated, a link has two parents, there is not
            exactly one root, or the joints form a cycle.
    """
    for joint in joints:
        if not isinstance(joint, Joint):
            raise RobotError(f"joints must be fkarm.Joint objects. Received: {joint!r}.")
    names = list(link_names)
    _check_unique("link", names)
    _check_unique("joint", [joint.name for joint in joints])
    parent_of: dict[str, Joint] = {}
    children: dict[str, list[Joint]] = {}
    for joint in joints:
        for role, link in (("parent", joint.parent), ("child", joint.child)):
            if not isinstance(link, str) or not link:
                raise RobotError(
                    f"joint {joint.name!r} must name its {role} link. Received: {link!r}."
                )
        parent, child = str(joint.parent), str(joint.child)
        if child in parent_of:
            raise RobotError(
                f"link {child!r} must have one parent joint. Received: "
                f"{parent_of[child].name!r} and {joint.name!r}."
            )
        parent_of[child] = joint
        children.setdefault(parent, []).append(joint)
    links = dict.fromkeys(
        [*names, *(str(j.parent) for j in joints), *(str(j.child) for j in joints)]
    )
    if not links:
        raise RobotError("A robot must have at least one link. Received: none.")
    roots = [link for link in links if link not in parent_of]
    if len(roots) > 1:
        raise RobotError(
            f"A robot must have one root link (one that is no joint's child). Received: "
            f"{len(roots)}: {', '.join(map(repr, roots[:10]))}. Join them with a fixed joint."
        )
    ordered_joints: list[Joint] = []
    pending = list(reversed(children.get(roots[0], []))) if roots else []
    while pending:
        joint = pending.pop()
        ordered_joints.append(joint)
        pending.extend(reversed(children.get(str(joint.child), [])))
    if len(ordered_joints) < len(joints):
        reached = {joint.name for joint in ordered_joints}
        loop = [joint.name for joint in joints if joint.name not in reached]
        raise RobotError(
            f"Joints must form a tree. Received: a cycle through {', '.join(map(repr, loop[:10]))}."
        )
    return tuple(ordered_joints), (roots[0], *(str(joint.child) for joint in ordered_joints))


def resolve_coordinates(joints: Sequence[Joint]) -> dict[str, Coordinate]:
    """For each moving joint, the entry of `q` it depends on, chains of mimics included.

    Raises:
        RobotError: If a joint mimics a missing joint, a fixed one, or itself through a cycle.
    """
    by_name = {joint.name: joint for joint in joints}
    coordinates: dict[str, Coordinate] = {}
    index = 0
    for joint in joints:
        if not joint.is_fixed and joint.mimic is None:
            coordinates[joint.name] = Coordinate(index)
            index += len(joint.entries)
    for joint in joints:
        # Follow the mimics to a joint that is resolved already, then resolve them in reverse.
        chain: list[Joint] = []
        seen: set[str] = set()
        while joint.mimic is not None and joint.name not in coordinates:
            chain.append(joint)
            seen.add(joint.name)
            target = joint.mimic.joint
            if target in seen:
                raise RobotError(
                    f"joint {joint.name!r} must not mimic itself. Received: a cycle through "
                    f"{target!r}."
                )
            if target not in by_name:
                movable = [j.name for j in joints if len(j.entries) == 1 and j.name not in seen]
                raise RobotError(unknown_name(f"joint {joint.name!r}: mimic", target, movable))
            joint = by_name[target]
        if chain and len(joint.entries) != 1:
            raise RobotError(
                f"joint {chain[-1].name!r} must mimic a joint with one value. Received: the "
                f"{joint.type} joint {joint.name!r}."
            )
        for follower in reversed(chain):
            mimic = follower.mimic
            if mimic is not None:
                source = coordinates[mimic.joint]
                coordinates[follower.name] = Coordinate(
                    source.index,
                    mimic.multiplier * source.multiplier,
                    mimic.multiplier * source.offset + mimic.offset,
                )
    return coordinates


def farthest_leaf(joints: Sequence[Joint], link_names: Sequence[str]) -> str:
    """The leaf of an ordered tree with the most moving joints above it; of equals the first."""
    moving = {link_names[0]: 0}
    parents = {joint.parent for joint in joints}
    for joint in joints:
        moving[str(joint.child)] = moving[str(joint.parent)] + (not joint.is_fixed)
    return max((link for link in link_names if link not in parents), key=moving.__getitem__)


def cut_path(root_link: str, path: Sequence[Joint], base_link: str) -> tuple[Joint, ...]:
    """The joints below `base_link` of a path of joints from the root.

    Raises:
        RobotError: If the link is not on the path, or one of these joints mimics one above them.
    """
    above = [root_link, *(str(joint.child) for joint in path)]
    if base_link not in above:
        raise RobotError(
            f"base_link must be on the way from the root to {above[-1]!r}: "
            f"{', '.join(map(repr, above))}. Received: {base_link!r}. For links of two branches "
            "use the whole robot: fkarm.forward_kinematics(robot, q, link, base=...)."
        )
    joints = tuple(path[above.index(base_link) :])
    names = {joint.name for joint in joints}
    for joint in joints:
        if joint.mimic is not None and joint.mimic.joint not in names:
            raise RobotError(
                f"joint {joint.name!r} must mimic a joint between {base_link!r} and "
                f"{above[-1]!r}. Received: {joint.mimic.joint!r}. Fix it first: with_fixed_joints."
            )
    return joints


def _check_unique(kind: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str) or not name:
            raise RobotError(f"{kind} names must be non-empty strings. Received: {name!r}.")
        if name in seen:
            raise RobotError(f"{kind} names must be unique. Received: {name!r} twice.")
        seen.add(name)
