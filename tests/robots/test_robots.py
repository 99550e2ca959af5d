"""The packaged robots against the manufacturers' tables and other people's URDFs."""

import math
from importlib.resources import files

import numpy as np
import pytest
from oracles import Pinocchio, corpus_file, dh_product, pose, rot

import fkarm

UR_ALPHA = (90, 0, 0, 90, -90, 0)
# Universal Robots, "DH Parameters for calculations of kinematics and dynamics": d1 a2 a3 d4 d5 d6
UR = {
    "ur3": (0.1519, -0.24365, -0.21325, 0.11235, 0.08535, 0.0819),
    "ur5": (0.089159, -0.425, -0.39225, 0.10915, 0.09465, 0.0823),
    "ur10": (0.1273, -0.612, -0.5723, 0.163941, 0.1157, 0.0922),
    "ur5e": (0.1625, -0.425, -0.3922, 0.1333, 0.0997, 0.0996),
    "ur10e": (0.1807, -0.6127, -0.57155, 0.17415, 0.11985, 0.11655),
}
# The same table: masses and their centres in the axes of the table.
UR_MASSES = {
    "ur3": (2, 3.42, 1.26, 0.8, 0.8, 0.35),
    "ur5": (3.7, 8.393, 2.33, 1.219, 1.219, 0.1879),
    "ur10": (7.1, 12.7, 4.27, 2, 2, 0.365),
    "ur5e": (3.761, 8.058, 2.846, 1.37, 1.3, 0.365),
    "ur10e": (7.369, 13.051, 3.989, 2.1, 1.98, 0.615),
}
SMALL = [(0, -0.02, 0), (0.13, 0, 0.1157), (0.05, 0, 0.0238), (0, 0, 0.01), (0, 0, 0.01),
         (0, 0, -0.02)]  # fmt: skip
MIDDLE = [(0, -0.02561, 0.00193), (0.2125, 0, 0.11336), (0.15, 0, 0.0265), (0, -0.0018, 0.01634),
          (0, 0.0018, 0.01634), (0, 0, -0.001159)]  # fmt: skip
LARGE = [(0.021, 0, 0.027), (0.38, 0, 0.158), (0.24, 0, 0.068), (0, 0.007, 0.018),
         (0, 0.007, 0.018), (0, 0, -0.026)]  # fmt: skip
UR_CENTRES = {"ur3": SMALL, "ur5": MIDDLE, "ur10": LARGE, "ur5e": MIDDLE, "ur10e": LARGE}
# Franka Control Interface documentation: a, alpha (deg), d; Craig's convention
FRANKA = [
    (0, 0, 0.333),
    (0, -90, 0),
    (0, 90, 0.316),
    (0.0825, 90, 0),
    (-0.0825, -90, 0.384),
    (0, 90, 0),
    (0.088, 90, 0),
]
# franka_description, robots/fr3/inertials.yaml: kg, and mm from the frames of Craig's convention
FR3_MASSES = (2.9274653454, 2.9355370338, 2.2449013699, 2.6155955791, 2.3271207594, 1.8170376524,
              0.6271432862)  # fmt: skip
FR3_CENTRES = [
    (0.0004128, -18.1251324, -38.6035970),
    (3.1828864, -74.3221644, 8.8146084),
    (40.7015686, -4.8200565, -28.9730823),
    (-45.9100965, 63.0492960, -8.5187868),
    (-1.6039605, 29.2536262, -97.2965990),
    (59.7131221, -41.0294666, -10.1692726),
    (4.5225817, 8.6261921, -16.1633251),
]
IIWA = {"iiwa7": (0.34, 0.4, 0.4, 0.126), "iiwa14": (0.36, 0.42, 0.4, 0.126)}


def ur_table(name):
    """Rows of `a`, `alpha`, `d` and `theta`."""
    d1, a2, a3, d4, d5, d6 = UR[name]
    return [
        (a, math.radians(alpha), d, 0.0)
        for a, alpha, d in zip((0, a2, a3, 0, 0, 0), UR_ALPHA, (d1, 0, 0, d4, d5, d6), strict=True)
    ]


def tips(robot, q, link):
    return fkarm.forward_kinematics(robot, q, link).numpy()


@pytest.mark.parametrize("name", UR)
def test_universal_robots_follow_their_table(name):
    robot = getattr(fkarm.robots, name)()
    rows = ur_table(name)
    q = fkarm.sample_configurations(robot, 20, seed=0)
    base = tips(robot, q[0], "base")
    np.testing.assert_allclose(base, pose(rot((0, 0, 1), math.pi)), atol=1e-15)
    for row, tip in zip(q, tips(robot, q, "tool0"), strict=True):
        np.testing.assert_allclose(tip, base @ dh_product(rows, row, "standard"), atol=1e-14)
    finite = np.isfinite(robot.upper_limits)
    np.testing.assert_array_equal(robot.upper_limits[finite], 2 * math.pi)
    assert finite.all() == (name != "ur3")


