"""Configurations and targets for the steps of inverse kinematics."""

import numpy as np
from autodiff import tensor
from joint_types import sample
from keras import ops

import fkarm
from fkarm.ik.descent import target_entries
from fkarm.kinematics.joint_space import with_unit_quaternions
from fkarm.kinematics.plan import plan_chain


def moving_links(robot):
    return tuple(x for x in robot.link_names if plan_chain(robot, (x,), robot.root_link).entries)


def entries_of(robot, links, rows=3):
    q = with_unit_quaternions(robot, sample(robot, (rows,)), np.ones((rows, robot.dof)))
    poses = fkarm.forward_kinematics(robot, tensor(q[::-1].copy()), list(links))
    entries = ops.reshape(target_entries(poses), (rows, 12 * len(links)))
    return tensor(q.T), ops.transpose(entries)
