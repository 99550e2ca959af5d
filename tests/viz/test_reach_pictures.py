"""Pictures of reached space show the voxels behind a section, and the section."""

import numpy as np
import pytest

import fkarm
from fkarm.viz import plot_reachability


@pytest.fixture(scope="module")
def arm():
    joints = [
        fkarm.Joint("turn", axis="z", lower=-3.0, upper=3.0),
        fkarm.Joint("lift", axis="y", xyz=(0, 0, 0.3), lower=-1.5, upper=1.5),
    ]
    return fkarm.Robot.from_joints(joints, tool=(0.4, 0, 0), name="arm")


@pytest.fixture(scope="module")
def reached(arm):
    return fkarm.reachability(arm, voxel_size=0.1, orientations=4, samples=5_000)


@pytest.mark.parametrize(("plane", "normal"), [("xz", 1), ("yz", 0), ("xy", 2)])
def test_the_picture_shows_half_of_the_voxels_and_a_section(arm, reached, plane, normal, tmp_path):
    figure = plot_reachability(reached, arm, np.array([0.1, 0.2]), plane=plane)
    space, section, bar = figure.axes
    dots = np.stack(space.collections[0]._offsets3d, axis=-1)
    along = reached.centers[reached.is_reached][:, normal]
    wanted = along > -0.01 if normal == 1 else along < 0.01 if normal == 0 else along < 0.06
    assert len(dots) == wanted.sum()
    assert len(space.lines) == 1
    (image,) = section.get_images()
    drawn = np.ma.filled(image.get_array(), np.nan)
    expected = np.where(reached.is_reached, reached.score, np.nan)
    layer = round(-reached.origin[normal] / reached.voxel_size - 0.5)
    layer = min(max(layer, 0), reached.score.shape[normal] - 1)
    np.testing.assert_array_equal(drawn, expected.take(layer, axis=normal).T)
    assert section.get_xlabel() == f"{plane[0]}, m"
    assert bar.get_ylabel() == "share of orientations reached"
    figure.savefig(tmp_path / "map.png")


def test_a_flat_map_is_drawn_in_its_plane():
    flat = fkarm.reachability(fkarm.robots.planar([0.4, 0.3]), orientations=1, samples=2_000)
    _, section, _ = plot_reachability(flat).axes
    assert (section.get_xlabel(), section.get_ylabel()) == ("x, m", "y, m")


def test_what_the_picture_refuses(arm, reached, panda):
    with pytest.raises(ValueError, match="plane must be one of"):
        plot_reachability(reached, plane="z")
    with pytest.raises(ValueError, match="robot must have the root link 'base'"):
        plot_reachability(reached, panda)
