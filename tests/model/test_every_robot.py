"""Whole robots against Pinocchio: every URDF of example-robot-data, and random trees."""

import re

import numpy as np
import pytest
from oracles import Pinocchio, corpus_files

import fkarm

# Files that are no robots, and what is wrong with them.
REFUSED = {
    "ur3.urdf": "at least one <link>",
    "alex_psyonic_hands.urdf": "mimic must be one of",
}


def joint_values(robot, q):
    """Values by joint name, mimics expanded: what Pinocchio wants to be told."""
    sizes = {joint.name: len(joint.entries) for joint in robot.joints}
    return {
        name: place.multiplier * q[place.index : place.index + sizes[name]] + place.offset
        for name, place in robot.coordinates.items()
    }


def check_against_pinocchio(robot, oracle, rng, count, atol):
    """Poses of all links and Jacobians of all leaves, at random configurations."""
    q = sample(robot, rng, count)
    poses = fkarm.forward_kinematics(robot, q, robot.link_names).numpy()
    parents = {joint.parent for joint in robot.joints}
    leaves = [link for link in robot.link_names if link not in parents]
    for k, (row, pose) in enumerate(zip(q, poses, strict=True)):
        values = joint_values(robot, row)
        expected = oracle.poses(values, robot.link_names)
        # Pinocchio's universe is the root link's parent: it knows no frame above the root.
        np.testing.assert_allclose(pose, expected, atol=atol)
        for leaf in leaves if k == 0 else ():
            check_jacobian(robot, oracle, row, values, leaf, atol)


def check_jacobian(robot, oracle, q, values, leaf, atol):
    columns = oracle.jacobian_columns(values, leaf)
    jacobian = fkarm.geometric_jacobian(robot, q, leaf).numpy()
    expected = np.zeros_like(jacobian)
    for joint in robot.joints:
        if joint.is_fixed:
            continue
        place = robot.coordinates[joint.name]
        column = place.multiplier * columns[joint.name]
        if joint.type in ("planar", "floating"):
            continue  # other velocities there: test_jacobian checks these against differences
        expected[:, place.index] += column[:, 0]
    for joint in robot.independent_joints:
        if joint.type in ("planar", "floating"):
            first = robot.coordinates[joint.name].index
            jacobian[:, first : first + len(joint.entries)] = 0.0
    np.testing.assert_allclose(jacobian, expected, atol=atol)


def sample(robot, rng, count):
    """Uniform within the limits; sliders without limits within 1 m."""
    free = {
        joint.name: rng.uniform(-1, 1)
        for joint in robot.independent_joints
        if joint.is_prismatic and not np.isfinite([joint.lower, joint.upper]).all()
    }
    if not free:
        return fkarm.sample_configurations(robot, count, seed=rng)
    fixed = fkarm.sample_configurations(robot.with_fixed_joints(free), count, seed=rng)
    q = np.zeros((count, robot.dof))
    taken = np.ones(robot.dof, dtype=bool)
    for name, value in free.items():
        q[:, robot.coordinates[name].index] = value
        taken[robot.coordinates[name].index] = False
    q[:, taken] = fixed
    return q


@pytest.mark.in_test_all("corpus")
@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.name)
def test_every_urdf_of_the_corpus_is_exact_or_refused(path, rng):
    if path.name in REFUSED:
        with pytest.raises(fkarm.URDFError, match=REFUSED[path.name]):
            fkarm.Robot.from_urdf(path)
        return
    robot = fkarm.Robot.from_urdf(path)
    check_against_pinocchio(robot, Pinocchio(path), rng, 3, 1e-9)


def random_tree(rng, count):
    """URDF text of a random tree: every joint type, oblique axes, mimics declared anywhere."""
    joints, movers = [], []
    for i in range(count):
        parent = rng.integers(i + 1)
        kind = rng.choice(
            ["revolute", "continuous", "prismatic", "fixed", "planar", "floating"],
            p=[0.35, 0.2, 0.2, 0.1, 0.05, 0.1],
        )
        xyz, rpy, axis = rng.normal(size=(3, 3))
        if rng.random() < 0.5:  # as in most files
            rpy = rng.integers(-2, 3, size=3) * np.pi / 2
            axis = rng.choice([-1, 1]) * np.eye(3)[rng.integers(3)]
        if kind == "planar":  # Pinocchio's planar joint knows no axis but z
            axis = np.array([0.0, 0.0, 1.0])
        body = f'<parent link="l{parent}"/><child link="l{i + 1}"/>'
        body += f'<origin xyz="{_text(xyz)}" rpy="{_text(rpy)}"/><axis xyz="{_text(axis)}"/>'
        if kind in ("revolute", "prismatic"):
            body += '<limit lower="-1.5" upper="1" effort="1" velocity="1"/>'
        if kind in ("revolute", "continuous", "prismatic"):
            if movers and rng.random() < 0.3:
                body += f'<mimic joint="{rng.choice(movers)}" multiplier="-0.7" offset="0.1"/>'
            movers.append(f"j{i}")
        joints.append(f'<joint name="j{i}" type="{kind}">{body}</joint>')
    rng.shuffle(joints)
    links = "".join(f'<link name="l{i}"/>' for i in range(count + 1))
    return f'<robot name="random">{links}{"".join(joints)}</robot>'


def _text(vector):
    return " ".join(repr(float(x)) for x in vector)


@pytest.mark.parametrize("seed", range(25))
def test_random_trees_are_exact(seed):
    rng = np.random.default_rng(seed)
    text = random_tree(rng, int(rng.integers(1, 14)))
    robot = fkarm.Robot.from_urdf(text)
    # Pinocchio is told every value: its own mimics need the followed joint declared first.
    oracle = Pinocchio(text=re.sub("<mimic[^>]*>", "", text))
    check_against_pinocchio(robot, oracle, rng, 3, 1e-9)
    assert fkarm.Robot.from_urdf(robot.to_urdf()) == robot


def mutated(text, rng):
    """`text` with a few bytes, words or lines cut, doubled, swapped or spoilt."""
    data = bytearray(text.encode())
    for _ in range(int(rng.integers(1, 4))):
        i, j = sorted(rng.integers(0, len(data), size=2))
        j = min(j, i + int(rng.choice([1, 2, 5, 40])))
        kind = rng.integers(5)
        if kind == 0:
            del data[i:j]
        elif kind == 1:
            data[i:i] = data[i:j]
        elif kind == 2:
            data[i : i + 1] = rng.integers(0, 256, size=1, dtype=np.uint8).tobytes()
        elif kind == 3:
            words = [b"nan", b"1e999", b"-", b"fixed", b'"', b"<", b"&a;", b"${x}", b"l1", b"0"]
            data[i:j] = words[rng.integers(len(words))]
        else:
            other = int(rng.integers(0, len(data)))
            data[i:j], data[other:other] = b"", data[i:j]
        if not data:
            break
    return bytes(data)


def test_a_spoilt_file_gives_a_robot_or_an_fkarm_error_and_nothing_else():
    rng = np.random.default_rng(0)
    outcomes = {"robot": 0, "refused": 0}
    for run in range(2000):
        text = mutated(random_tree(np.random.default_rng(run % 40), 6), rng)
        try:
            robot = fkarm.Robot.from_urdf(text)
        except fkarm.FkarmError:
            outcomes["refused"] += 1
        else:
            assert robot.dof == len(robot.lower_limits)
            assert str(robot)
            assert str(robot.report())
            outcomes["robot"] += 1
    assert min(outcomes.values()) > 100, outcomes  # both sides are exercised
