"""Spheres around meshes: what encloses them, and how far it reaches."""

import sys

import numpy as np
import pytest

import fkarm
from fkarm import Robot
from fkarm.model.meshes import enclosing_spheres
from tests.model.solid_shapes import depth, in_frame, surface

trimesh = pytest.importorskip("trimesh")

URDF = """<robot name="r"><link name="a"><collision>
  <origin xyz="0.1 0.2 0.3" rpy="0.3 0.2 0.1"/>
  <geometry><mesh filename="{file}" scale="0.001 0.001 0.002"/></geometry>
</collision></link></robot>"""


@pytest.fixture
def rod():
    return trimesh.creation.cylinder(radius=50, height=400)


def write(folder, mesh, file="rod.stl", name="r.urdf"):
    mesh.export(folder / "rod.stl")
    path = folder / name
    path.write_text(URDF.format(file=file))
    return path


@pytest.mark.parametrize("count", [1, 4, 9])
def test_spheres_contain_every_triangle_and_reach_no_farther_than_stated(rod, count):
    triangles = np.asarray(rod.triangles) / 1e3
    centres, radii, gap = enclosing_spheres(triangles, count)
    assert len(centres) == len(radii) <= count
    bodies = [fkarm.Body("a", "sphere", r, xyz=c) for c, r in zip(centres, radii, strict=True)]
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=(200, 1))
    inside = (shares[..., None] * triangles).sum(-2).reshape(-1, 3)
    assert depth(bodies, inside).max() <= 0
    # The closed form of the distance from a cylinder.
    points = np.concatenate([surface(body, 300) for body in bodies])
    beyond = np.stack([np.hypot(*points[:, :2].T) - 0.05, np.abs(points[:, 2]) - 0.2])
    assert np.linalg.norm(np.maximum(beyond, 0), axis=0).max() <= gap * 1.05


def test_more_spheres_are_closer(rod):
    triangles = np.asarray(rod.triangles) / 1e3
    (one, gap), (four, least) = (enclosing_spheres(triangles, count)[1:] for count in (1, 4))
    assert one[0] == pytest.approx(np.hypot(0.05, 0.2), rel=1e-3)
    assert gap == pytest.approx(one[0] - 0.05, rel=0.03)
    # In four equal slices: a sphere around half of 0.1 m and the radius.
    assert four.max() < 1.2 * np.hypot(0.05, 0.05)
    assert least < gap / 4


def test_a_mesh_of_a_urdf_is_enclosed_where_it_is(rod, tmp_path):
    path = write(tmp_path, rod)
    robot = Robot.from_urdf(path, mesh_spheres=6)
    vertices = in_frame(
        np.asarray(rod.vertices) * [1e-3, 1e-3, 2e-3], (0.1, 0.2, 0.3), (0.3, 0.2, 0.1)
    )
    assert 1 < len(robot.bodies) <= 6
    assert depth(robot.bodies, vertices).max() <= 1e-9
    assert "from <mesh>, up to" in robot.report().read[2]
    assert Robot.from_urdf(path).bodies == ()


def test_meshes_of_packages_above_the_file_are_read(rod, tmp_path):
    folder = tmp_path / "arm" / "urdf"
    folder.mkdir(parents=True)
    rod.export(tmp_path / "arm" / "rod.stl")
    path = folder / "r.urdf"
    path.write_text(URDF.format(file="package://arm/rod.stl"))
    assert len(Robot.from_urdf(path, mesh_spheres=1).bodies) == 1


def test_meshes_that_cannot_be_read_are_named(rod, tmp_path, monkeypatch):
    path = write(tmp_path, rod, "none.stl")
    with pytest.raises(fkarm.MissingFileError, match="'a': the mesh must be at hand.*none.stl"):
        Robot.from_urdf(path, mesh_spheres=3)
    with pytest.raises(fkarm.MissingFileError, match="Give the path of the URDF, not its text"):
        Robot.from_urdf(path.read_text(), mesh_spheres=3)
    with pytest.raises(ValueError, match="mesh_spheres must be"):
        Robot.from_urdf(path, mesh_spheres=0)
    with pytest.raises(ValueError, match="mesh_spheres must be"):
        Robot.from_mjcf("<mujoco/>", mesh_spheres=0)
    path = write(tmp_path, rod)
    monkeypatch.setitem(sys.modules, "trimesh", None)
    with pytest.raises(
        fkarm.RobotError,
        match=r"read by trimesh.*pip install pyyaml trimesh pycollada \(the extra 'bodies'",
    ):
        Robot.from_urdf(path, mesh_spheres=3)


def test_files_without_triangles_and_broken_ones_are_refused(tmp_path, rod):
    path = write(tmp_path, rod, "rod.off")
    (tmp_path / "rod.off").write_text("nothing")
    with pytest.raises(fkarm.RobotError, match="rod.off: the mesh must be readable"):
        Robot.from_urdf(path, mesh_spheres=3)
    path = write(tmp_path, rod, "rod.ply")
    trimesh.PointCloud(np.eye(3)).export(tmp_path / "rod.ply")
    with pytest.raises(fkarm.RobotError, match="rod.ply: the mesh must have triangles"):
        Robot.from_urdf(path, mesh_spheres=3)


def test_meshes_of_mjcf_are_enclosed_where_mujoco_has_them(rod, tmp_path):
    mujoco = pytest.importorskip("mujoco")
    rod.export(tmp_path / "rod.stl")
    path = tmp_path / "model.xml"
    path.write_text("""<mujoco><asset>
      <mesh name="rod" file="rod.stl" scale=".001 .001 .001"/></asset>
      <worldbody><body name="a" pos="1 2 3"><joint/>
      <geom type="mesh" mesh="rod" pos="0.1 0 0" euler="30 20 10"/></body></worldbody></mujoco>""")
    robot, model = Robot.from_mjcf(path, mesh_spheres=5), mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    world = model.mesh_vert @ data.geom_xmat[0].reshape(3, 3).T + data.geom_xpos[0]
    assert depth(robot.bodies, world - [1, 2, 3]).max() <= 1e-6
    np.testing.assert_allclose(robot.masses[0].mass, model.body_mass[1])
    path.with_name("rod.stl").unlink()
    with pytest.raises(fkarm.MJCFError, match="rod.stl"):
        Robot.from_mjcf(path, mesh_spheres=5)
