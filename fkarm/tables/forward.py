"""Poses of the configurations in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fkarm._checks import check_choice
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.model import Robot
from fkarm.model.named import entry_units
from fkarm.tables.columns import (
    POSE_COLUMNS,
    check_columns,
    configuration_columns,
    from_matrices,
    joint_columns,
    moving_columns,
)
from fkarm.tables.files import open_table
from fkarm.tables.hints import angle_hint
from fkarm.tables.jobs import block_rows_of, blocks, in_dtype
from fkarm.tables.run import CHUNK_ROWS, Progress, run
from fkarm.tables.summary import TableSummary


def forward_table(
    robot: Robot,
    source: str | Path,
    out: str | Path,
    link: str | None = None,
    *,
    representation: str = "xyz_quat_wxyz",
    angle_unit: str = "rad",
    length_unit: str = "m",
    keep: Sequence[str] = (),
    chunk_rows: int = CHUNK_ROWS,
    engine: str = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> TableSummary:
    """Poses of a link for the configurations in a file, row by row, in bounded memory.

    Args:
        robot: The robot.
        source: A CSV file with a header, a Parquet file, or a NPY file. It has a column for each
            joint that moves the link, under the joint's name (a joint with several entries of `q`:
            `name[0]`, `name[1]`, ...), in any order; other columns are ignored. A NPY file is a
            structured array, or numbers in the order of `robot.joint_names`, `(n, dof)`.
        out: The file to write, of any of these kinds; NPY: a structured array. It appears when it
            is complete.
        link: The link; None: `robot.end_effector`.
        representation: How poses are written, one of `POSE_COLUMNS`: `"xyz_quat_wxyz"`,
            `"xyz_quat_xyzw"`, `"xyz_rotvec"`, `"xyz_rpy"`, `"xyz_ypr"`, `"matrix"`, `"position"`.
        angle_unit: `"rad"` or `"deg"`: of joints, and of angles and rotation vectors of poses.
        length_unit: `"m"` or `"mm"`: of joints that slide, and of positions.
        keep: Columns of `source` to copy in front of the poses. Those of a CSV file are texts,
            unless they are read as numbers.
        chunk_rows: Rows to compute at a time, a multiple of 8000. The poses do not depend on it.
        engine: `"local"`: in this process. `"ray"`: on a Ray cluster, see docs/tables.md.
        overwrite: Whether `out`, and chunks of an interrupted run of another kind, may be replaced.
        progress: Called with the number of rows that are done, and the number of all rows (of a
            CSV file, of its lines: an upper bound).
    Returns:
        A summary. A row with an empty cell or NaN has empty cells (NPY: NaN) in its pose.
    Raises:
        FileExistsError: If `out` exists, and `overwrite` is False.
        OSError: If a file cannot be read or written.
        TableError: If a column is missing or holds no numbers, or the folder `out` + `.parts` holds
            chunks of a run with other arguments. After an interruption the same call continues
            from the chunks in that folder.
        UnknownLinkError: If the link does not exist.
        ValueError: If another argument is not as stated.
    """
    link = robot.link_or_end_effector(link)
    check_choice("representation", representation, POSE_COLUMNS)
    entry_units(robot, angle_unit, length_unit)  # checks their names
    every, columns = joint_columns(robot), moving_columns(robot, link)

    table = open_table(Path(source), lambda shape: configuration_columns(str(source), robot, shape))
    check_columns(str(source), columns, table.names)
    is_angle = [robot.entries[every.index(name)] == "angle" for name in columns]

    def hints(numbers: np.ndarray) -> list[str]:
        return angle_hint(numbers[:, is_angle], angle_unit)

    size = block_rows_of(table.rows)
    job = ForwardJob(robot, link, representation, angle_unit, length_unit, size)
    return run(
        job, table, columns, hints, Path(source), Path(out), keep=keep, chunk_rows=chunk_rows,
        engine=engine, overwrite=overwrite, progress=progress,
    )  # fmt: skip


@dataclass(frozen=True)
class ForwardJob:
    """Poses of a link: the columns of a representation, NaN in rows with a NaN."""

    robot: Robot
    link: str
    representation: str
    angle_unit: str
    length_unit: str
    block_rows: int

    @property
    def error_columns(self) -> tuple[str, ...]:
        """None: poses are exact."""
        return ()

    def __call__(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """See `Job`: the numbers are `moving_columns`."""
        robot = self.robot
        every, given = joint_columns(robot), moving_columns(robot, self.link)
        units = np.array(entry_units(robot, self.angle_unit, self.length_unit))
        q = np.zeros((len(numbers), robot.dof))
        q[:, [every.index(name) for name in given]] = numbers
        q = in_dtype(q * units)
        is_finite = np.isfinite(numbers).all(axis=1)
        parts = [
            to_numpy(forward_kinematics(robot, q[rows], self.link))
            for rows in blocks(q, self.block_rows)
        ]
        poses = from_matrices(
            np.concatenate(parts).astype(np.float64),
            self.representation,
            self.angle_unit,
            self.length_unit,
        )
        poses = np.where(is_finite[:, None], poses, np.nan)
        return dict(zip(POSE_COLUMNS[self.representation], poses.T, strict=True))
