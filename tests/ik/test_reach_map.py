"""Reachability: the annulus of two links, a gantry whose wrist turns everywhere, refusals."""

import numpy as np
import pytest
from oracles import random_rotations

import fkarm
from fkarm.ik.reach_map import even_rotations

LENGTHS = (0.5, 0.3)
SLIDES = [
    fkarm.Joint(f"slide_{axis}", "prismatic", axis=axis, lower=0.0, upper=length)
    for axis, length in zip("xyz", (0.4, 0.6, 0.2), strict=True)
]


@pytest.fixture(scope="module")
def annulus():
    """Both joints turn by a whole turn."""
    arm = fkarm.robots.planar(list(LENGTHS))
    return fkarm.reachability(arm, voxel_size=0.05, orientations=1, samples=200_000)


def test_two_links_reach_an_annulus(annulus):
    radius = np.linalg.norm(annulus.centers[..., :2], axis=-1)
    half_diagonal = 0.05 / 2**0.5
    inside = (radius > 0.2 + half_diagonal) & (radius < 0.8 - half_diagonal)
    outside = (radius < 0.2 - half_diagonal) | (radius > 0.8 + half_diagonal)
    assert annulus.is_reached[inside].all()
    assert not annulus.is_reached[outside].any()
    np.testing.assert_array_equal(annulus.score, annulus.is_reached)
    assert annulus.score.shape[2] == 1
    area = annulus.volume / annulus.voxel_size
    assert 0.95 < area / (np.pi * (0.8**2 - 0.2**2)) < 1.25  # and the voxels on the border


def test_counts_are_those_of_the_closed_form(annulus):
    """`r^2 = a^2 + b^2 + 2 a b cos q_2` with a uniform angle gives the share within a radius."""
    assert annulus.counts.sum() == 200_000
    a, b = LENGTHS
    radius = np.linalg.norm(annulus.centers[..., :2], axis=-1)
    for limit in (0.3, 0.45, 0.6):
        share = 1 - np.arccos((limit**2 - a**2 - b**2) / (2 * a * b)) / np.pi
        within = annulus.counts[radius < limit].sum() / 200_000
        assert within == pytest.approx(share, abs=0.03)  # voxels across the border


def test_scores_at_positions(annulus):
    points = [[0.5, 0, 0], [0, 0, 0], [0.5, 0, 0.2], [9, 9, 9], [np.nan, 0, 0]]
    np.testing.assert_array_equal(annulus.at(points), [1, 0, 0, 0, np.nan])
    assert annulus.at(np.zeros((2, 3, 3))).shape == (2, 3)
    centers = annulus.centers
    np.testing.assert_array_equal(annulus.at(centers), annulus.score)
    np.testing.assert_allclose(centers[0, 0, 0] - annulus.origin, 0.025)


def test_a_gantry_reaches_one_orientation():
    gantry = fkarm.Robot.from_joints(SLIDES, name="gantry")
    reached = fkarm.reachability(gantry, voxel_size=0.1, orientations=16, samples=20_000)
    assert reached.score.shape == (5, 7, 3)
    np.testing.assert_allclose(reached.score, 1 / 16)


@pytest.mark.parametrize("method", ["sampling", "ik"])
def test_a_wrist_that_turns_freely_reaches_every_orientation(method):
    turns = [fkarm.Joint(f"turn_{k}", "continuous", axis=axis) for k, axis in enumerate("zyz")]
    gantry = fkarm.Robot.from_joints([*SLIDES, *turns], name="gantry_with_wrist")
    reached = fkarm.reachability(
        gantry, voxel_size=0.1, orientations=6, samples=20_000, method=method
    )
    inner = reached.score[1:-1, 1:-1, 1]
    np.testing.assert_array_equal(inner, 1.0)
    assert reached.score.max() == 1.0
    assert (reached.link, reached.base) == (gantry.end_effector, gantry.root_link)


def test_the_map_is_in_the_frame_of_another_link():
    arm = fkarm.Robot.from_joints(
        [fkarm.Joint("lift", "prismatic", axis="z", lower=1, upper=2), *SLIDES], name="lifted"
    )
    reached = fkarm.reachability(arm, base=arm.link_names[1], voxel_size=0.1, samples=5_000)
    assert reached.score.shape == (5, 7, 3)
    again = fkarm.reachability(arm, base=arm.link_names[1], voxel_size=0.1, samples=5_000)
    np.testing.assert_array_equal(reached.counts, again.counts)


def test_tested_orientations_are_even(rng):
    """No orientation is farther from its nearest neighbour than in a good cover of SO(3)."""
    rotations = even_rotations(200)
    np.testing.assert_allclose(
        rotations @ rotations.swapaxes(1, 2), np.tile(np.eye(3), (200, 1, 1)), atol=1e-12
    )
    traces = np.einsum("nij,kij->nk", random_rotations(rng, 2000), rotations)
    angles = np.arccos(np.clip((traces.max(axis=1) - 1) / 2, -1, 1))
    # 200 balls of this radius would fill SO(3) exactly: (angle - sin angle) / pi = 1 / 200.
    assert np.degrees(angles.max()) < 2.2 * 26.2
    assert np.degrees(angles.mean()) < 26.2


def test_what_a_map_refuses():
    arm = fkarm.robots.planar(list(LENGTHS))
    with pytest.raises(ValueError, match="method must be one of"):
        fkarm.reachability(arm, method="guess")
    with pytest.raises(ValueError, match="orientations must be a whole number >= 1"):
        fkarm.reachability(arm, orientations=0)
    with pytest.raises(ValueError, match="voxel_size must be finite and > 0"):
        fkarm.reachability(arm, voxel_size=-0.1)
    with pytest.raises(ValueError, match="at most 20,000,000 voxels.*Choose larger voxels"):
        fkarm.reachability(arm, voxel_size=1e-5, samples=1000)
    with pytest.raises(fkarm.UnknownLinkError, match="hand"):
        fkarm.reachability(arm, "hand")
    with pytest.raises(ValueError, match=r"positions must have shape \(..., 3\)"):
        fkarm.reachability(arm, samples=1000).at(np.zeros(2))
