"""MJCF against MuJoCo itself."""

import sys
import zipfile

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
    all_poses = fkarm.forward_kinematics(robot, q, robot.link_names).numpy()
    for row, poses in zip(q, all_poses, strict=True):
        data.qpos[:] = row
        mujoco.mj_kinematics(model, data)
        for body in range(1, model.nbody):
            name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, body) or f"body_{body}"
            pose = poses[robot.link_names.index(name)]
            worst = max(worst, np.abs(pose[:3, 3] - data.xpos[body]).max())
            worst = max(worst, np.abs(pose[:3, :3].ravel() - data.xmat[body]).max())
        for site in range(model.nsite):
            name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_SITE, site)
            if name in robot.link_names and mujoco.mj_name2id(model, 1, name) < 0:
                pose = poses[robot.link_names.index(name)]
                worst = max(worst, np.abs(pose[:3, 3] - data.site_xpos[site]).max())
                worst = max(worst, np.abs(pose[:3, :3].ravel() - data.site_xmat[site]).max())
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
        ("nowhere.xml", "The MJCF file must exist"),
        ("<robot name='r'><link name='a'/></robot>", "Use from_urdf"),
        (3, "source must be a path"),
    ],
)
def test_a_bad_model_is_refused(source, message):
    with pytest.raises(fkarm.MJCFError, match=message):
        fkarm.Robot.from_mjcf(source)


def world(bodies, before="", behind=""):
    return f"<mujoco>{before}<worldbody>{bodies}</worldbody>{behind}</mujoco>"


@pytest.mark.filterwarnings("ignore:XML contains a 'NaN'")
def test_a_model_that_is_no_robot_is_refused_as_mjcf():
    text = world("<body name='b'><joint name='j' pos='nan 0 0'/><geom size='1'/></body>")
    with pytest.raises(fkarm.MJCFError, match="MJCF text: joint 'j': xyz must be 3 finite"):
        fkarm.Robot.from_mjcf(text)


CRATE = """<body name="crate" pos="1 2 3" euler="10 20 30"><freejoint {align}/>{inertia}
<geom type="box" size=".05 .1 .2" pos=".3 0 0" euler="0 0 30"/><site name="s" pos=".5 0 0"/>
{child}</body><body name="other"><freejoint/>
<geom type="box" size=".1 .2 .3" pos=".1 0 0"/></body>"""
TRUE, FREE, FUSE = 'align="true"', 'alignfree="true"', 'fusestatic="true"'
INERTIAL = '<inertial mass="1" pos=".2 0 0" fullinertia="1 1.2 1.1 .1 .2 .05"/>'
TURNED = '<inertial mass="1" pos=".2 0 0" quat="1 2 3 4" diaginertia="1 1.2 1.1"/>'
LID = '<body name="lid" pos="0 0 1"><geom size=".1"/><site name="knob" pos="0 1 0"/></body>'
SENSOR = '<sensor><framepos objtype="body" objname="lid"/></sensor>'


@pytest.mark.parametrize(
    ("align", "compiler", "inertia", "child", "behind"),
    [
        (TRUE, "", "", "", ""),
        ("", FREE, "", "", ""),
        ('align="false"', FREE, "", "", ""),
        (TRUE, "", INERTIAL, "", ""),
        (TRUE, "", TURNED, "", ""),
        (TRUE, "", "", LID, ""),
        (TRUE, FUSE, "", LID, ""),
        ("", f"{FREE} {FUSE}", "", LID, SENSOR),
        (TRUE, FUSE, "", LID.replace("<geom", '<joint name="hinge"/><geom'), ""),
    ],
    ids=[
        "joint",
        "compiler",
        "off",
        "inertial",
        "turned",
        "child",
        "fused",
        "kept by a sensor",
        "moving",
    ],
)
def test_q_is_qpos_where_a_free_joint_is_aligned_with_the_inertia(
    align, compiler, inertia, child, behind, rng
):
    bodies = CRATE.format(align=align, inertia=inertia, child=child)
    text = world(bodies, f"<compiler {compiler}/>", behind)
    robot = fkarm.Robot.from_mjcf(text)
    assert check_against_mujoco(robot, mujoco.MjModel.from_xml_string(text), rng) < 1e-12
    assert "s" in robot.link_names
    assert ("lid" in robot.link_names) == bool(child)


