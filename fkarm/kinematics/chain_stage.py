"""Arrays that are computed from the chain to one link, compiled as a stage."""

from __future__ import annotations

from collections.abc import Callable

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.arguments import base_name, configuration
from fkarm.kinematics.chain import Chain, chain_frames
from fkarm.kinematics.engine import Function, compiled, once, sincos
from fkarm.kinematics.entries import Entry, stack_entries, unstack_entries
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.model import Robot

# What a stage computes: the entries of an array, and the sizes of its last axes.
Entries = Callable[[Plan, list[Tensor], Chain], tuple[list[Entry], tuple[int, ...]]]


def chain_stage(
    entries: Entries, robot: Robot, q: TensorLike, link: str | None, base: str | None
) -> Tensor:
    """The array whose entries `entries` computes from the chain between `base` and a link."""
    stage = _stage(entries, robot, robot.link_or_end_effector(link), base_name(robot, base))
    return stage(configuration(robot, q))


@once
def _stage(entries: Entries, robot: Robot, link: str, base: str) -> Function:
    plan = plan_chain(robot, (link,), base)

    def run(q: Tensor) -> Tensor:
        values = unstack_entries(q)
        array, axes = entries(plan, values, chain_frames(plan, values, sincos))
        return stack_entries(array, q, axes)

    return compiled(run, (1,)) if plan.nodes else run
