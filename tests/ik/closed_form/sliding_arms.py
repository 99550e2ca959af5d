"""Robots with joints that slide, and have a closed form."""

from ik.closed_form.arms import KR_6, PUMA_560, QUARTER, from_table

import fkarm
from fkarm import Joint

# Axes 1 and 2 are parallel.
LEVEL = [(0.4, 0, 0.3, 0), (0.3, QUARTER, 0.1, 0), (0.05, -QUARTER, 0, 0), *PUMA_560[3:]]
TOOL = ((0.05, 0.02, -0.1), (0.3, 0.2, 0.1))


def on_rail(robot, axis=(0, 1, 0), lower=-1.0, upper=1.0):
    """The arm on a linear axis, on an oblique mount."""
    rail = Joint(
        "rail", "prismatic", parent="ground", child="foot", axis=axis, rpy=(0.1, 0.2, 0.3),
        lower=lower, upper=upper,
    )  # fmt: skip
    joints = [rail]
    for joint in robot.joints:
        data = {**joint.__dict__}
        if data["parent"] == robot.root_link:
            data["parent"] = "foot"
        joints.append(Joint(**data))
    return fkarm.Robot(joints, end_effector=robot.end_effector)


def with_slide(robot, link, axis):
    """The arm with a slide behind a link."""
    joints = [slide("slide", axis, parent=link, child="sled")]
    for joint in robot.joints:
        data = {**joint.__dict__}
        if data["parent"] == link:
            data["parent"] = "sled"
        joints.append(Joint(**data))
    end = "sled" if link == robot.end_effector else robot.end_effector
    return fkarm.Robot(joints, end_effector=end)


def turn(name, axis=(0, 0, 1), **options):
    return Joint(name, axis=axis, lower=-3.0, upper=3.0, **options)


def slide(name, axis=(0, 0, 1), **options):
    return Joint(name, "prismatic", axis=axis, lower=-0.5, upper=0.5, **options)


def scara(order="RRPR"):
    """A SCARA robot whose joints turn (R) and slide (P) in this order."""
    joints = []
    for k, kind in enumerate(order):
        make = turn if kind == "R" else slide
        axis = (0, 0, -1) if k == 2 else (0, 0, 1)
        joints.append(make(f"joint_{k}", axis, xyz=(0.3 if k else 0.05, 0.02 * k, 0.1)))
    return fkarm.Robot.from_joints(joints, TOOL)


def wrist():
    return [turn("yaw", xyz=(0.1, 0, 0.2)), turn("pitch", (0, 1, 0)), turn("roll", (1, 0, 0))]


def gantry():
    slides = [slide("x", (1, 0, 0)), slide("y", (0, 1, 0), xyz=(0.1, 0.2, 0.3))]
    joints = [*slides, slide("z", (0.1, 0, 1)), *wrist()]
    return fkarm.Robot.from_joints(joints, TOOL)


def cylindrical(order="Rzr"):
    """Joints in this order, then a wrist: a turn, a lift along or across it, and a reach."""
    makers = {
        "R": lambda: turn("turn", xyz=(0.1, 0, 0.2)),
        "z": lambda: slide("lift", xyz=(0.05, 0.07, 0)),
        "r": lambda: slide("reach", (1, 0, 0), xyz=(0.1, 0.02, 0.3)),
        "o": lambda: slide("lift", (0, 1, 0.3), xyz=(0.05, 0.07, 0)),
    }
    return fkarm.Robot.from_joints([*(makers[each]() for each in order), *wrist()], TOOL)


def hand_first():
    """A wrist at the base and three slides behind it: the workpiece moves."""
    slides = [slide("x", (1, 0, 0), xyz=(0.1, 0, 0.2)), slide("y", (0, 1, 0)), slide("z")]
    return fkarm.Robot.from_joints([*wrist(), *slides], TOOL)


def lift():
    """A lift of two stages, of which the second mimics the first, with a SCARA robot on it."""
    second = slide("stage_2", xyz=(0, 0, 0.3), mimic=fkarm.Mimic("stage_1", 0.5))
    stages = [slide("stage_1"), second]
    turns = [turn("shoulder"), turn("elbow", xyz=(0.3, 0, 0)), turn("wrist", xyz=(0.25, 0, 0))]
    return fkarm.Robot.from_joints([*stages, *turns], TOOL)


WRIST, PARALLEL, SCARA = "spherical wrist", "three parallel axes", "three parallel axes and a slide"
# Robot, kind, branches and free joint.
SLIDING = {
    "UR5e on a rail": (lambda: on_rail(fkarm.robots.ur5e()), PARALLEL, 8, "rail"),
    "Puma on a rail": (lambda: on_rail(from_table(PUMA_560), (0.3, 0.2, 1)), WRIST, 8, "rail"),
    "UR5e with a lift": (
        lambda: with_slide(fkarm.robots.ur5e(), "shoulder_link", (0.2, 1, 0.4)),
        PARALLEL,
        8,
        "slide",
    ),
    "Puma with a lift": (
        lambda: with_slide(from_table(PUMA_560), "link_1", (0, 0, 1)),
        WRIST,
        8,
        "slide",
    ),
    "KR 6 with an upper arm that slides": (
        lambda: with_slide(from_table(KR_6), "link_2", (1, 0.3, 0.2)),
        WRIST,
        8,
        "slide",
    ),
    "KR 6 with a shoulder that slides": (
        lambda: with_slide(from_table(KR_6), "link_1", (0.3, 1, 0.2)),
        WRIST,
        8,
        "slide",
    ),
    "Puma with a forearm that slides": (
        lambda: with_slide(from_table(PUMA_560), "link_3", (0.1, 1, 0.2)),
        WRIST,
        8,
        "slide",
    ),
    "level arm with a first link that slides": (
        lambda: with_slide(from_table(LEVEL), "link_1", (1, 0.4, 0)),
        WRIST,
        8,
        "slide",
    ),
    "KR 6 with a tool that slides": (
        lambda: with_slide(from_table(KR_6), "flange", (0.2, 0.1, 1)),
        WRIST,
        8,
        "slide",
    ),
    "SCARA": (scara, SCARA, 2, None),
    "SCARA, slide first": (lambda: scara("PRRR"), SCARA, 2, None),
    "SCARA, slide second": (lambda: scara("RPRR"), SCARA, 2, None),
    "SCARA, slide last": (lambda: scara("RRRP"), SCARA, 2, None),
    "SCARA on a rail": (lambda: on_rail(scara(), (1, 0, 0)), SCARA, 2, "rail"),
    "SCARA on a lift of two stages": (lift, SCARA, 2, None),
    "gantry": (gantry, WRIST, 2, None),
    "gantry behind its wrist": (hand_first, "spherical shoulder", 2, None),
    "cylindrical": (cylindrical, WRIST, 4, None),
    "cylindrical, lift first": (lambda: cylindrical("zRr"), WRIST, 4, None),
    "cylindrical, turn last": (lambda: cylindrical("orR"), WRIST, 4, None),
}
