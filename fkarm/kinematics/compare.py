"""Do two descriptions, a DH table and a URDF say, mean the same arm?

Two arms are the same when `T_a(q) = B T_b(s * q + o) T` for constant transforms B and T, senses
`s = +-1` and offsets `o`. The search works on joint screws (axis directions and moments):

1. Products of two screws of one configuration do not change under rigid motions; their squares
   do not change with a sense either. At one random configuration `q` of a, find the
   configurations `u` of b with the same squares, by damped least squares from many starts.
2. For each `u` and each choice of senses, `o = u - s q`. Keep what fits other configurations.
3. The screws of a are those of b moved by B, with the senses as signs: a linear fit. T follows.

The first and the last joint change no product: their offsets are part of B and T.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from fkarm.errors import RobotError
from fkarm.geometry.native import has_float64, to_numpy
from fkarm.kinematics.forward import forward_kinematics
from fkarm.kinematics.jacobian import geometric_jacobian
from fkarm.model import Robot
from fkarm.model.report import reach_below

_STARTS, _STEPS, _KEPT = 96, 60, 6
_PARALLEL, _EXACT = 1e-9, 1e-7


@dataclass(frozen=True)
class RobotComparison:
    """How one arm becomes another: `T_a(q) = base @ T_b(senses * q + offsets) @ tool`.

    Args:
        base: Pose of b's root link in a's. Shape `(4, 4)`, m.
        tool: Pose of a's end effector in b's. Shape `(4, 4)`, m.
        senses: 1 or -1 for each joint. Shape `(dof,)`.
        offsets: Offset of each joint, rad or m; 0 for the first and the last, whose offsets are
            part of `base` and `tool`. Shape `(dof,)`.
        position_error_mm: Largest distance left over random configurations, mm.
        orientation_error_deg: Largest angle left over random configurations, degrees.
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
    """Find what stands between two descriptions of an arm, and what is left over.

    Compares the chains to the two end effectors. Limits are not compared.

    Args:
        a: A robot whose joints turn or slide.
        b: Another, with the same number of joints of the same kinds in order.
        samples: Random configurations to measure the residual over.
        seed: Seed of the search and of the samples.
    Returns:
        The best fit found and its residual; `is_same()` says whether it is exact. For arms that
        differ the residual is that of the best candidate, not of a fit to the last micrometre.
    Raises:
        TypeError: If `a` or `b` is not a Robot.
        RobotError: If the robots differ in their joints' number or kinds, have no joints, or
            have joints with several entries of `q`.
        RuntimeError: If JAX has float64 switched off.
    """
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
            f"Received: {a.name!r} with {_kinds(a)}; {b.name!r} with {_kinds(b)}."
        )
    rng = np.random.default_rng(seed)
    size = _size(a)
    spread = np.array([1.5 if entries == ("angle",) else 0.3 * size for entries in kinds[0]])
    q = spread * rng.uniform(-1, 1, size=(6, a.dof))
    fits = [
        _fit_frames(a, b, q, senses, offsets, size)
        for senses, offsets in _candidates(a, b, q, spread, size, rng)
    ]
    # Nothing between them at all is the first guess; for arms that differ a little, a good one.
    nothing = np.ones(a.dof), np.zeros(a.dof)
    fits += [(np.eye(4), np.eye(4), *nothing), _fit_frames(a, b, q, *nothing, size)]
    q = spread * rng.uniform(-1, 1, size=(samples, a.dof))
    best = min(
        (_measured(a, b, q, *fit) for fit in fits),
        key=lambda fit: _preference(
            fit.position_error_mm / size + 20 * fit.orientation_error_deg, fit.senses, fit.offsets
        ),
    )
    return replace(best, length_ratio=size / _size(b))


def _preference(
    error: float, senses: np.ndarray, offsets: np.ndarray
) -> tuple[float, float, float]:
    """Exact first; among exact ones fewest turned senses, then smallest offsets.

    An arm whose neighbouring axes meet at right angles has several exact answers: a sense can
    be turned by half a turn of the joint before.
    """
    return max(error, _EXACT), float(np.sum(senses < 0)), float(np.abs(np.sin(offsets / 2)).sum())


def _kinds(robot: Robot) -> str:
    return ", ".join(joint.type for joint in robot.independent_joints) or "no joints"


