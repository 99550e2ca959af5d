"""MJCF against MuJoCo itself."""

import sys

import mujoco
import numpy as np
import pytest
from oracles import corpus_files

import fkarm

MODEL = """
<mujoco model="odd">
  <compiler angle="degree" eulerseq="XYZ"/>
  <default><joint armature="1"/><default class="s"><joint type="slide"/></default></default>
  <asset><mesh name="m" file="missing.stl"/></asset>
  <worldbody>
    <body name="base" pos="0.1 0.2 0.3" euler="10 20 30">
      <freejoint name="free"/>
      <geom type="mesh" mesh="m"/>
      <body name="arm" pos="0 0 0.5" axisangle="1 1 0 40">
        <joint name="h1" axis="0 1 1" pos="0.1 0 0.2" ref="25" range="-90 45"/>
        <joint name="s1" class="s" axis="1 0 0" ref="0.2" range="-0.1 0.4" pos="0 0.1 0"/>
        <joint name="h2" axis="1 0 0" pos="0 0 0.1"/>
        <geom size="0.1"/>
        <site name="arm" pos="0 0 0.3" zaxis="1 0 0"/>
        <body pos="0 0.4 0" quat="1 2 3 4">
          <joint type="ball" pos="0.05 0 0"/>
          <geom size="0.1"/>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="h1"/></actuator>
  <sensor><jointpos joint="h1"/></sensor>
</mujoco>
"""


def check_against_mujoco(robot, model, rng):
    """Body and site poses at random qpos; returns the worst difference."""
    data = mujoco.MjData(model)
    assert robot.dof == model.nq
    q = rng.uniform(-1, 1, size=(5, model.nq))
    worst = 0.0
    for row, poses in zip(q, fkarm.forward_kinematics(robot, q).numpy(), strict=True):
        data.qpos[:] = row
        mujoco.mj_kinematics(model, data)
        for body in range(1, model.nbody):
            name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, body) or f"body_{body}"
            pose = poses[robot.link_names.index(name)]
            worst = max(worst, np.abs(pose[:3, 3] - data.xpos[body]).max())
            worst = max(worst, np.abs(pose[:3, :3].ravel() - data.xmat[body]).max())
    return worst


def test_joints_anchors_references_and_orientations(rng):
    robot = fkarm.Robot.from_mjcf(MODEL)
    # The oracle without the mesh that is not there.
    bare = MODEL.replace('<geom type="mesh" mesh="m"/>', '<geom size="0.1"/>')
    bare = bare.replace('<asset><mesh name="m" file="missing.stl"/></asset>', "")
    model = mujoco.MjModel.from_xml_string(bare)
    assert check_against_mujoco(robot, model, rng) < 1e-12
    assert robot.root_link == "world"
    assert robot.name == "odd"
    assert robot.joint_names[:4] == ("free", "h1", "s1", "h2")
    np.testing.assert_allclose(robot.lower_limits[7:9], [-np.pi / 2, -0.1])
    assert np.isinf(robot.lower_limits[9])
    assert "sensors: 1" in robot.report().ignored


def test_sites_are_links_and_a_taken_name_is_told_apart(rng):
    robot = fkarm.Robot.from_mjcf(MODEL)
    arm, site = fkarm.forward_kinematics(
        robot, fkarm.sample_configurations(robot.with_end_effector("arm"), (), seed=0),
        ["arm", "arm_site"],
    ).numpy()  # fmt: skip
    relative = np.linalg.inv(arm) @ site
    np.testing.assert_allclose(relative[:3, 3], [0, 0, 0.3], atol=1e-14)
    np.testing.assert_allclose(relative[:3, 2], [1, 0, 0], atol=1e-14)


def test_a_model_travels_through_a_dict_and_a_path(tmp_path):
    path = tmp_path / "odd.xml"
    path.write_text(MODEL)
    robot = fkarm.Robot.from_mjcf(path)
    assert fkarm.Robot.from_dict(robot.to_dict()) == robot == fkarm.Robot.from_mjcf(MODEL)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("<mujoco><worldbody><body><joint/></worldbody></mujoco>", "does not accept the model"),
        ("<nothing/>", "does not accept the model"),
        ("nowhere.xml", "must be an MJCF file"),
        ("<robot name='r'><link name='a'/></robot>", "Use from_urdf"),
        (3, "source must be a path"),
    ],
)
def test_a_bad_model_is_refused(source, message):
    with pytest.raises(fkarm.MJCFError, match=message):
        fkarm.Robot.from_mjcf(source)


def test_a_model_that_is_no_robot_is_refused_as_mjcf():
    joint = "<joint name='s_fixed'/><site name='s'/><geom size='1'/>"
    text = f"<mujoco><worldbody><body>{joint}</body></worldbody></mujoco>"
    with pytest.raises(fkarm.MJCFError, match="joint names must be unique"):
        fkarm.Robot.from_mjcf(text)


def test_without_mujoco_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(fkarm.MJCFError, match=r"pip install 'fkarm\[mjcf\]'"):
        fkarm.Robot.from_mjcf(MODEL)


@pytest.mark.filterwarnings("ignore:compiler attribute")
@pytest.mark.in_test_all("corpus")
@pytest.mark.parametrize("path", corpus_files("gymnasium-robotics", ".xml"), ids=lambda p: p.name)
def test_every_mjcf_of_the_corpus_is_exact_or_refused(path, rng):
    try:
        model = mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        if "Unrecognized XML model type" in str(error) or "Schema violation" in str(error):
            with pytest.raises(fkarm.MJCFError, match="does not accept"):
                fkarm.Robot.from_mjcf(path)
            return
        pytest.skip(f"MuJoCo cannot load it to compare: {str(error)[:60]}")
    assert check_against_mujoco(fkarm.Robot.from_mjcf(path), model, rng) < 1e-9
