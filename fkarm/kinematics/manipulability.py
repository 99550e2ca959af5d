"""How well a link can move in every direction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce

from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.geometry.safe import is_negligible, safe_sqrt
from fkarm.kinematics.arguments import base_name
from fkarm.kinematics.chain import Chain, link_twists, screws
from fkarm.kinematics.chain_array import ChainArray, chain_array
from fkarm.kinematics.entries import Entry, add, mul, sub
from fkarm.kinematics.in_numpy import Array, jacobian, posture, volume
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.kinematics.stage import InNumpy
from fkarm.kinematics.task import task_rows
from fkarm.kinematics.tree import Tree
from fkarm.model import Robot


def manipulability(
    robot: Robot,
    q: TensorLike,
    link: str | None = None,
    task: str | Sequence[str] = "pose",
    base: str | None = None,
) -> Tensor:
    """Yoshikawa's measure of how well a link can move in every direction, `sqrt(det(J J^T))`.

    Zero at a singularity. Computed by orthogonalising the rows of the geometric Jacobian, which
    keeps twice the digits of the determinant.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        link: Name of the link; None: `robot.end_effector`.
        task: The rows of the Jacobian that count: `"pose"`, `"position"`, `"orientation"`, or a
            list of `"x"`, `"y"`, `"z"`, `"rx"`, `"ry"`, `"rz"` (the base's axes):
            `("x", "y", "rz")` for an arm that moves in a plane.
        base: The link against which the link moves, on any branch; None: the root link.
    Returns:
        Measure, in m and rad to the powers of the rows. Shape `(...)`.
    Raises:
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`, or the task is unknown or
            has more rows than the link has degrees of freedom.
    Gradient:
        With respect to `q`; zero at a singularity, where the measure has a corner.
    Reference:
        [Yoshikawa1985].
    """
    link, base = robot.link_or_end_effector(link), base_name(robot, base)
    rows = task_rows(task)
    freedom = plan_chain(robot, (link,), base).freedom
    if len(rows) > freedom:
        raise ValueError(
            f"task must have at most as many axes as {link!r} has degrees of freedom in {base!r}: "
            f"{freedom}. Received: {task!r}, with {len(rows)}. Name the axes it can move along: "
            "('x', 'y')."
        )
    return chain_array(_measure(rows), robot, q, link, base)[..., 0]


@cache
def _measure(rows: tuple[int, ...]) -> ChainArray:
    """Product of the lengths of the Jacobian's rows, each orthogonal to the rows before it."""

    def measure(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
        twists = link_twists(plan, screws(plan, q, chain), chain)
        jacobian = [(*linear, *angular) for linear, angular in twists]  # column by column
        left = [[column[row] for column in jacobian] for row in rows]
        squares: list[Entry] = []
        while left:
            first, *left = left
            square = _product(first, first)
            squares.append(square)
            inverse = _safe_inverse(square)
            for index, row in enumerate(left):
                share = mul(inverse, _product(first, row))
                left[index] = [sub(a, mul(share, b)) for a, b in zip(row, first, strict=True)]
        # One root of the product: the roots of its factors have no gradient at zero.
        return [safe_sqrt(ops.convert_to_tensor(reduce(mul, squares), q[0].dtype))], ()

    def in_numpy(tree: Tree) -> InNumpy:
        def value(q: Array) -> tuple[Array, None]:
            return volume(jacobian(posture(tree, q))[:, rows])[:, None], None

        return value

    return ChainArray(measure, in_numpy)


def _product(a: list[Entry], b: list[Entry]) -> Entry:
    return reduce(add, (mul(x, y) for x, y in zip(a, b, strict=True)))


def _safe_inverse(square: Entry) -> Entry:
    if isinstance(square, float):
        return 1.0 / square if square else 0.0
    is_zero = is_negligible(square)
    return ops.where(is_zero, 0.0, 1.0 / ops.where(is_zero, 1.0, square))
