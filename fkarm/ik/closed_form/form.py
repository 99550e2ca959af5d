"""`ClosedForm`: every solution of inverse kinematics, by arithmetic."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from fkarm._checks import check_pose_shape, check_real
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.native import concrete
from fkarm.geometry.safe import as_float, at_least_single
from fkarm.ik.closed_form.arithmetic import library_of
from fkarm.ik.closed_form.branches import TOLERANCES, Structure, all_branches
from fkarm.ik.closed_form.limits import copy_within
from fkarm.ik.closed_form.nearest import NearestBranch
from fkarm.ik.targets import check_rotations
from fkarm.kinematics.entries import Frame, unstack_entries
from fkarm.kinematics.joint_space import entry_kinds, nearest_to_zero
from fkarm.kinematics.stage import are_few, compiled
from fkarm.model import Robot
from fkarm.model.named import joint_of_entry

# How far beyond its limits the value of a free joint may be: float32 rounds it, rad or m.
_ROUNDING = 1e-6


class ClosedFormSolutions(NamedTuple):
    """What `ClosedForm.solve` returns. Tensors; batch axes are those of the targets.

    With a free joint there is an axis for its `k` values before that of the branches.
    """

    q: Tensor  # configurations, rad or m; finite where the target is, (..., [k,] branches, dof)
    is_solution: Tensor  # whether q brings the link to the target, (..., [k,] branches)
    within_limits: Tensor  # whether q is a solution within the joint limits, (..., [k,] branches)


class ClosedForm:
    """The closed form of a robot's inverse kinematics, as `fkarm.ik.closed_form` returns it.

    Attributes:
        robot: The robot.
        link: The link that is brought to the target.
        base: The link in whose frame the targets are.
        kind: `"spherical wrist"` (the last three axes meet in a point), `"spherical shoulder"`
            (the first three of those that are solved for do), `"three parallel axes"`, or
            `"three parallel axes and a slide"` (SCARA robots).
        branches: Number of branches: 8 for six joints that turn, 4 where two of them slide, 2 where
            three do, 2 for SCARA robots.
        free: Name of the joint whose value the caller chooses; None: there is none.
        free_entry: Its entry of `q`, or None.
        nearest: The branch that is nearest to a configuration, a `NearestBranch`.
        central: The branch that is farthest from limits, a `NearestBranch` of their middle.
        residual: By how much the robot's geometry misses that of the form, m and rad. Newton steps
            on the robot's own chain remove this error from the solutions.
    """

    def __init__(
        self,
        robot: Robot,
        link: str,
        base: str,
        structure: Structure,
        entries: tuple[int, ...],
    ) -> None:
        self.robot = robot
        self.link = link
        self.base = base
        self.kind = structure.kind
        self._axes = structure.solver.axes
        self.branches = 2**self._axes
        self.residual = structure.residual
        free = structure.arm.free
        self.free_entry = None if free is None else entries[free]
        self.free = None if self.free_entry is None else joint_of_entry(robot, self.free_entry).name
        self._structure = structure
        self._moving = [entries[k] for k in structure.chain.moving]
        ranks = (2,) if free is None else (2, 0)
        # By the type of the targets: their rounding decides what is singular or out of reach.
        self._few = {
            dtype: compiled(self._packed, ranks, in_numpy=partial(self._in_numpy, dtype))
            for dtype in TOLERANCES
        }
        self._many = compiled(self._separate, ranks, from_rows=0)
        parts = structure, self._moving, self.free_entry, robot.dof
        self.nearest = NearestBranch(*parts, by_largest=False)
        self.central = NearestBranch(*parts, by_largest=True)

    def __repr__(self) -> str:
        free = "" if self.free is None else f", free={self.free!r}"
        return f"<ClosedForm {self.kind!r}, {self.branches} branches, link={self.link!r}{free}>"

    def solve(self, T: TensorLike, free_value: TensorLike | None = None) -> ClosedFormSolutions:
        """Every configuration that brings the link to target poses.

        The branches are numbered by the signs of three square roots, `4 a + 2 b + c`. Of a
        spherical wrist `a` is the shoulder, `b` the elbow and `c` the wrist; of a spherical
        shoulder the same, counted from the hand; of three parallel axes `a` is the shoulder, `b`
        the wrist and `c` the elbow. Where slides carry the wrist there are fewer: `2 a + b` with
        the turn `a` of the arm and the wrist `b`, or the wrist alone if all three slide. A SCARA
        robot has its elbow alone. Along a path away from singularities a branch is continuous,
        but for whole turns. At a singularity branches coincide, and all of them are marked; of
        infinitely many solutions there, one per branch is returned.

        Where a branch has no solution, its square root of a negative number is taken as zero, so
        that the arm points to the target as well as it can; `is_solution` is False there. It is
        False too where a SCARA robot cannot turn its link as the target is: `q` then has the
        nearest orientation, at the target's position.

        Args:
            T: Target poses in the frame of `base`, m. Shape `(..., 4, 4)`.
            free_value: Values of the joint `free`, rad or m. Shape `(k,)`, or `(..., k)` with the
                batch axes of `T`; None: only where there is no free joint.
        Returns:
            Configurations and marks, in the dtype of `T`. A solution's error is at most 1e-5 m and
            rad in float32, 1e-9 in float64, by the robot's own chain. Joints with limits take the
            copy by whole turns that lies within them, of several the one nearest to zero; other
            joints that turn are within `[-pi, pi]`. Joints that do not move the link are at the
            value nearest to zero.
        Raises:
            TypeError: If `T` or `free_value` does not hold real numbers.
            ValueError: If a shape is wrong, a matrix is no pose, `free_value` is missing, is given
                without a free joint, or lies outside the limits of its joint.
        Gradient:
            With respect to `T` and `free_value`, by the formulas of the solution, also of branches
            that are no solutions; finite everywhere. Square roots and angles that are zero, but
            for rounding, have the gradient zero: so at a singularity the joints that it frees do
            not follow `T`. A NaN in `T` reaches its own row only.
        Reference:
            [Pieper1968]; [Elias2022]: the subproblems; [Ostermeier2025]: reversed chains.
        """
        pose = at_least_single(as_float(T, "T"))
        check_pose_shape("T", tuple(pose.shape))
        inputs = self._with_free(pose, free_value)
        found = self.branches_at(*inputs)
        self._check_poses(pose, found.is_solution)
        return found

    def _with_free(self, pose: Tensor, free_value: TensorLike | None) -> tuple[Tensor, ...]:
        """Poses and values of the free joint, with an axis for these after the batch axes."""
        if self.free is None:
            if free_value is not None:
                raise ValueError(
                    f"free_value must be None: {self.link!r} has no free joint. Received: "
                    f"{free_value!r}."
                )
            return (pose,)
        if free_value is None:
            raise ValueError(
                f"free_value must hold values of the free joint {self.free!r}, (k,) or (..., k). "
                "Received: None. Try numpy.linspace between its limits."
            )
        value = as_float(free_value, "free_value")
        batch = len(pose.shape) - 2
        if len(value.shape) not in (1, batch + 1):
            raise ValueError(
                "free_value must have shape (k,), or (..., k) with the batch axes of T. Received: "
                f"shapes {tuple(value.shape)} and {tuple(pose.shape)}."
            )
        self._check_free(value)
        value = ops.cast(value, keras.backend.standardize_dtype(pose.dtype))
        zero = ops.zeros_like(value)
        value = value + ops.zeros_like(pose[..., 0, 0])[..., None]
        return pose[..., None, :, :] + zero[..., None, None], value

    def _check_free(self, value: Tensor) -> None:
        check_real("free_value", value.dtype, value)
        array = concrete(value)
        if array is None:
            return
        pair = self.robot.lower_limits, self.robot.upper_limits
        low, high = (float(x[self.free_entry]) for x in pair)
        unit = "m" if entry_kinds(self.robot)[self.free_entry] == "length" else "rad"
        if np.any((array < low - _ROUNDING) | (array > high + _ROUNDING)):
            raise ValueError(
                f"free_value must be within the limits of {self.free!r}, {low:g} to {high:g} "
                f"{unit}. Received: values from {array.min():g} to {array.max():g}."
            )

    def branches_at(self, *inputs: Tensor) -> ClosedFormSolutions:
        """`solve` without checks: poses `(..., 4, 4)`, and values of the free joint `(...)`."""
        batch = tuple(inputs[0].shape)[:-2]
        if None in batch or not are_few(math.prod(batch)):
            q, solution, within = self._many(*inputs)
            return ClosedFormSolutions(q, solution > 0.5, within > 0.5)
        dtype = keras.backend.standardize_dtype(inputs[0].dtype)
        packed = self._few[dtype](*inputs)  # (..., branches, dof + 2)
        marks = packed[..., self.robot.dof :] > 0.5
        return ClosedFormSolutions(packed[..., : self.robot.dof], marks[..., 0], marks[..., 1])

    def _check_poses(self, pose: Tensor, is_solution: Tensor) -> None:
        """Raise ValueError for matrices that are no poses, where values are known.

        Only such rows are looked at that have no solution: the others are poses.
        """
        marks = concrete(is_solution)
        array = None if marks is None else concrete(pose)
        if marks is None or array is None:
            return
        axes = tuple(range(array.ndim - 2, marks.ndim))
        rest = array[~marks.any(axis=axes)]
        rest = rest[np.isfinite(rest).all(axis=(-1, -2))]
        if rest.size:
            check_rotations(rest[:, None])

    def _entries(self, target: list[Any], free: Any | None) -> tuple[list[Any], Any, Any]:
        """Entries of q, and marks, from those of poses; with axes of branches before the rows."""
        rows = [tuple(target[4 * i + k] for i in range(3)) for k in range(4)]
        frame = Frame((rows[0], rows[1], rows[2]), rows[3])
        values, is_solution = all_branches(self._structure, frame, free)
        dtype = keras.backend.standardize_dtype(target[0].dtype)
        library = library_of(target[0])
        zero = library.zeros_like(values[0] + sum(values[1:]))
        q = [zero + value for value in nearest_to_zero(self.robot).tolist()]
        inside = is_solution
        if self.free_entry is not None:
            q[self.free_entry] = zero + free
        slides = self._structure.chain.moving_slides
        for entry, slide, value in zip(self._moving, slides, values, strict=True):
            copy, fits = copy_within(self.robot, entry, slide, value, dtype)
            q[entry] = zero + copy
            inside = inside if fits is None else library.logical_and(inside, fits)
        one = library.ones_like(zero)
        return q, library.where(is_solution, one, zero), library.where(inside, one, zero)

    def _separate(self, pose: Tensor, *free: Tensor) -> list[Tensor]:
        q, solutions, within = self._of_pose(pose, *free)
        return [
            self._branches_last(ops.stack(q, axis=0), 1),
            *(self._branches_last(x, 0) for x in (solutions, within)),
        ]

    def _packed(self, pose: Tensor, *free: Tensor) -> Tensor:
        q, solutions, within = self._of_pose(pose, *free)
        return self._branches_last(ops.stack([*q, solutions, within], axis=0), 1)

    def _of_pose(self, pose: Tensor, *free: Tensor) -> tuple[list[Any], Any, Any]:
        entries = unstack_entries(ops.reshape(pose, (*ops.shape(pose)[:-2], 16)))
        return self._entries(entries, free[0] if free else None)

    def _in_numpy(self, dtype: str, pose: np.ndarray, *free: np.ndarray) -> tuple[np.ndarray, None]:
        entries = list(np.ascontiguousarray(pose.reshape(-1, 16).T, dtype))
        q, solutions, within = self._entries(entries, free[0].astype(dtype) if free else None)
        rows = np.stack([*q, solutions, within]).reshape(len(q) + 2, self.branches, -1)
        return np.ascontiguousarray(rows.transpose(2, 1, 0)), None

    def _branches_last(self, x: Tensor, entries: int) -> Tensor:
        """The axes of branches as one axis after those of the batch, then that of the entries."""
        end = entries + self._axes
        batch = range(end, len(x.shape))
        x = ops.transpose(x, (*batch, *range(entries, end), *range(entries)))
        sizes = ops.shape(x)[: len(batch)]
        return ops.reshape(x, (*sizes, self.branches, *x.shape[len(batch) + self._axes :]))


__all__: list[str] = ["ClosedForm", "ClosedFormSolutions"]
