"""Which motions lie between links, and how many degrees of freedom they have."""

from fkarm.kinematics.plan import plan_chain


def test_only_joints_on_the_way_are_touched(every_joint):
    plan = plan_chain(every_joint, ("tip_2",))
    assert [node.motion.first for node in plan.nodes] == [0, 1, 0]


def test_the_way_to_a_base_on_another_branch_leaves_out_what_moves_both(every_joint):
    plan = plan_chain(every_joint, ("tip_2",), "tip_1")
    # From tip_1 backwards: follow, slide; then echo. Both mimics depend on the first entry.
    assert [node.motion.first for node in plan.nodes] == [0, 2, 0]
    assert plan.entries == {0, 2}
    assert plan.nodes[0].motion.multipliers == (0.5,)
    assert plan.freedom == 2


def test_a_quaternion_has_three_degrees_of_freedom(free_robot):
    plan = plan_chain(free_robot, ("tip",))
    assert plan.freedom == 6 + 3 + 3 + 1
    assert len(plan.entries) == 15
