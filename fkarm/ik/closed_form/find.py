"""`closed_form`: the closed form of a chain of a robot."""

from __future__ import annotations

from numbers import Real

from fkarm.config import cached
from fkarm.errors import NoClosedFormError, UnknownJointError, unknown_name
from fkarm.ik.closed_form.form import ClosedForm
from fkarm.ik.closed_form.layouts import TOLERANCE
from fkarm.ik.closed_form.recognise import recognise
from fkarm.ik.closed_form.screws import screws_of
from fkarm.kinematics.arguments import base_name
from fkarm.kinematics.plan import plan_chain
from fkarm.model import Robot
from fkarm.model.argument import check_robot

LARGEST_TOLERANCE = 0.02


def closed_form(
    robot: Robot,
    link: str | None = None,
    free: str | None = None,
    tolerance: float = TOLERANCE,
    base: str | None = None,
) -> ClosedForm:
    """The closed form of the inverse kinematics of a link: every solution, and no search.

    It exists for chains of these joints between base and link:

    - Six that turn, where the last three axes meet in a point (most industrial arms), the first
      three do, or axes 2 to 4, or 3 to 5, are parallel (Universal Robots).
    - Six of which the last three, or the first three, turn about axes that meet in a point, and
      the others slide (gantries), or turn once and slide twice (cylindrical arms).
    - Three that turn about parallel axes and one that slides along them, in any order (SCARA).
    - One more joint, where the value of one leaves such an arm: seven-joint arms, arms on a linear
      axis.

    Bases, tools, offsets, reversed axes, joints that are held by `with_fixed_joints` and joints
    elsewhere in the tree make no difference. Joints may mimic others that are not on the way from
    base to link, and slides may be mimicked by slides next to them (telescopes).

    Two axes that meet or are parallel must do so to 1e-5 m and rad, which includes files that round
    a quarter turn to 1.5708. Where they do not do so exactly, Newton steps on the robot's own chain
    make the solutions exact. What is not covered: wrists on arms of which neither two neighbours of
    the first three axes meet (axes 1 and 2) nor are parallel (1 and 2, or 2 and 3), or one slides
    and two turn; parallel axes whose other end does not meet; a link that follows one joint in
    several turns, as in palletisers.

    Args:
        robot: The robot.
        link: The link to bring to target poses; None: `robot.end_effector`.
        free: Name of the joint whose value the caller chooses, of seven, or of five with a SCARA
            robot; None: the first one that leaves a closed form, of those that slide, then of joint
            3, joint 7, joint 1, and the others.
        tolerance: By how much axes may miss a common point or parallelism, m and rad, from 1e-5 to
            0.02. An arm whose calibration moved its axes by tenths of a millimetre has the form of
            its data sheet; Newton steps on its own chain lead from there to its solutions. Those
            that they do not reach, beside singularities, are not marked.
        base: Link in whose frame the targets are, on any branch; None: the root link. Only joints
            between it and `link` are solved for.
    Returns:
        A `ClosedForm`; the same object for equal arguments.
    Raises:
        NoClosedFormError: If the chain has no closed form; the message says why.
        TypeError: If `robot` is no Robot.
        UnknownJointError: If the robot has no joint `free`.
        UnknownLinkError: If the robot has no such link, or `base` does not exist.
        ValueError: If `tolerance` is out of range.
    Example:
        >>> arm = fkarm.robots.ur5e()
        >>> form = fkarm.ik.closed_form(arm)
        >>> form.kind, form.branches
        ('three parallel axes', 8)
        >>> T = fkarm.forward_kinematics(arm, np.array([0.3, -1.2, 1.4, -0.6, 0.9, 0.2]))
        >>> found = form.solve(T)
        >>> int(np.sum(found.is_solution))
        8
    """
    check_robot(robot)
    name = robot.link_or_end_effector(link)
    if free is not None and free not in robot.coordinates:
        raise UnknownJointError(unknown_name("free", free, robot.joint_names))
    if not (isinstance(tolerance, Real) and TOLERANCE <= tolerance <= LARGEST_TOLERANCE):
        raise ValueError(
            f"tolerance must be a number from {TOLERANCE} to {LARGEST_TOLERANCE}, m and rad. "
            f"Received: {tolerance!r}."
        )
    return _closed_form(robot, name, base_name(robot, base), free, float(tolerance))


@cached(64)
def _closed_form(
    robot: Robot, link: str, base: str, free: str | None, tolerance: float
) -> ClosedForm:
    plan = plan_chain(robot, (link,), base)
    screws, names, entries = screws_of(robot, plan)
    if free is not None and (screws.size not in (5, 7) or free not in names):
        listed = ", ".join(repr(name) for name in names)
        raise NoClosedFormError(
            f"free must be one of seven joints between {base!r} and {link!r}, or of five with a "
            f"SCARA robot. Received: {free!r}; the joints are {listed or '(none)'}. With six "
            "joints, or four, leave it out."
        )
    index = None if free is None else names.index(free)
    structure = recognise(screws, plan, names, entries, index, tolerance)
    return ClosedForm(robot, link, base, structure, entries)


__all__: list[str] = ["closed_form"]
