"""Bodies, masses and excluded pairs of MuJoCo models, against MuJoCo."""

import numpy as np
import pytest

from fkarm import Exclusion, Robot
from tests.model.solid_shapes import depth

mujoco = pytest.importorskip("mujoco")

ARM = """<mujoco><compiler angle="radian"/>
  <asset><material name="m"/><mesh name="none" file="none.stl"/></asset>
  <worldbody>
    <geom name="floor" type="plane" size="1 1 1"/>
    <body name="a" pos="0 0 1">
      <joint name="j" axis="0 1 0" pos="0.1 0 0"/>
      <joint name="k" axis="1 0 0"/>
      <inertial pos="0.1 0.2 0.3" mass="2" diaginertia="1 1 1"/>
      <geom type="mesh" mesh="none"/>
      <geom type="sphere" size="0.1" pos="0 0 0.1" material="m"/>
      <geom type="sphere" size="0.5" contype="0" conaffinity="0"/>
      <body name="b" pos="0.5 0 0" euler="0.1 0.2 0.3">
        <joint name="l" axis="0 0 1"/>
        <geom name="rod" type="capsule" size="0.05" fromto="0 0 0 0.3 0.1 0.2" density="700"/>
        <geom name="ball" type="ellipsoid" size="0.1 0.2 0.05" pos="0 0.1 0" euler="0.3 0 0"/>
        <body name="c" pos="0.4 0 0">
          <joint name="m" type="slide" axis="0 0 1"/>
          <geom name="brick" type="box" size="0.1 0.2 0.3" mass="1.5" pos="0 0.3 0"/>
          <geom name="can" type="cylinder" size="0.1 0.2" mass="0.5" euler="1 0 0"/>
        </body>
      </body>
      <body name="d" pos="0 0.5 0"><joint name="n"/><geom type="mesh" mesh="none"/></body>
      <body name="e" pos="0 0.9 0"><joint name="o"/>
        <geom name="pea" size="0.01" contype="2" conaffinity="2"/></body>
    </body>
  </worldbody>
  <contact><exclude body1="a" body2="c"/></contact>
</mujoco>"""


def without_meshes(text):
    return text.replace(
        '<geom type="mesh" mesh="none"/>', '<geom size="0.1" pos="9 9 9"/>'
    ).replace('<mesh name="none" file="none.stl"/>', "")


@pytest.fixture
def world():
    model = mujoco.MjModel.from_xml_string(without_meshes(ARM))
    data = mujoco.MjData(model)
    data.qpos = [0.3, -0.2, 0.5, 0.1, 0.4, 0.2]
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    return model, data


@pytest.fixture
def robot():
    return Robot.from_mjcf(ARM)


def frames(robot, q):
    placed = {robot.root_link: np.eye(4)}
    for joint in robot.joints:
        at = robot.coordinates.get(joint.name)
        values = [0.0] if at is None else [q[at.index]]
        placed[joint.child] = placed[joint.parent] @ joint.frame_at(*values)
    return placed


def test_masses_and_their_centres_are_those_of_mujoco(robot, world):
    model, data = world
    placed = frames(robot, data.qpos)
    masses = {mass.link: mass for mass in robot.masses}
    assert set(masses) == {"a", "b", "c", "e"}  # that of d depends on a mesh
    for link, mass in masses.items():
        body = model.body(link).id
        np.testing.assert_allclose(mass.mass, model.body_mass[body], rtol=1e-12)
        centre = placed[link][:3, :3] @ mass.xyz + placed[link][:3, 3]
        np.testing.assert_allclose(centre, data.xipos[body], atol=1e-12)


def test_geoms_are_enclosed_where_mujoco_has_them(robot, world):
    model, data = world
    placed = frames(robot, data.qpos)
    rng = np.random.default_rng(0)
    for name in ("rod", "ball", "brick", "can", "pea"):
        geom = model.geom(name).id
        link = model.body(int(model.geom_bodyid[geom])).name
        size, directions = model.geom_size[geom], rng.normal(size=(500, 3))
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        if name in ("rod", "pea"):
            points = directions * size[0] + [0, 0, 1] * np.sign(directions[:, 2:]) * size[1]
        elif name == "ball":
            points = directions * size
        elif name == "brick":
            points = np.sign(directions) * size
        else:
            rim = directions[:, :2] / np.linalg.norm(directions[:, :2], axis=-1, keepdims=True)
            points = np.c_[rim * size[0], np.sign(directions[:, 2:]) * size[1]]
        in_world = points @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom]
        in_link = (in_world - placed[link][:3, 3]) @ placed[link][:3, :3]
        bodies = [body for body in robot.bodies if body.link == link]
        assert depth(bodies, in_link).max() <= 1e-9, name
    (rod,) = [body for body in robot.bodies if body.link == "b" and body.radius == 0.05]
    np.testing.assert_allclose(rod.length, 2 * model.geom("rod").size[1])
    assert {body.link for body in robot.bodies} == {"a", "b", "c", "e"}