@pytest.mark.parametrize("name", UR)
def test_universal_robots_have_the_masses_of_their_table(name):
    robot = getattr(fkarm.robots, name)()
    rows = ur_table(name)
    masses = np.array(UR_MASSES[name])
    np.testing.assert_allclose(sum(mass.mass for mass in robot.masses), masses.sum())
    q = fkarm.sample_configurations(robot, 5, seed=0)
    for row, centre in zip(q, np.asarray(fkarm.center_of_mass(robot, q)), strict=True):
        links = [dh_product(rows[:k], row[:k], "standard") for k in range(1, 7)]
        centres = [link @ [*xyz, 1.0] for link, xyz in zip(links, UR_CENTRES[name], strict=True)]
        base = pose(rot((0, 0, 1), math.pi))
        np.testing.assert_allclose(
            centre, (base @ (masses @ centres) / masses.sum())[:3], atol=1e-12
        )


@pytest.mark.parametrize("name", ["panda", "fr3"])
def test_franka_arms_follow_their_table(name):
    robot = getattr(fkarm.robots, name)()
    rows = [(a, math.radians(alpha), d, 0.0) for a, alpha, d in FRANKA]
    flange = pose(position=(0, 0, 0.107))
    hand = flange @ pose(rot((0, 0, 1), -math.pi / 4))
    for q in fkarm.sample_configurations(robot, 20, seed=0):
        last = dh_product(rows, q, "modified")
        got = fkarm.forward_kinematics(
            robot, q, [f"{name}_link7", f"{name}_link8", f"{name}_hand", f"{name}_hand_tcp"]
        )
        tcp = hand @ pose(position=(0, 0, 0.1034))
        expected = np.stack([last, last @ flange, last @ hand, last @ tcp])
        np.testing.assert_allclose(got, expected, atol=1e-14)
    assert robot.end_effector == f"{name}_hand"
    assert robot.dof == 7


def test_the_fr3_has_the_masses_of_its_description():
    robot = fkarm.robots.fr3()
    rows = [(a, math.radians(alpha), d, 0.0) for a, alpha, d in FRANKA]
    # The hand and its two fingers, which are 15 g each.
    in_hand = [[-0.01, 0, 0.03, 1], [0, 0, 0.0584, 1], [0, 0, 0.0584, 1]]
    masses = np.array([*FR3_MASSES, 0.73, 0.015, 0.015])
    q = fkarm.sample_configurations(robot, 5, seed=0)
    for row, centre in zip(q, np.asarray(fkarm.center_of_mass(robot, q)), strict=True):
        links = [dh_product(rows[:k], row[:k], "modified") for k in range(1, 8)]
        hand = links[-1] @ pose(position=(0, 0, 0.107)) @ pose(rot((0, 0, 1), -math.pi / 4))
        in_links = [
            link @ [*(1e-3 * np.array(xyz)), 1.0]
            for link, xyz in zip(links, FR3_CENTRES, strict=True)
        ]
        centres = [*in_links, *(hand @ xyz for xyz in in_hand)]
        np.testing.assert_allclose(centre, (masses @ centres / masses.sum())[:3], atol=1e-12)


@pytest.mark.parametrize("name", IIWA)
def test_iiwas_follow_their_axis_distances(name):
    robot = getattr(fkarm.robots, name)()
    d1, d3, d5, d7 = IIWA[name]
    rows = [
        (0, math.radians(alpha), d, 0)
        for alpha, d in zip((-90, 90, 90, -90, -90, 90, 0), (d1, 0, d3, 0, d5, 0, d7), strict=True)
    ]
    q = fkarm.sample_configurations(robot, 20, seed=0)
    for row, tip in zip(q, tips(robot, q, "iiwa_link_ee"), strict=True):
        np.testing.assert_allclose(tip, dh_product(rows, row, "standard"), atol=1e-14)
    limits = np.degrees(robot.upper_limits)
    np.testing.assert_allclose(limits, [170, 120, 170, 120, 170, 120, 175])


def test_published_limits_of_the_franka_arms():
    np.testing.assert_array_equal(
        fkarm.robots.panda().upper_limits, [2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]
    )
    np.testing.assert_array_equal(
        fkarm.robots.fr3().lower_limits,
        [-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159],
    )