def _size(robot: Robot) -> float:
    """A length to compare moments with directions."""
    reach = reach_below(robot.joints).get(robot.root_link, 0.0)
    return reach if 0 < reach < math.inf else 1.0


def _screws(robot: Robot, q: np.ndarray, size: float) -> np.ndarray:
    """Axis direction and moment (over `size`) of each joint. `(..., dof)` to `(..., dof, 6)`."""
    jacobian = np.swapaxes(to_numpy(geometric_jacobian(robot, q)), -1, -2)
    tip = to_numpy(forward_kinematics(robot, q, robot.end_effector))[..., None, :3, 3]
    direction = jacobian[..., 3:]
    moment = jacobian[..., :3] - np.cross(direction, tip)
    is_slider = (np.abs(direction).sum(axis=-1, keepdims=True) == 0) * np.ones(3)
    return np.concatenate([direction, np.where(is_slider, moment, moment / size)], axis=-1)


def _features(screws: np.ndarray, parallel: np.ndarray) -> np.ndarray:
    """Numbers of a set of screws that rigid motions and senses leave alone."""
    w, v = screws[..., :3], screws[..., 3:]
    i, j = np.triu_indices(screws.shape[-2], 1)
    killing = np.sum(w[..., i, :] * w[..., j, :], axis=-1)
    klein = np.sum(w[..., i, :] * v[..., j, :] + w[..., j, :] * v[..., i, :], axis=-1)
    slide = np.sum(v[..., i, :] * v[..., j, :], axis=-1)
    slide = slide * ((np.abs(w[..., i, :]) + np.abs(w[..., j, :])).sum(axis=-1) == 0)
    # The products are blind to the distance of parallel axes.
    apart = v[..., i, :] - np.sign(killing)[..., None] * v[..., j, :]
    distance = np.sum(apart * apart, axis=-1) * parallel
    return np.concatenate([killing**2, killing * klein, klein**2, slide**2, distance], axis=-1)


def _parallel(screws: np.ndarray) -> np.ndarray:
    """Which pairs of axes are parallel."""
    i, j = np.triu_indices(screws.shape[-2], 1)
    return np.sum(screws[..., i, :3] * screws[..., j, :3], axis=-1) ** 2 > 1 - _PARALLEL


