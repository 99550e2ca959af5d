"""Which points of a person, or of anything else that was recorded, belong to which links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from fkarm._checks import check_non_negative, check_positive
from fkarm.errors import UnknownLinkError, unknown_name
from fkarm.model import Joint, Robot


@dataclass(frozen=True)
class KeyPoint:
    """The point of a recording that a place on a link follows.

    Args:
        point: Name of the point, or its index where points have no names.
        weight: Weight of a metre between the point and the place on the link, > 0.
        orientation_weight: Weight of a radian, >= 0, where the recording has orientations; 0 uses
            positions alone.
        xyz: The place in the link's frame, m.
        rpy: Orientation of the point's frame in the link's frame when they agree, rad. It only
            matters where the recording has orientations.
    Raises:
        ValueError: If a weight is out of range, or `xyz` or `rpy` are not three finite numbers.
    """

    point: str | int
    weight: float = 1.0
    orientation_weight: float = 0.3
    xyz: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rpy: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        check_positive("weight", self.weight)
        check_non_negative("orientation_weight", self.orientation_weight)
        for name in ("xyz", "rpy"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != (3,) or not np.isfinite(values).all():
                raise ValueError(
                    f"{name} must be three finite numbers. Received: {getattr(self, name)!r}."
                )
            object.__setattr__(self, name, tuple(values.tolist()))


Correspondence = Mapping[str, Any]


class Pair(NamedTuple):
    """A link of the robot, a point that it follows, and the name of the place that does so."""

    link: str
    key: KeyPoint
    place: str


def read_correspondence(robot: Robot, correspondence: Correspondence) -> tuple[Pair, ...]:
    """The pairs of a correspondence, links nearer the root first.

    Raises:
        TypeError: If it is no mapping, or holds something else than points.
        UnknownLinkError: If a link does not exist, or keys are points and values links.
        ValueError: If it is empty, or a link has a point twice.
    """
    if not isinstance(correspondence, Mapping) or not correspondence:
        raise TypeError(
            "correspondence must be a mapping {link: point} with at least one link. Received: "
            f"{correspondence!r}. Example: {{'left_hand': 'left_wrist'}}."
        )
    _check_direction(robot, correspondence)
    pairs = []
    for link, value in correspondence.items():
        robot.check_link(link)
        keys = [
            _key(link, each) for each in (value if isinstance(value, (list, tuple)) else [value])
        ]
        for key in keys:
            place = f"{link}@{key.point}" if any(key.xyz) or len(keys) > 1 else link
            pairs.append(Pair(link, key, place))
    places = [pair.place for pair in pairs]
    for place in places:
        if places.count(place) > 1:
            raise ValueError(f"A link must have a point once. Received: {place} twice.")
    order = {name: k for k, name in enumerate(robot.link_names)}
    return tuple(sorted(pairs, key=lambda pair: order[pair.link]))


def _check_direction(robot: Robot, correspondence: Correspondence) -> None:
    """Raise UnknownLinkError if points have links instead of links points."""
    links = set(robot.link_names)
    swapped = [
        (point, link)
        for point, link in correspondence.items()
        if isinstance(link, str) and link in links
    ]
    if swapped and not links & set(correspondence):
        point, link = swapped[0]
        raise UnknownLinkError(
            "correspondence must be {link: point}: its keys are links of the robot. Received: "
            f"{{{point!r}: {link!r}}}, the other way round. Try "
            "{link: point for point, link in correspondence.items()}."
        )


def _key(link: str, value: Any) -> KeyPoint:
    if isinstance(value, KeyPoint):
        return value
    if isinstance(value, (str, int, np.integer)) and not isinstance(value, bool):
        return KeyPoint(value if isinstance(value, str) else int(value))
    raise TypeError(
        f"correspondence[{link!r}] must be the name or the index of a point, a "
        f"fkarm.motion.KeyPoint or a list of these. Received: {value!r}."
    )


def with_places(robot: Robot, pairs: Sequence[Pair]) -> Robot:
    """The robot with a link fixed at every place that is not the frame of a link."""
    joints = [
        Joint(f"{pair.place} joint", "fixed", parent=pair.link, child=pair.place, xyz=pair.key.xyz)
        for pair in pairs
        if pair.place != pair.link
    ]
    return replace(robot, joints=(*robot.joints, *joints)) if joints else robot


def check_points(pairs: Sequence[Pair], names: Sequence[str | int]) -> None:
    """Raise ValueError unless the recording has every point of the correspondence."""
    for pair in pairs:
        if pair.key.point not in names:
            what = f"The point of {pair.link!r} in correspondence"
            if names and isinstance(names[0], int):
                raise ValueError(
                    f"{what} must be an index from 0 to {len(names) - 1}, because points has no "
                    f"names. Received: {pair.key.point!r}. Name them: names=[...]."
                )
            raise ValueError(unknown_name(what, pair.key.point, [str(name) for name in names]))
