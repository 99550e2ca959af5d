"""Link names as users give them: checked, and the end effector where none is given."""

import pytest

import fkarm
from fkarm import Joint, Robot


def test_no_name_means_the_end_effector(panda):
    assert panda.link_or_end_effector(None) == "panda_hand"
    assert panda.with_end_effector("panda_link3").link_or_end_effector(None) == "panda_link3"
    assert panda.link_or_end_effector("panda_link0") == "panda_link0"
    assert panda.links_or_end_effector(None) == "panda_hand"


def test_a_list_of_names_stays_a_list(panda):
    names = ["panda_link1", "panda_hand", "panda_link1"]
    assert panda.links_or_end_effector("panda_link1") == "panda_link1"
    assert panda.links_or_end_effector(names) == tuple(names)
    assert panda.links_or_end_effector(iter(names[:1])) == ("panda_link1",)
    assert panda.links_or_end_effector(panda.link_names) == panda.link_names


def test_a_link_that_does_not_exist_is_refused_with_the_nearest_one(panda):
    for call in (panda.check_link, panda.link_or_end_effector, panda.links_or_end_effector):
        with pytest.raises(fkarm.UnknownLinkError, match="Did you mean 'panda_hand'"):
            call("panda_hanb")
    with pytest.raises(fkarm.UnknownLinkError, match="Received: 'elbow'"):
        panda.links_or_end_effector(["panda_hand", "elbow"])


def test_a_joint_given_for_a_link_is_told_apart(panda):
    with pytest.raises(fkarm.UnknownLinkError, match="'panda_joint1' is a joint: .* 'panda_link1'"):
        panda.check_link("panda_joint1")


def test_what_is_no_name_is_refused(panda):
    with pytest.raises(fkarm.UnknownLinkError, match=r"Received: \['panda_hand'\]"):
        panda.check_link(["panda_hand"])
    with pytest.raises(TypeError, match=r"link must be one name.*Received: \['panda_hand'\]. Call"):
        panda.link_or_end_effector(["panda_hand"])
    for links in (5, [5], ["panda_hand", ["panda_link1"]]):
        with pytest.raises(TypeError, match="links must be a name, a list of names or None"):
            panda.links_or_end_effector(links)
    with pytest.raises(ValueError, match="at least one name. Received.*for the end effector"):
        panda.links_or_end_effector([])


def test_a_long_list_of_names_is_cut_with_a_count():
    chain = Robot.from_joints([Joint(f"j{i}") for i in range(100)])
    with pytest.raises(fkarm.UnknownLinkError, match="and 61 more"):
        chain.check_link("zzz")
