"""Suggestions where the tool touches a point or a plane."""

import numpy as np
import pytest
from calibration.cases import poses_by_pinocchio

import fkarm
from fkarm import calibration

ARM = fkarm.robots.ur5e().with_tool((0.05, 0.0, 0.1))
JOINTS = ARM.joint_names
OFFSETS = calibration.parameters(ARM, offsets=JOINTS[1:])
# A known distance tells how large the arm is.
LENGTHS = calibration.parameters(ARM, origins=True, point=True)
LENGTHS = LENGTHS.only(*(name for name in LENGTHS.names if name[-2:] in (" x", " y", " z")))
SOCKETS = np.array([[0.4, 0.1, 0.3], [0.4, -0.2, 0.3]])


def suggest(n, **options):
    options = {"parameters": OFFSETS, "candidates": 60, **options}
    return calibration.suggest_configurations(ARM, n, **options)


def tips(q):
    return poses_by_pinocchio(ARM, OFFSETS, np.zeros(5), q)[:, :3, 3]


def deviation_of_the_tip(fit):
    """By the fit's covariance and differences of Pinocchio's positions."""
    parameters = fit.problem.parameters.only(*fit.parameters)
    drawn = fkarm.sample_configurations(ARM, 60, seed=0)
    columns = [
        (
            poses_by_pinocchio(ARM, parameters, 1e-6 * unit, drawn)
            - poses_by_pinocchio(ARM, parameters, -1e-6 * unit, drawn)
        )[:, :3, 3]
        / 2e-6
        for unit in np.eye(len(parameters.entries))
    ]
    jac = np.stack(columns, axis=2)
    return np.sqrt(np.einsum("nki,ij,nkj->", jac, fit.covariance, jac) / len(drawn))


def test_all_configurations_bring_the_point_to_its_sockets():
    found = suggest(
        8, measurement="same_point", at=SOCKETS, parameters=LENGTHS,
        is_free=lambda q: q[:, 4] > -1.2,
    )  # fmt: skip
    np.testing.assert_array_equal(np.bincount(found.place), [4, 4])
    np.testing.assert_allclose(tips(found.q), SOCKETS[found.place], atol=1e-5)
    assert (found.q >= ARM.lower_limits).all()
    assert (found.q <= ARM.upper_limits).all()
    assert (found.q[:, 4] > -1.2).all()
    assert found.deviation < found.random_deviation
    # `calibrate` states the same accuracy of measurements at these configurations.
    data = [calibration.SamePoint(f"{k}", found.q[found.place == k], sigma=1e-4) for k in range(2)]
    data.append(calibration.Distance("0", "1", np.linalg.norm(SOCKETS[0] - SOCKETS[1])))
    fit = fkarm.calibrate(ARM, data, parameters=LENGTHS)
    assert deviation_of_the_tip(fit) == pytest.approx(found.deviation, rel=1e-3)


def test_all_configurations_touch_the_plane():
    normal = np.array([0.0, 3.0, 4.0])
    found = suggest(12, measurement="plane", at=SOCKETS[0], normal=normal)
    np.testing.assert_allclose((tips(found.q) - SOCKETS[0]) @ normal / 5.0, 0.0, atol=1e-5)
    assert np.ptp(tips(found.q), axis=0).max() > 0.1
    fit = fkarm.calibrate(
        ARM, [calibration.Plane("table", found.q, sigma=1e-4)], parameters=OFFSETS
    )
    assert deviation_of_the_tip(fit) == pytest.approx(found.deviation, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"measurement": "same_point"}, ValueError, "needs at="),
        ({"at": SOCKETS[0]}, ValueError, "at is for measurement='same_point' and 'plane'"),
        ({"measurement": "same_point", "at": SOCKETS, "normal": (0, 0, 1)}, ValueError, "normal"),
        ({"measurement": "plane", "at": SOCKETS}, ValueError, r"shape \(3,\)"),
        ({"measurement": "plane", "at": SOCKETS[0], "normal": (0, 0, 0)}, ValueError, "direction"),
        ({"measurement": "same_point", "at": (0.1, np.nan, 0)}, ValueError, "finite numbers"),
        ({"measurement": "same_point", "at": SOCKETS[[0, 0]]}, ValueError, "different places"),
        ({"measurement": "same_point", "at": SOCKETS, "n": 3}, ValueError, "2 for each place"),
        ({"is_free": lambda q: True}, ValueError, "a boolean for each of 60"),
        ({"is_free": lambda q: np.arange(60)}, ValueError, "int64 of shape"),
        ({"measurement": "same_point", "at": (9, 0, 0)}, fkarm.CalibrationError, "more sides"),
    ],
)
def test_places_that_cannot_be_touched_are_refused(options, kind, message):
    with pytest.raises(kind, match=message):
        suggest(**{"n": 8, **options})


def test_a_robot_of_another_type_is_refused():
    with pytest.raises(TypeError, match=r"a fkarm\.Robot"):
        calibration.suggest_configurations("ur5e", 8)
