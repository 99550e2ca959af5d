"""A plan as arrays: order, levels, screws, and positions near the links."""

import numpy as np

from fkarm.kinematics.plan import plan_chain
from fkarm.kinematics.tree import FEATURES, tree_of


def test_parents_come_in_earlier_levels(every_joint):
    tree = tree_of(every_joint, every_joint.link_names, every_joint.root_link)
    before = {0}
    for level in tree.levels:
        nodes = range(level.nodes.start, level.nodes.stop)
        assert set(tree.parents[level.nodes.start - 1 : level.nodes.stop - 1]) <= before
        before |= set(nodes)
    assert before == set(range(len(tree.first) + 1))


def test_every_entry_of_a_motion_is_a_screw(free_robot, every_joint):
    tree = tree_of(free_robot, ("tip",), free_robot.root_link)
    # Three slides and a ball, a ball, two slides and a turn, a hinge.
    assert len(tree.first) == 3 + 1 + 1 + 2 + 1 + 1
    assert len(tree.screw_nodes) == free_robot.dof
    assert tree.screw_turns.sum() == 4 + 4 + 1 + 1
    assert not tree.is_serial or (tree.of_entries == np.eye(free_robot.dof)).all()
    mimics = tree_of(every_joint, ("tip_1",), every_joint.root_link)
    assert mimics.of_entries[:, 0].tolist() == [1.0, 0.0, 0.0, -0.5]  # `follow` is -0.5 `turn`


def test_features_sum_to_the_frame_at_zero(every_joint):
    plan = plan_chain(every_joint, ("tip_1",), every_joint.root_link)
    tree = tree_of(every_joint, ("tip_1",), every_joint.root_link)
    assert tree.features.shape == (4, FEATURES, 16)
    at_zero = tree.features[:, 0] + tree.features[:, 1]
    expected = [node.origin.ravel() for node in plan.nodes]
    np.testing.assert_array_equal(at_zero, expected)


def test_no_position_contains_the_way_to_the_base(every_joint):
    """The step from the base to the first node, which may be long, cancels everywhere."""
    tree = tree_of(every_joint, ("tip_1",), every_joint.root_link)
    assert (tree.relative[:, 0] == 0).all()
    assert (tree.relative[len(tree.first) - 1] == 0).all()  # positions are measured from there
