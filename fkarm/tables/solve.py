"""Joint values that reach the target poses in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm._units import ANGLE_UNITS, LENGTH_UNITS
from fkarm.ik import IKResult, solve_ik
from fkarm.kinematics.task import task_rows
from fkarm.model import Robot
from fkarm.model.named import entry_units
from fkarm.tables.beside import beside, open_references
from fkarm.tables.columns import columns_of_shape, find_pose, joint_columns, to_matrices
from fkarm.tables.files import REASON, open_table
from fkarm.tables.hints import pose_hints
from fkarm.tables.jobs import block_rows_of, blocks, in_dtype
from fkarm.tables.run import CHUNK_ROWS, Progress, run
from fkarm.tables.summary import TableSummary

NOT_A_POSE = "NOT_A_POSE"


def solve_table(  # noqa: D417 - some arguments are those of forward_table
    robot: Robot,
    source: str | Path,
    out: str | Path,
    link: str | None = None,
    *,
    representation: str | None = None,
    q_ref: ArrayLike | str | Path | None = None,
    angle_unit: str = "rad",
    length_unit: str = "m",
    keep: Sequence[str] = (),
    chunk_rows: int = CHUNK_ROWS,
    engine: str = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> TableSummary:
    """Joint values that bring a link to the target poses in a file, row by row, in bounded memory.

    Args:
        robot: The robot.
        source: A CSV file with a header, a Parquet file, or a NPY file. Its columns say how poses
            are written: `x y z` with `qw qx qy qz`, with `rx ry rz` (a rotation vector) or with
            `roll pitch yaw`, or the matrix `T00 T01 T02 T03 T10 ... T23`; other columns are
            ignored. A NPY file is a structured array, matrices `(n, 3, 4)` or `(n, 4, 4)`, or
            numbers in the order of `representation`.
        out: The file to write, of any of these kinds; NPY: a structured array. It appears when it
            is complete. Its rows are those of `source`, with the columns `keep`, the joints (a
            joint with several entries of `q`: `name[0]`, `name[1]`, ...), `solved`, `reason` (of
            `fkarm.IKReason`, or `NOT_A_POSE`), and `position_error_m` and `orientation_error_rad`
            (or in the other units); with `clearance` also `clearance_m`, the smallest distance.
        link: The link; None: `robot.end_effector`.
        representation: One of `POSE_COLUMNS`: `"xyz_quat_wxyz"`, `"xyz_quat_xyzw"`,
            `"xyz_rotvec"`, `"xyz_rpy"`, `"xyz_ypr"`, `"matrix"`, `"position"`; None: that of the
            columns.
        q_ref: What answers shall be near: a configuration, rad or m, `(dof,)`, for all rows; or the
            path of a file with a configuration per row of `source`, in the units of the other
            arguments. That is a table with a column for each joint that moves the link, such as an
            output of this function, or a NPY file `(n, dof)`.
        angle_unit: `"rad"` or `"deg"`: of angles and rotation vectors of poses, of joints, and of
            the errors.
        length_unit: `"m"` or `"mm"`: of positions, of joints that slide, and of the errors.
        keep, chunk_rows, engine, overwrite, progress: As in `forward_table`.
        **options: Further arguments of `fkarm.solve_ik`, in m and rad, the same for all rows:
            `position_tolerance`, `task`, `method`, `clearance`, `obstacles`, ... With a task
            without rotations a table needs `x y z` only.
    Returns:
        A summary. Rows that are not solved hold the nearest configuration. A target with an empty
        cell or NaN, there or in its `q_ref`, a quaternion whose length is not one or a matrix that
        is no rotation (to 1e-3) has empty cells (NPY: NaN) instead.
    Raises:
        FileExistsError, OSError, TableError: As `forward_table`.
        UnknownLinkError: If the link does not exist.
        TypeError, ValueError: If another argument is not as stated, here or in `solve_ik`.
    """
    link = robot.link_or_end_effector(link)
    entry_units(robot, angle_unit, length_unit)  # checks their names

    def named(shape: tuple[int, ...]) -> Sequence[str]:
        return columns_of_shape(str(source), shape, representation)

    table = open_table(Path(source), named)
    is_position = max(task_rows(options.get("task", "pose"))) < 3
    form, columns = find_pose(str(source), table.names, representation, is_position)

    others: list[Path] = []
    joints: tuple[str, ...] = ()
    read = [*columns]
    if isinstance(q_ref, (str, Path)):
        others = [Path(q_ref)]
        references, joints = open_references(robot, others[0], link)
        table, names = beside(table, (Path(source), others[0]), references, joints)
        read += names
    elif q_ref is not None:
        options = {**options, "q_ref": q_ref}

    def hints(numbers: np.ndarray) -> list[str]:
        is_root = options.get("base") in (None, robot.root_link)
        poses = numbers[:, : len(columns)]
        return pose_hints(robot if is_root else None, poses, form, angle_unit, length_unit)

    size = block_rows_of(table.rows)
    job = SolveJob(robot, link, form, angle_unit, length_unit, size, options, joints)
    return run(
        job, table, read, hints, Path(source), Path(out), others, keep=keep, chunk_rows=chunk_rows,
        engine=engine, overwrite=overwrite, progress=progress,
    )  # fmt: skip


@dataclass(frozen=True)
class SolveJob:
    """Joint values that reach target poses, whether they do, and why not.

    In rows without a pose everything is NaN but `solved` and `reason`.
    """

    robot: Robot
    link: str
    representation: str
    angle_unit: str
    length_unit: str
    block_rows: int
    options: Mapping[str, Any] = field(default_factory=dict)
    joints: tuple[str, ...] = ()  # those whose `q_ref` is in the last columns

    @property
    def error_columns(self) -> tuple[str, ...]:
        """The columns of the errors, with their units."""
        return f"position_error_{self.length_unit}", f"orientation_error_{self.angle_unit}"

    def __call__(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """See `Job`: the numbers are the columns of the representation, then those of `q_ref`."""
        units = self.angle_unit, self.length_unit
        poses, references = np.split(numbers, [numbers.shape[1] - len(self.joints)], axis=1)
        matrices, is_pose = to_matrices(poses, self.representation, *units)
        is_pose &= np.isfinite(references).all(axis=1)
        matrices = in_dtype(np.where(is_pose[:, None, None], matrices, np.nan))
        parts = [
            self._solve(matrices[rows], references[rows])
            for rows in blocks(matrices, self.block_rows)
        ]
        answer = IKResult(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        q = np.where(is_pose[:, None], answer.q, np.nan) / np.array(entry_units(self.robot, *units))
        is_other = ~is_pose & np.isfinite(numbers).all(axis=1)
        position = answer.position_error / LENGTH_UNITS[self.length_unit]
        orientation = answer.orientation_error / ANGLE_UNITS[self.angle_unit]
        columns = {
            **dict(zip(joint_columns(self.robot), q.T, strict=True)),
            "solved": answer.converged,
            REASON: np.where(is_other, NOT_A_POSE, answer.reason),
            **dict(zip(self.error_columns, (position, orientation), strict=True)),
        }
        if self.options.get("clearance") is not None:
            name = f"clearance_{self.length_unit}"
            columns[name] = answer.clearance / LENGTH_UNITS[self.length_unit]
        return columns

    def _solve(self, matrices: np.ndarray, references: np.ndarray) -> IKResult:
        """The answers of some rows; in a `q_ref`, joints that have no column are zero."""
        options = dict(self.options)
        if self.joints:
            every = joint_columns(self.robot)
            units = entry_units(self.robot, self.angle_unit, self.length_unit)
            q_ref = np.zeros((len(references), len(every)))
            q_ref[:, [every.index(name) for name in self.joints]] = np.nan_to_num(references)
            options["q_ref"] = q_ref * np.array(units)
        return solve_ik(self.robot, matrices, self.link, **options)