def _candidates(
    a: Robot,
    b: Robot,
    q: np.ndarray,
    spread: np.ndarray,
    size: float,
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Senses and offsets that give b the features of a at the configurations `q`, best first."""
    screws_a = _screws(a, q, size)
    parallel = _parallel(screws_a)
    wanted = _features(screws_a, parallel)
    u = _same_features(b, wanted[0], parallel[0], spread, size, rng)
    inner = np.arange(1, a.dof - 1)
    scored = []
    for signs in itertools.product((1.0, -1.0), repeat=len(inner)):
        senses = np.ones(a.dof)
        senses[inner] = signs
        offsets = u - senses * q[0]
        offsets[:, [0, -1]] = 0.0
        moved = senses * q[:, None, :] + offsets
        errors = _features(_screws(b, moved, size), parallel[:, None, :]) - wanted[:, None, :]
        for error, offset in zip(
            np.abs(errors).max(axis=(0, 2), initial=0.0), offsets, strict=True
        ):
            scored.append((float(error), senses, offset))
    scored.sort(key=lambda each: _preference(*each))
    found = []
    for _, senses, offset in scored[:_KEPT]:
        for first, last in itertools.product((1.0, -1.0), repeat=2):
            ends = senses.copy()
            ends[0], ends[-1] = first, last if a.dof > 1 else first
            found.append((ends, offset))
    return found


def _same_features(
    robot: Robot,
    wanted: np.ndarray,
    parallel: np.ndarray,
    spread: np.ndarray,
    size: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Configurations with the wanted features: Levenberg-Marquardt from many starts, best first."""
    scale = np.where(spread == 1.5, math.pi, size)
    u = scale * rng.uniform(-1, 1, size=(_STARTS, robot.dof))
    damping = np.full(_STARTS, 1e-2)
    step = 1e-6 * scale
    moves = np.concatenate([np.zeros((1, robot.dof)), np.diag(step), -np.diag(step)])

    def residual(points: np.ndarray) -> np.ndarray:
        return _features(_screws(robot, points, size), parallel) - wanted

    cost = np.sum(residual(u) ** 2, axis=-1)
    for _ in range(_STEPS):
        around = residual(u[:, None, :] + moves)
        r, ahead, behind = around[:, 0], around[:, 1 : robot.dof + 1], around[:, robot.dof + 1 :]
        jacobian = (ahead - behind) / 2e-6  # for steps in units of `scale`, (starts, dof, features)
        normal = jacobian @ np.swapaxes(jacobian, 1, 2) + damping[:, None, None] * np.eye(robot.dof)
        gradient = np.einsum("sdf,sf->sd", jacobian, r)
        trial = u - scale * np.linalg.solve(normal, gradient[..., None])[..., 0]
        trial_cost = np.sum(residual(trial) ** 2, axis=-1)
        better = trial_cost < cost
        u, cost = np.where(better[:, None], trial, u), np.where(better, trial_cost, cost)
        damping = np.clip(np.where(better, 0.2 * damping, 5.0 * damping), 1e-15, 1e6)
    return u[np.argsort(cost)][: _STARTS // 3]


def _fit_frames(
    a: Robot, b: Robot, q: np.ndarray, senses: np.ndarray, offsets: np.ndarray, size: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Base and tool for given senses and offsets: the screws of a are those of b, moved."""
    moved = senses * q + offsets
    screws_a = _screws(a, q, size)
    screws_b = senses[:, None] * _screws(b, moved, size)
    (w_a, v_a), (w_b, v_b) = ((s[..., :3], s[..., 3:]) for s in (screws_a, screws_b))
    # Directions turn with the base; so do moments of sliders, and differences between those
    # of axes that are parallel.
    i, j = np.triu_indices(a.dof, 1)
    sign = np.sign(np.sum(w_a[:, i] * w_a[:, j], axis=-1))
    free = (_parallel(screws_a) * sign)[..., None]
    slider = 1.0 * (np.abs(w_a).sum(axis=-1, keepdims=True) == 0)
    vectors_a, vectors_b = (
        np.concatenate(
            [w.reshape(-1, 3), (slider * v).reshape(-1, 3),
             (free * (v[:, i] - sign[..., None] * v[:, j])).reshape(-1, 3)]
        )
        for w, v in ((w_a, v_a), (w_b, v_b))
    )  # fmt: skip
    rotation = _nearest_rotation(vectors_a.T @ vectors_b)
    turned = (w_b @ rotation.T).reshape(-1, 3)
    left = (v_a - v_b @ rotation.T).reshape(-1, 3)
    # left = p x turned, three equations a screw: -[turned]_x p = left.
    zero = np.zeros(len(turned))
    x, y, z = turned.T
    skew = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], axis=-1).reshape(-1, 3)
    position, *_ = np.linalg.lstsq(skew, left.ravel(), rcond=1e-9)
    base = np.eye(4)
    base[:3, :3], base[:3, 3] = rotation, size * position
    tips_a = to_numpy(forward_kinematics(a, q, a.end_effector))
    tips_b = to_numpy(forward_kinematics(b, moved, b.end_effector))
    tool = np.mean(np.linalg.inv(base @ tips_b) @ tips_a, axis=0)
    tool[:3, :3] = _nearest_rotation(tool[:3, :3])
    return base, tool, senses, offsets


def _nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    u, _, vt = np.linalg.svd(matrix)
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt


def _measured(
    a: Robot,
    b: Robot,
    q: np.ndarray,
    base: np.ndarray,
    tool: np.ndarray,
    senses: np.ndarray,
    offsets: np.ndarray,
) -> RobotComparison:
    """The comparison with its residual over configurations."""
    tips_a = to_numpy(forward_kinematics(a, q, a.end_effector))
    tips_b = to_numpy(forward_kinematics(b, senses * q + offsets, b.end_effector))
    tips_b = base @ tips_b @ tool
    distance = np.linalg.norm(tips_a[:, :3, 3] - tips_b[:, :3, 3], axis=-1)
    difference = np.linalg.norm(tips_a[:, :3, :3] - tips_b[:, :3, :3], axis=(1, 2))
    angle = 2 * np.arcsin(np.minimum(1.0, difference / math.sqrt(8)))
    turns = np.array(["angle" in joint.entries for joint in a.independent_joints])
    wrapped = np.where(turns, (offsets + math.pi) % (2 * math.pi) - math.pi, offsets)
    return RobotComparison(
        base, tool, senses.astype(int), wrapped, 1e3 * distance.max(), np.degrees(angle.max())
    )