def test_the_masses_of_fingers_belong_to_the_hand_where_they_are_no_links():
    q = np.append(fkarm.sample_configurations(fkarm.robots.panda(), 1, seed=0), 0.02)
    with_fingers, without = fkarm.robots.panda(gripper=True), fkarm.robots.panda()
    np.testing.assert_allclose(
        np.asarray(fkarm.center_of_mass(without, q[:7])),
        np.asarray(fkarm.center_of_mass(with_fingers, q)),
        atol=1e-12,
    )
    assert {mass.link for mass in without.masses}.isdisjoint(
        {"panda_leftfinger", "panda_rightfinger"}
    )


@pytest.mark.in_test_all("corpus")
def test_the_panda_has_the_centre_of_mass_of_the_urdf_in_example_robot_data():
    path = corpus_file("panda.urdf")
    if path is None:
        pytest.skip("example-robot-data is not installed")
    robot, oracle = fkarm.robots.panda(gripper=True), Pinocchio(path)
    total = sum(mass.mass for mass in robot.masses)
    moving = sum(inertia.mass for inertia in list(oracle.model.inertias)[1:])  # not the base
    np.testing.assert_allclose(total, moving)
    for row in fkarm.sample_configurations(robot, 5, seed=0):
        values = {
            joint: place.multiplier * row[place.index] + place.offset
            for joint, place in robot.coordinates.items()
        }
        np.testing.assert_allclose(
            np.asarray(fkarm.center_of_mass(robot, row)), oracle.center_of_mass(values), atol=1e-12
        )


@pytest.mark.parametrize("name", ["panda", "fr3"])
def test_a_gripper_adds_one_joint_and_two_fingers(name):
    make = getattr(fkarm.robots, name)
    assert make(gripper=True).dof == 8
    fingers = set(make(gripper=True).link_names) - set(make().link_names)
    assert fingers == {f"{name}_leftfinger", f"{name}_rightfinger"}
    q = np.append(np.zeros(7), 0.03)
    poses = fkarm.forward_kinematics(
        make(gripper=True), q, [f"{name}_hand", f"{name}_leftfinger", f"{name}_rightfinger"]
    )
    hand, left, right = (pose[:3, 3] for pose in poses.numpy())
    np.testing.assert_allclose(np.linalg.norm(left - right), 0.06, atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm((left + right) / 2 - hand), 0.0584, atol=1e-15)


@pytest.mark.in_test_all("corpus")
@pytest.mark.parametrize(
    ("name", "file", "links"),
    [
        (
            "panda",
            "panda.urdf",
            [
                *(f"panda_link{i}" for i in range(9)),
                "panda_hand",
                "panda_hand_tcp",
                "panda_leftfinger",
                "panda_rightfinger",
            ],
        ),
        ("ur3", "ur3_robot.urdf", ["base_link", "tool0"]),
        ("ur5", "ur5_robot.urdf", ["base_link", "tool0"]),
        ("ur10", "ur10_robot.urdf", ["base_link", "tool0"]),
    ],
)
def test_they_agree_with_the_urdfs_of_example_robot_data(name, file, links):
    path = corpus_file(file)
    if path is None:
        pytest.skip("example-robot-data is not installed")
    robot = fkarm.robots.panda(gripper=True) if name == "panda" else getattr(fkarm.robots, name)()
    oracle = Pinocchio(path)
    q = fkarm.sample_configurations(robot, 30, seed=0)
    for row, poses in zip(q, fkarm.forward_kinematics(robot, q, links).numpy(), strict=True):
        values = {
            joint: place.multiplier * row[place.index] + place.offset
            for joint, place in robot.coordinates.items()
        }
        # The UR files print half turns with 11 digits.
        np.testing.assert_allclose(
            poses, oracle.poses(values, links), atol=1e-12 if name == "panda" else 1e-10
        )


@pytest.mark.parametrize("name", [n for n in fkarm.robots.__all__ if n != "planar"])
def test_each_file_names_its_source_and_stays_small(name):
    text = (files(fkarm.robots) / f"{name}.urdf").read_text()
    assert len(text) < 9000
    assert "<!--" in text
    assert "mesh" not in text


def test_a_planar_arm_needs_lengths():
    assert fkarm.robots.planar([1.0, 0.5, 0.2]).dof == 3
    np.testing.assert_array_equal(fkarm.robots.planar([1.0]).upper_limits, [math.pi])
    with pytest.raises(fkarm.RobotError, match="at least one"):
        fkarm.robots.planar([])
    with pytest.raises(fkarm.RobotError, match="lengths must be 2 finite numbers"):
        fkarm.robots.planar([1.0, "x"])


def test_a_misspelt_robot_is_answered_with_the_nearest_spelling():
    said = "must be one of: 'panda', .*Received: 'pandda'. Did you mean 'panda'?"
    with pytest.raises(AttributeError, match=said):
        _ = fkarm.robots.pandda
    assert not hasattr(fkarm.robots, "__nothing__")
