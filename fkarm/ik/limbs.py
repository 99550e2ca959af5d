"""Links that share no joint are searched for apart, and their answers are put together.

Two arms on a fixed base, or the feet and the hands of a humanoid whose pelvis stands still, are
smaller problems. A start that fails for one of them would otherwise fail for all.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.ik.problem import Problem, make_components
from fkarm.ik.request import Request
from fkarm.ik.result import IKReason, IKResult
from fkarm.kinematics.plan import plan_chain

# The reason of an answer is that of the limb whose reason comes last here.
_BY_SEVERITY = [
    IKReason.SOLVED, IKReason.STEPS, IKReason.LIMITS, IKReason.OUT_OF_REACH, IKReason.NAN,
]  # fmt: skip


class Limb(NamedTuple):
    """Links that share joints with each other and with no other link."""

    problem: Problem  # of these links alone
    links: list[int]  # their indices in the whole problem
    components: list[int]  # the indices of their components
    entries: list[int]  # the entries of q that move them


@cached(64)
def limbs_of(problem: Problem) -> tuple[Limb, ...]:
    """The links of a problem in groups that share no joint."""
    groups: list[tuple[list[int], set[int]]] = []
    for index, link in enumerate(problem.links):
        links, entries = [index], set(plan_chain(problem.robot, (link,), problem.base).entries)
        for group in [each for each in groups if each[1] & entries]:
            groups.remove(group)
            links, entries = [*group[0], *links], group[1] | entries
        groups.append((sorted(links), entries))
    return tuple(_limb(problem, links, sorted(entries)) for links, entries in groups)


def _limb(problem: Problem, links: list[int], entries: list[int]) -> Limb:
    rows, frame = problem.components
    ends = np.cumsum([len(each) for each in rows])
    of_links = np.split(np.arange(problem.components.size), ends)
    alone = problem._replace(
        links=tuple(problem.links[k] for k in links),
        components=make_components(tuple(rows[k] for k in links), frame),
    )
    return Limb(alone, links, np.concatenate([of_links[k] for k in links]).tolist(), entries)


def of_limb(request: Request, limb: Limb) -> Request:
    """What a request asks of the links of a limb; all other joints are held."""
    terms = request.terms
    is_own = np.zeros(len(terms.free), bool)
    is_own[limb.entries] = True
    halves = [2 * link + half for link in limb.links for half in (0, 1)]
    columns = [12 * link + k for link in limb.links for k in range(12)]
    q_ref = request.q_ref
    return request._replace(
        problem=limb.problem,
        terms=terms._replace(
            weights=terms.weights[limb.components],
            closeness=terms.closeness[halves],
            free=terms.free * is_own,
            lower=np.where(is_own, terms.lower, -np.inf),
            upper=np.where(is_own, terms.upper, np.inf),
        ),
        targets=request.targets[:, limb.links],
        entries=request.entries[:, columns],
        tolerances=request.tolerances[limb.links],
        q_ref=None if q_ref is None else np.where(is_own, q_ref, request.rest),
    )


def joined(limbs: tuple[Limb, ...], results: list[IKResult]) -> IKResult:
    """The answers of all limbs as one."""
    q = results[0].q
    for limb, result in zip(limbs[1:], results[1:], strict=True):
        q[..., limb.entries] = result.q[..., limb.entries]
    _, converged, position, orientation, steps, start_index, reason, clearance = zip(
        *results, strict=True
    )
    names = [each.value for each in _BY_SEVERITY]
    severity = reduce(np.maximum, [sum(k * (r == n) for k, n in enumerate(names)) for r in reason])
    return IKResult(
        q,
        reduce(np.logical_and, converged),
        reduce(np.maximum, position),
        reduce(np.maximum, orientation),
        reduce(np.maximum, steps),
        reduce(np.maximum, start_index),
        np.array(names, reason[0].dtype)[severity],
        clearance[0],
    )
