"""Orientations of robot makers are their makers' definitions."""

import numpy as np
from autodiff import array
from oracles import rot

from fkarm import geometry


def test_vendor_orientations_are_their_makers_definitions(rng):
    a, b, c = angles = rng.uniform(-1.5, 1.5, size=3)
    kuka = rot((0, 0, 1), a) @ rot((0, 1, 0), b) @ rot((1, 0, 0), c)
    np.testing.assert_allclose(geometry.kuka_abc_to_matrix(angles), kuka, atol=1e-14)
    np.testing.assert_allclose(geometry.matrix_to_kuka_abc(kuka), angles, atol=1e-14)
    fanuc = rot((0, 0, 1), c) @ rot((0, 1, 0), b) @ rot((1, 0, 0), a)
    np.testing.assert_allclose(geometry.fanuc_wpr_to_matrix(angles), fanuc, atol=1e-14)
    np.testing.assert_allclose(geometry.matrix_to_fanuc_wpr(fanuc), angles, atol=1e-14)
    turned = rot(angles, np.linalg.norm(angles))
    np.testing.assert_allclose(geometry.ur_rotvec_to_matrix(angles), turned, atol=1e-14)
    np.testing.assert_allclose(geometry.matrix_to_ur_rotvec(turned), angles, atol=1e-14)
    q1, q2, q3, q4 = array(geometry.matrix_to_abb_quat(rot((0, 0, 1), 0.8)))
    np.testing.assert_allclose([q1, q2, q3, q4], [np.cos(0.4), 0, 0, np.sin(0.4)], atol=1e-14)
    np.testing.assert_allclose(
        geometry.abb_quat_to_matrix([q1, q2, q3, q4]), rot((0, 0, 1), 0.8), atol=1e-6
    )
