"""The table of starts, and the low-discrepancy sequence behind it."""

import numpy as np
from autodiff import COMPILED, array, in_mode, tensor

import fkarm
from fkarm.ik.problem import make_problem
from fkarm.ik.starts import StartTable, low_discrepancy


def test_the_table_finds_the_nearest_pose_of_each_part(panda):
    problem = make_problem(panda, ("panda_hand",))
    table = StartTable(problem, size=300)
    targets = fkarm.forward_kinematics(panda, fkarm.sample_configurations(panda, 40), "panda_hand")
    compiled = in_mode(lambda poses: table.nearest(poses[:, None], 5)[0], COMPILED)(targets)
    targets = array(targets)
    found, _ = table.nearest(targets[:, None], 5)
    poses = array(fkarm.forward_kinematics(panda, table.q, "panda_hand"))
    apart = np.linalg.norm(targets[:, None, :3, 3] - poses[None, :, :3, 3], axis=-1) ** 2
    difference = targets[:, None, :3, :3] - poses[None, :, :3, :3]
    cost = apart + 0.09 / 2 * np.sum(np.square(difference), axis=(-1, -2))
    best = cost.reshape(40, 5, 60).argmin(axis=-1) + 60 * np.arange(5)
    np.testing.assert_array_equal(found, best)
    np.testing.assert_array_equal(array(compiled), best)


def test_starts_fill_the_limits_evenly(panda):
    q = low_discrepancy(panda, 1000, 0)
    share = (q - panda.lower_limits) / (panda.upper_limits - panda.lower_limits)
    assert ((share >= 0) & (share <= 1)).all()
    for column in share.T:
        counts = np.histogram(column, bins=10, range=(0, 1))[0]
        assert counts.min() > 85
    assert np.abs(q - low_discrepancy(panda, 1000, 1)).max() > 0.1


def test_a_base_that_moves_freely_starts_in_the_middle_of_its_targets_in_float64():
    links = ("cart", "arm")
    joints = [
        fkarm.Joint("drive", "planar", axis="z", parent="root", child="cart"),
        fkarm.Joint("turn", axis="z", xyz=(0.4, 0, 0), parent="cart", child="arm"),
    ]
    table = StartTable(make_problem(fkarm.Robot(joints), links), size=4)
    targets = np.tile(np.eye(4), (3, 2, 1, 1))
    targets[:, :, :2, 3] = np.random.default_rng(0).uniform(-9, 9, (3, 2, 2))
    numbers = np.array([[0, 3]] * 3)
    starts = array(table.at(tensor(numbers), tensor(targets)))
    ends = [array(fkarm.forward_kinematics(table.problem.robot, starts, link)) for link in links]
    middle = np.mean(ends, axis=0)[..., :2, 3]
    np.testing.assert_allclose(middle, np.repeat(targets.mean(1)[:, None, :2, 3], 2, 1), rtol=1e-13)
