"""`compare_robots`, and what it returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fkarm.compare.frames import fit_frames
from fkarm.compare.screws import arm_size
from fkarm.compare.search import find_candidates, preference
from fkarm.errors import RobotError
from fkarm.geometry.native import has_float64, to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.model import Robot

_SPREAD = 1.5  # joints that turn are compared within so much of zero, rad


@dataclass(frozen=True)
class RobotComparison:
    """How one arm becomes another: `T_a(q) = base @ T_b(senses * q + offsets) @ tool`.

    Args:
        base: Pose of b's root link in a's. Shape `(4, 4)`, m.
        tool: Pose of a's end effector in b's. Shape `(4, 4)`, m.
        senses: 1 or -1 for each joint. Shape `(dof,)`.
        offsets: Offset of each joint, rad or m; 0 for the first and the last, whose offsets are
            part of `base` and `tool`. Shape `(dof,)`.
        position_error_mm: Largest distance that is left, over random configurations, mm.
        orientation_error_deg: Largest angle that is left, over random configurations, degrees.
        length_ratio: Reach of a over that of b; near 1000 one of them may be in millimetres.
    """

    base: np.ndarray
    tool: np.ndarray
    senses: np.ndarray
    offsets: np.ndarray
    position_error_mm: float
    orientation_error_deg: float
    length_ratio: float = 1.0

    def is_same(self, position_mm: float = 1e-3, orientation_deg: float = 1e-3) -> bool:
        """Whether what is left is within tolerances, mm and degrees."""
        return (
            self.position_error_mm <= position_mm and self.orientation_error_deg <= orientation_deg
        )

    def __str__(self) -> str:
        verdict = "the same arm" if self.is_same() else "different arms"
        larger = max(self.length_ratio, 1 / self.length_ratio)
        hint = ""
        if not self.is_same() and 800 < larger < 1250:
            which = "the first" if self.length_ratio > 1 else "the second"
            hint = f"lengths differ {larger:.4g} times: is {which} in millimetres?\n"
        with np.printoptions(precision=6, suppress=True):
            return (
                f"{verdict}: at most {self.position_error_mm:.3g} mm and "
                f"{self.orientation_error_deg:.3g} deg apart\n"
                f"{hint}"
                f"senses {self.senses}\noffsets {self.offsets}\n"
                f"base\n{self.base}\ntool\n{self.tool}"
            )


def compare_robots(a: Robot, b: Robot, samples: int = 100, seed: int = 0) -> RobotComparison:
    """Find what stands between two descriptions of an arm, and the difference that is left.

    Compares the chains to the two end effectors. Limits are not compared.

    Args:
        a: A robot whose joints turn or slide.
        b: Another, with the same number of joints of the same kinds in order.
        samples: Random configurations to measure the difference at.
        seed: Seed of the search and of the samples.
    Returns:
        The best fit and the difference it leaves; `is_same()` says whether it is exact. For arms
        that differ, the difference is that of the best candidate: it is not minimised further.
    Raises:
        TypeError: If `a` or `b` is not a Robot.
        RobotError: If the robots differ in their joints' number or kinds, have no joints, or
            have joints with several entries of `q`.
        RuntimeError: If JAX has float64 switched off.
    """
    a, b = _checked_chains(a, b)
    rng = np.random.default_rng(seed)
    size = arm_size(a)
    spread = np.where(np.array(a.entries) == "angle", _SPREAD, 0.3 * size)
    q = spread * rng.uniform(-1, 1, size=(6, a.dof))
    pairs = find_candidates(a, b, q, size, rng)
    # Nothing between them at all is the first guess; for arms that differ a little, a good one.
    nothing = np.ones(a.dof), np.zeros(a.dof)
    fits = [(np.eye(4), np.eye(4), *nothing)]
    fits += [(*fit_frames(a, b, q, *pair, size), *pair) for pair in [*pairs, nothing]]
    q = spread * rng.uniform(-1, 1, size=(samples, a.dof))
    best = min(
        (_measured(a, b, q, *fit) for fit in fits),
        key=lambda fit: preference(
            fit.position_error_mm / size + 20 * fit.orientation_error_deg, fit.senses, fit.offsets
        ),
    )
    return replace(best, length_ratio=size / arm_size(b))


def _checked_chains(a: Robot, b: Robot) -> tuple[Robot, Robot]:
    """The chains to the end effectors, of the same joints; or an error."""
    for robot in (a, b):
        if not isinstance(robot, Robot):
            raise TypeError(f"compare_robots takes two fkarm.Robot objects. Received: {robot!r}.")
    if not has_float64():
        raise RuntimeError(
            "compare_robots computes in float64. Received: JAX with float64 switched off. Call "
            "jax.config.update('jax_enable_x64', True) first."
        )
    a, b = (robot.sub_chain(robot.root_link, robot.end_effector) for robot in (a, b))
    kinds = [[joint.entries for joint in robot.independent_joints] for robot in (a, b)]
    if kinds[0] != kinds[1] or not kinds[0] or any(len(entries) != 1 for entries in kinds[0]):
        raise RobotError(
            "Robots can be compared if both have the same joints, turning or sliding, in order. "
            f"Received: {a.name!r} with {_types(a)}; {b.name!r} with {_types(b)}."
        )
    return a, b


def _types(robot: Robot) -> str:
    return ", ".join(joint.type for joint in robot.independent_joints) or "no joints"


def _measured(
    a: Robot,
    b: Robot,
    q: np.ndarray,
    base: np.ndarray,
    tool: np.ndarray,
    senses: np.ndarray,
    offsets: np.ndarray,
) -> RobotComparison:
    """A fit with the largest difference that it leaves at configurations `q (n, dof)` of a."""
    tips_a = to_numpy(forward_kinematics(a, q))  # (n, 4, 4)
    tips_b = base @ to_numpy(forward_kinematics(b, senses * q + offsets)) @ tool
    distance = np.linalg.norm(tips_a[:, :3, 3] - tips_b[:, :3, 3], axis=-1)
    # |R_a - R_b| = 2 sqrt(2) sin(angle / 2), by which small angles keep their digits.
    chord = np.linalg.norm(tips_a[:, :3, :3] - tips_b[:, :3, :3], axis=(1, 2))
    angle = 2 * np.arcsin(np.minimum(1.0, chord / math.sqrt(8)))
    wrapped = (offsets + math.pi) % (2 * math.pi) - math.pi
    wrapped = np.where(np.array(a.entries) == "angle", wrapped, offsets)
    return RobotComparison(
        base, tool, senses.astype(int), wrapped, 1e3 * distance.max(), np.degrees(angle.max())
    )