def test_pairs_that_mujoco_leaves_out_are_excluded_with_reasons(robot):
    reasons = {(pair.link_1, pair.link_2): pair.reason for pair in robot.exclusions}
    assert reasons[("a", "c")] == "<exclude> in the model"
    assert reasons[("a", "b")] == reasons[("b", "c")] == "parent and child in the model"
    masks = "contype and conaffinity in the model"
    assert reasons[("a", "e")] == reasons[("b", "e")] == reasons[("c", "e")] == masks
    assert len(reasons) == 6


def test_parents_count_where_the_model_says_so():
    text = ARM.replace(
        "<worldbody>", '<option><flag filterparent="disable"/></option><worldbody>', 1
    )
    assert (
        Exclusion("b", "c", "parent and child in the model") not in Robot.from_mjcf(text).exclusions
    )


def test_the_report_says_what_was_enclosed_and_what_not_read(robot):
    report = robot.report()
    assert any("1 from capsule" in line and "1 from ellipsoid" in line for line in report.read)
    assert "geoms of type mesh, not read: 2" in report.ignored
    assert "geoms of type plane, not read: 1" in report.ignored
    assert "geoms that never collide: 1" in report.ignored
    assert "masses that depend on meshes, not read: d" in report.ignored


def test_velocities_are_unlimited(robot):
    assert np.isinf(robot.velocity_limits).all()


def test_a_stated_total_mass_scales_the_masses():
    text = without_meshes(ARM).replace("<compiler ", '<compiler settotalmass="30" ')
    model, robot = mujoco.MjModel.from_xml_string(text), Robot.from_mjcf(text)
    assert len(robot.masses) == 5
    for mass in robot.masses:
        np.testing.assert_allclose(mass.mass, model.body(mass.link).mass[0], rtol=1e-9)
    unknown = Robot.from_mjcf(ARM.replace("<compiler ", '<compiler settotalmass="30" '))
    assert unknown.masses == ()


@pytest.mark.parametrize("mode", ["true", "false"])
def test_masses_from_geoms_or_as_stated(mode):
    body = """<body name="a"><joint/><inertial pos="0 0 1" mass="2" diaginertia="1 1 1"/>
      <geom size="0.1" mass="3" pos="0 1 0"/></body>"""
    text = f'<mujoco><compiler inertiafromgeom="{mode}"/><worldbody>{body}</worldbody></mujoco>'
    (mass,) = Robot.from_mjcf(text).masses
    assert (mass.mass, mass.xyz) == ((3.0, (0.0, 1.0, 0.0)) if mode == "true" else (2.0, (0, 0, 1)))


def test_a_free_joint_that_is_aligned_moves_bodies_with_its_frame():
    text = """<mujoco><worldbody><body name="a"><freejoint align="true"/>
      <geom type="capsule" size="0.1" fromto="0 0 0 0.4 0 0"/>
      <geom name="knob" size="0.05" pos="0.1 0.2 0.3" mass="0.5"/></body></worldbody></mujoco>"""
    robot, model = Robot.from_mjcf(text), mujoco.MjModel.from_xml_string(text)
    data = mujoco.MjData(model)
    data.qpos = [0.1, 0.2, 0.3, 0.5, -0.5, 0.5, 0.5]
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    frame = robot.joints[0].frame_at(*data.qpos)
    knob = next(body for body in robot.bodies if body.radius == 0.05)
    centre = frame[:3, :3] @ knob.xyz + frame[:3, 3]
    np.testing.assert_allclose(centre, data.geom("knob").xpos, atol=1e-12)
    (mass,) = robot.masses
    centre = frame[:3, :3] @ mass.xyz + frame[:3, 3]
    np.testing.assert_allclose(centre, data.xipos[1], atol=1e-12)
