"""A robot as a tree that a person reads."""

import fkarm
from fkarm import Joint, Robot


def test_print_shows_types_axes_and_limits_with_units(every_joint, panda):
    text = str(every_joint)
    for part in (
        "3 dof",
        "7 links",
        "end effector tip_1",
        "revolute about -y",
        "-114.592 to 57.2958 deg",
        "prismatic along (0, 0.6, 0.8)",
        "-100 to 400 mm",
        "unlimited",
        "bolt: fixed",
        "= -0.5 * turn + 0.2",
        "<- end effector",
    ):
        assert part in text, part
    assert repr(panda) == "Robot('panda', dof=7, links=11, end_effector='panda_hand')"


def test_print_indents_forks_only():
    chain = Robot.from_joints([Joint(f"j{i}") for i in range(50)])
    assert max(len(line) - len(line.lstrip()) for line in str(chain).splitlines()) == 2
    fork = str(fkarm.robots.panda(gripper=True))
    assert "\n  + panda_rightfinger" in fork
    assert "\n  panda_hand " in fork
