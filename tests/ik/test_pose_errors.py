"""Errors of poses in float64, judged by SciPy."""

import numpy as np
from autodiff import array
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.ik.pose_errors import errors_of, is_solved
from fkarm.ik.request import read_request


def test_errors_are_distances_and_angles(panda):
    links = ("panda_hand", "panda_link4")
    q, goal = (fkarm.sample_configurations(panda, 4, seed=seed) for seed in (0, 1))
    poses, targets = (array(fkarm.forward_kinematics(panda, each, links)) for each in (q, goal))
    by_link = dict(zip(links, targets.swapaxes(0, 1), strict=True))
    request = read_request(panda, by_link, None)
    for mode in ("auto", "graph"):
        asked = request._replace(is_few=mode == "auto")
        errors = errors_of(asked, np.arange(4), q[:, None])[:, 0]
        distance = np.linalg.norm(poses[..., :3, 3] - targets[..., :3, 3], axis=-1)
        turn = targets[..., :3, :3] @ poses[..., :3, :3].swapaxes(-1, -2)
        angle = Rotation.from_matrix(turn.reshape(-1, 3, 3)).magnitude().reshape(4, 2)
        np.testing.assert_allclose(errors[..., 0], distance, atol=1e-12)
        np.testing.assert_allclose(errors[..., 1], angle, atol=1e-9)
        assert not is_solved(asked, errors).any()
        exact = errors_of(asked, np.arange(4), goal[:, None])
        assert is_solved(asked, exact).all()


def test_only_finite_targets_have_errors(panda):
    targets = np.tile(np.eye(4), (2, 1, 1))
    targets[1, 0, 3] = np.inf
    errors = errors_of(
        read_request(panda, targets, None), np.arange(2), np.zeros((2, 1, panda.dof))
    )
    assert np.isfinite(errors[0]).all()
    assert np.isnan(errors[1]).all()
