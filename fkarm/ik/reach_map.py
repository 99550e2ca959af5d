"""Where a link can go, and in how many orientations: a map of voxels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fkarm._checks import check_choice, check_count, check_positive, real_array
from fkarm._types import TensorLike
from fkarm.geometry import quat_wxyz_to_matrix
from fkarm.geometry.native import to_numpy
from fkarm.ik.solve import solve_ik
from fkarm.kinematics import forward_kinematics, sample_configurations
from fkarm.kinematics.arguments import base_name
from fkarm.model import Robot

METHODS = ("sampling", "ik")
_ROWS = 50_000  # at a time
_STARTS, _STEPS = 24, 32  # most of the targets that no start reaches are out of reach
_VOXELS_ACROSS = 24  # along the longest edge, where no size is given
_MOST_VOXELS = 20_000_000
# Turns per rotation of the two spirals: sqrt(2), and the root of x^4 = x + 4.
_SPIRALS = np.array([[2**0.5], [1.533751168755204288]])


@dataclass(frozen=True)
class ReachabilityMap:
    """What `fkarm.reachability` returns. NumPy arrays; `(x, y, z)` count voxels along the axes."""

    score: np.ndarray  # share of the orientations that are reached in each voxel, 0 to 1, (x, y, z)
    counts: np.ndarray  # random configurations whose link is in each voxel, (x, y, z)
    origin: np.ndarray  # lowest corner of the grid, m, in the frame of `base`, (3,)
    voxel_size: float  # edge of a voxel, m
    rotations: np.ndarray  # the orientations that were tested, (orientations, 3, 3)
    link: str
    base: str

    @property
    def is_reached(self) -> np.ndarray:
        """Whether a configuration brings the link into each voxel. Shape `(x, y, z)`."""
        return self.counts > 0

    @property
    def centers(self) -> np.ndarray:
        """Centres of the voxels, m, in the frame of `base`. Shape `(x, y, z, 3)`."""
        steps = np.moveaxis(np.indices(self.score.shape), 0, -1)
        return self.origin + (steps + 0.5) * self.voxel_size

    @property
    def volume(self) -> float:
        """Volume of the voxels that are reached, m^3."""
        return float(self.is_reached.sum() * self.voxel_size**3)

    def at(self, positions: TensorLike) -> np.ndarray:
        """Score of the voxels in which positions lie; 0 outside the grid, NaN for NaN.

        Args:
            positions: In the frame of `base`, m. Shape `(..., 3)`.
        Returns:
            Shape `(...)`.
        Raises:
            ValueError: If the last axis is not of size 3.
        """
        points = real_array("positions", to_numpy(positions)).astype(np.float64)
        if points.shape[-1:] != (3,):
            raise ValueError(f"positions must have shape (..., 3). Received: {points.shape}.")
        with np.errstate(invalid="ignore"):
            index = np.floor((points - self.origin) / self.voxel_size)
            is_inside = np.all((index >= 0) & (index < self.score.shape), axis=-1)
        rows = np.where(is_inside[..., None], index, 0).astype(np.int64)
        score = np.where(is_inside, self.score[tuple(np.moveaxis(rows, -1, 0))], 0.0)
        return np.where(np.isfinite(points).all(axis=-1), score, np.nan)


def reachability(
    robot: Robot,
    link: str | None = None,
    *,
    base: str | None = None,
    voxel_size: float | None = None,
    orientations: int = 16,
    samples: int = 1_000_000,
    method: str = "sampling",
    seed: int = 0,
) -> ReachabilityMap:
    """Map the positions that a link reaches, and the share of orientations that it reaches there.

    `"sampling"` draws random configurations and computes their poses. A voxel's score is the share
    of the tested orientations that are the nearest ones to the orientation of some pose in it. It
    takes seconds and is too low where few samples come: allow ten per voxel and orientation.

    `"ik"` takes the voxels that the samples reach, and solves inverse kinematics for each tested
    orientation at their centres. It takes minutes for an arm without a closed form. With one of six
    joints the score is exact.

    Args:
        robot: The robot.
        link: Name of the link; None: `robot.end_effector`.
        base: The link in whose frame the map is; None: the root link.
        voxel_size: Edge of a voxel, m; None: a 24th of the longest edge of the reached space. The
            centres of voxels lie at its multiples, so maps of equal size align.
        orientations: Number of tested orientations, spread evenly over all orientations. With 1,
            the score of every voxel that is reached is 1 for `"sampling"`.
        samples: Number of random configurations.
        method: `"sampling"` or `"ik"`.
        seed: Seed of the configurations; the same seed gives the same map.
    Returns:
        `ReachabilityMap`. `fkarm.viz.plot_reachability` draws it.
    Raises:
        UnknownLinkError: If the link or `base` does not exist.
        RobotError: If a prismatic joint lacks a limit.
        ValueError: If a number is out of range, the method is unknown, or the grid would have more
            than 20 million voxels.
    Example:
        >>> arm = fkarm.robots.planar([0.4, 0.3])
        >>> reached = fkarm.reachability(arm, voxel_size=0.1, orientations=1, samples=20_000)
        >>> reached.at([[0.5, 0.0, 0.0], [0.8, 0.0, 0.0], [0.0, 0.0, 0.0]]).tolist()
        [1.0, 0.0, 0.0]
    """
    check_choice("method", method, METHODS)
    check_count("orientations", orientations)
    check_count("samples", samples)
    if voxel_size is not None:
        check_positive("voxel_size", voxel_size)
    link, base = robot.link_or_end_effector(link), base_name(robot, base)
    rotations = even_rotations(orientations)
    positions, nearest = _sampled(robot, link, base, samples, seed, rotations)
    size, lowest, shape = _grid(positions, voxel_size)
    index = np.ravel_multi_index(tuple((_voxels(positions, size) - lowest).T), shape)
    voxels, counts = np.unique(index, return_counts=True)
    # With a score of zero, because no orientation was tested yet.
    found = ReachabilityMap(
        np.zeros(shape),
        _filled(shape, voxels, counts),
        (lowest - 0.5) * size,
        size,
        rotations,
        link,
        base,
    )
    if method == "ik":
        reached = _by_ik(robot, found, seed)
    else:
        pairs = np.unique(index * orientations + nearest)
        reached = np.unique(pairs // orientations, return_counts=True)[1]
    return replace(found, score=_filled(shape, voxels, reached / orientations))


def even_rotations(count: int) -> np.ndarray:
    """Rotations that cover all orientations evenly. Float64, `(count, 3, 3)`.

    Reference:
        [Alexa2022].
    """
    s = (np.arange(count) + 0.5) / count
    angles = 2 * np.pi * count * s / _SPIRALS
    radii = np.sqrt([s, 1 - s])
    quat = np.concatenate([radii * np.sin(angles), radii * np.cos(angles)])
    return to_numpy(quat_wxyz_to_matrix(quat.T))


def _sampled(
    robot: Robot, link: str, base: str, samples: int, seed: int, rotations: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the link at random configurations, and which rotation is nearest to it."""
    q = sample_configurations(robot, samples, seed, dtype="float32")
    positions, nearest = np.empty((samples, 3)), np.empty(samples, np.int64)
    flat = rotations.reshape(-1, 9).T.astype("float32")
    for first in range(0, samples, _ROWS):
        rows = slice(first, first + _ROWS)
        poses = to_numpy(forward_kinematics(robot, q[rows], link, base))
        positions[rows] = poses[:, :3, 3]
        nearest[rows] = np.argmax(poses[:, :3, :3].reshape(-1, 9) @ flat, axis=1)
    return positions, nearest