def test_a_point_of_an_aligned_crate_is_where_mujoco_has_it():
    text = world("""<body name="crate"><freejoint align="true"/>
        <geom type="box" size=".05 .1 .2" pos=".3 0 0"/><site name="s" pos=".5 0 0"/></body>""")
    q = np.array([0, 0, 0, 1, 0, 0, 0.0])
    pose = fkarm.forward_kinematics(fkarm.Robot.from_mjcf(text), q, "s")
    np.testing.assert_allclose(pose[:3, 3], [0.2, 0, 0], atol=1e-15)


TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 2 0\nv 0 0 3\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"


def test_an_aligned_mesh_lies_beside_its_file_and_a_missing_one_is_named(tmp_path, rng):
    body = '<body name="b"><freejoint align="true"/><geom type="mesh" mesh="m"/></body>'
    mesh = '<compiler meshdir="parts"/><asset><mesh name="m" file="m.obj"/></asset>'
    path = tmp_path / "model.xml"
    path.write_text(world(body, mesh))
    with pytest.raises(fkarm.MJCFError, match=r"of body 'b' is aligned.*m\.obj.*align='false'"):
        fkarm.Robot.from_mjcf(path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "m.obj").write_text(TETRAHEDRON)
    robot = fkarm.Robot.from_mjcf(path)
    assert check_against_mujoco(robot, mujoco.MjModel.from_xml_path(str(path)), rng) < 1e-12


def test_static_bodies_stay_links_where_mujoco_would_fuse_them(rng):
    text = world(f'<body name="a"><joint/><geom size=".1"/>{LID}</body>', f"<compiler {FUSE}/>")
    for behind in ("", SENSOR):  # a body that a sensor names is not fused
        both = text.replace("</worldbody>", f"</worldbody>{behind}")
        robot = fkarm.Robot.from_mjcf(both)
        assert robot.link_names == ("world", "a", "lid", "knob")
        assert check_against_mujoco(robot, mujoco.MjModel.from_xml_string(both), rng) < 1e-14


def test_a_comment_with_a_tag_is_a_comment():
    text = "<!-- from <robot name='r'> by a converter -->" + world("<body><!--<robot>--></body>")
    assert fkarm.Robot.from_mjcf(text).dof == 0
    with pytest.raises(fkarm.MJCFError, match="Use from_urdf"):
        fkarm.Robot.from_mjcf("<?xml version='1.0'?><!-- <mujoco> --><robot><link/></robot>")


def test_infinite_ranges_are_none():
    joints = '<joint limited="true" range="-inf inf"/><joint axis="1 0 0" range="-1 inf"/>'
    text = world(f'<body>{joints}<geom size="1"/></body>', '<compiler angle="radian"/>')
    robot = fkarm.Robot.from_mjcf(text)
    np.testing.assert_array_equal(robot.lower_limits, [-np.inf, -1])
    np.testing.assert_array_equal(robot.upper_limits, [np.inf, np.inf])


def test_bytes_and_open_files_are_read_and_files_that_mujoco_misreads_are_not(tmp_path):
    # In GB 2312 the name is two bytes that are one letter of UTF-8, of another name.
    text = '<?xml version="1.0" encoding="gb2312"?>' + world('<body name="头"/>')
    path = tmp_path / "model.xml"
    path.write_bytes(text.encode("gb2312"))
    with path.open("rb") as file:
        for source in (text, path.read_bytes(), file):
            assert fkarm.Robot.from_mjcf(source).link_names == ("world", "头")
    with pytest.raises(
        fkarm.MJCFError, match=r"model\.xml: the file must be UTF-8.*give its bytes"
    ):
        fkarm.Robot.from_mjcf(path)
    path.write_bytes("\ufeff\n".encode() + text.replace("gb2312", "utf-8").encode())
    assert fkarm.Robot.from_mjcf(path).link_names == ("world", "头")


def test_names_of_an_included_file_in_another_encoding_are_refused(tmp_path):
    body = "<mujocoinclude><body name='Größe'/></mujocoinclude>"
    (tmp_path / "part.xml").write_bytes(body.encode("latin-1"))
    path = tmp_path / "model.xml"
    path.write_text(world("<include file='part.xml'/>"))
    with pytest.raises(fkarm.MJCFError, match=r"model\.xml: 'utf-8' codec can't decode"):
        fkarm.Robot.from_mjcf(path)


def test_an_archive_of_mujoco_is_read(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.xml", world('<body name="a"/>'))
    assert fkarm.Robot.from_mjcf(path).link_names == ("world", "a")


def test_without_mujoco_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(fkarm.MJCFError, match="pip install mujoco .the extra 'mjcf'"):
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
