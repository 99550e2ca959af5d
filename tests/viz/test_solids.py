"""What is drawn of a robot: the visuals of its URDF, and capsules where meshes are not at hand."""

import numpy as np
import pytest

import fkarm
from fkarm.viz.edges import split_edges
from fkarm.viz.solids import solids_of

trimesh = pytest.importorskip("trimesh", reason="needs fkarm[view]")

URDF = """<robot name="r">
  <material name="red"><color rgba="1 0 0 1"/></material>
  <link name="base">
    <visual><geometry><box size="0.2 0.4 0.6"/></geometry><material name="red"/></visual>
    <visual><geometry><sphere radius="0.1"/></geometry><origin xyz="0 0 2"/></visual>
  </link>
  <link name="arm">
    <visual>
      <origin xyz="1 0 0" rpy="0 0 1.5707963267948966"/>
      <geometry><mesh filename="{mesh}" scale="2 1 1"/></geometry>
      <material name=""><color rgba="0 0.5 1 1"/></material>
    </visual>
  </link>
  <link name="tip"/>
  <joint name="j" type="revolute">
    <parent link="base"/><child link="arm"/><origin xyz="0 0 1"/>
    <limit lower="-1" upper="1" effort="0" velocity="0"/>
  </joint>
  <joint name="k" type="fixed">
    <parent link="arm"/><child link="tip"/><origin xyz="0.5 0 0"/>
  </joint>
</robot>"""


def written(tmp_path, mesh="package://some_robot/meshes/part.stl", text=URDF):
    folder = tmp_path / "some_robot"
    (folder / "meshes").mkdir(parents=True)
    (folder / "urdf").mkdir()
    trimesh.creation.box(extents=(0.2, 0.4, 0.6)).export(folder / "meshes" / "part.stl")
    path = folder / "urdf" / "r.urdf"
    path.write_text(text.replace("{mesh}", mesh))
    return path


def extent(solid):
    return np.stack([solid.vertices.min(axis=0), solid.vertices.max(axis=0)])


@pytest.mark.parametrize("mesh", ["package://some_robot/meshes/part.stl", "../meshes/part.stl"])
def test_visuals_of_a_urdf_are_drawn_in_the_frames_of_their_links(mesh, tmp_path):
    path = written(tmp_path, mesh)
    box, sphere, part = solids_of(fkarm.Robot.from_urdf(path), path)
    np.testing.assert_allclose(extent(box), [[-0.1, -0.2, -0.3], [0.1, 0.2, 0.3]])
    np.testing.assert_allclose(extent(sphere), [[-0.1, -0.1, 1.9], [0.1, 0.1, 2.1]])
    # Stretched along its own x, then turned to y, then moved by 1 m.
    np.testing.assert_allclose(extent(part), [[0.8, -0.2, -0.3], [1.2, 0.2, 0.3]], atol=1e-6)
    assert [solid.link for solid in (box, sphere, part)] == ["base", "base", "arm"]
    assert (box.colour, part.colour) == ((255, 0, 0), (0, 128, 255))


@pytest.mark.parametrize(
    "mesh", ["package://some_robot/meshes/lost.stl", "http://localhost/part.stl", "/etc/passwd"]
)
def test_a_link_whose_mesh_is_not_at_hand_is_drawn_with_capsules(mesh, tmp_path):
    path = written(tmp_path, mesh)
    with pytest.warns(UserWarning, match=f"Not at hand: {mesh}"):
        solids = solids_of(fkarm.Robot.from_urdf(path), path)
    assert [solid.link for solid in solids] == ["base", "base", "arm", "arm"]
    joint, capsule = solids[2:] if len(solids[3].vertices) > 200 else solids[:1:-1]
    assert capsule.vertices[:, 0].max() > 0.5 > joint.vertices[:, 0].max()


def test_capsules_reach_from_joint_to_joint():
    solids = solids_of(fkarm.robots.planar([1.0, 0.5]))
    first = [solid for solid in solids if solid.link == "link_1"]
    (low, high) = extent(max(first, key=lambda solid: solid.vertices[:, 0].max()))
    radius = high[2]
    np.testing.assert_allclose([low[0], high[0]], [-radius, 1.0 + radius], rtol=1e-6)
    assert 0.01 < radius < 0.1


def test_every_kind_of_joint_has_a_solid(free_robot, every_joint):
    for robot in (free_robot, every_joint):
        links = {solid.link for solid in solids_of(robot)}
        assert {joint.child for joint in robot.joints if not joint.is_fixed} <= links


def test_a_wrong_size_is_refused_with_its_line(tmp_path):
    path = written(tmp_path, text=URDF.replace("0.2 0.4 0.6", "0.2 0.4"))
    with pytest.raises(fkarm.URDFError, match=r"line 4, <visual> of 'base': size must be 3 finite"):
        solids_of(fkarm.Robot.from_urdf(path), path)
    with pytest.raises(fkarm.MissingFileError, match="URDF file must exist"):
        solids_of(fkarm.robots.planar([1.0]), tmp_path / "no.urdf")


def test_edges_are_split_and_round_surfaces_are_not():
    for mesh, count in (
        (trimesh.creation.box(), 24),  # three faces meet at each of eight corners
        (trimesh.creation.icosphere(subdivisions=2), 162),
    ):
        vertices, faces = split_edges(mesh.vertices, mesh.faces)
        assert len(vertices) == count
        np.testing.assert_array_equal(vertices[faces], mesh.vertices[mesh.faces])