def _voxels(positions: np.ndarray, size: float) -> np.ndarray:
    """Voxels of positions, counted from that around the origin: a plane lies within its voxels."""
    return np.floor(positions / size + 0.5).astype(np.int64)


def _grid(
    positions: np.ndarray, voxel_size: float | None
) -> tuple[float, np.ndarray, tuple[int, ...]]:
    """Edge of a voxel, the lowest voxel and how many voxels there are along each axis."""
    ends = np.stack([positions.min(axis=0), positions.max(axis=0)])
    size = float(voxel_size or np.ptp(ends, axis=0).max() / _VOXELS_ACROSS or 1.0)
    across = np.ptp(ends, axis=0) / size + 1
    if np.prod(across) > _MOST_VOXELS:
        raise ValueError(
            f"voxel_size must give at most {_MOST_VOXELS:,} voxels. Received: {voxel_size!r}, of "
            f"which the reached space needs {np.prod(across):,.0f}. Choose larger voxels."
        )
    lowest, highest = _voxels(ends, size)
    return size, lowest, tuple(int(n) for n in highest - lowest + 1)


def _by_ik(robot: Robot, found: ReachabilityMap, seed: int) -> np.ndarray:
    """How many orientations are reached at the centre of every voxel that samples reach."""
    centers, rotations = found.centers[found.is_reached], found.rotations
    reached = np.empty(len(centers), np.int64)
    step = max(1, _ROWS // len(rotations))
    for first in range(0, len(centers), step):
        places = centers[first : first + step, None]
        targets = np.zeros((len(places), len(rotations), 4, 4), "float32")
        targets[..., :3, :3], targets[..., :3, 3], targets[..., 3, 3] = rotations, places, 1.0
        result = solve_ik(
            robot, targets, found.link, base=found.base, starts=_STARTS, max_steps=_STEPS, seed=seed
        )
        reached[first : first + step] = result.converged.sum(axis=1)
    return reached


def _filled(shape: tuple[int, ...], voxels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A grid with these values in these voxels, and zeros."""
    grid = np.zeros(shape, values.dtype)
    grid.flat[voxels] = values
    return grid
