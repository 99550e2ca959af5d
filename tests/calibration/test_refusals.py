"""Bad input: clear words, never a silent garbage fit."""

import numpy as np
import pytest
from autodiff import array
from calibration.cases import positions, small_arm

import fkarm
from fkarm import calibration

ARM = small_arm()
WANTED = calibration.parameters(ARM, offsets=["turn", "lift", "slide"])
GOOD = positions(ARM, WANTED, np.zeros(3), count=20)
Q, P = GOOD.q, GOOD.p
EYE = np.tile(np.eye(4), (20, 1, 1))
POINT = calibration.SamePoint("a", Q)
# The last joint turns about an axis through the tip.
ROLLED = calibration.SamePoint("a", np.concatenate([Q[[0] * 20, :3], Q[:, 3:]], axis=1))


def fit(*measurements, **options):
    return fkarm.calibrate(ARM, list(measurements), **{"parameters": WANTED, **options})


def far(q):
    """The same configurations with one entry beyond its limit."""
    q = np.array(q)
    q[3, 1] = 2.5
    return q


MEASUREMENTS = [
    (lambda: calibration.Position("", Q, P), TypeError, "non-empty string"),
    (lambda: calibration.Position("a", Q[0], P), ValueError, r"\(n, dof\)"),
    (lambda: calibration.Position("a", Q, P[:5]), ValueError, r"shape \(\.\.\., 20, 3\)"),
    (lambda: calibration.Position("a", Q, P[None]), ValueError, r"shape \(20, 3\)"),
    (lambda: calibration.Position("a", Q, P * np.nan), ValueError, "must be finite.*rows"),
    (lambda: calibration.Position("a", Q * np.nan, P), ValueError, "q of 'a' must be finite"),
    (lambda: calibration.Position("a", Q, P, sigma=-1.0), ValueError, "sigma of 'a'"),
    (lambda: calibration.Position("a", Q, P, sigma=[1e-4] * 20), ValueError, "be one number"),
    (lambda: calibration.SamePoint("a", Q, sigma=(1e-4, 1e-4)), ValueError, "be one number"),
    (lambda: calibration.Position("a", Q, P, sensor=3), TypeError, "sensor of 'a'"),
    (lambda: calibration.Pose("a", Q, 2 * EYE), ValueError, "must hold rotations"),
    (lambda: calibration.Pose("a", Q, EYE, sigma=1.0), ValueError, "must be a pair"),
    (lambda: calibration.SamePoint("a", Q[:1]), ValueError, "two configurations or more"),
    (lambda: calibration.Plane("a", Q[:3]), ValueError, "four configurations or more"),
    (lambda: calibration.Distance("a", "b", 0.0), ValueError, "distance of 'a to b'"),
    (lambda: calibration.Distance("a", "b", [0.1, 0.2]), ValueError, "'a to b' must be one number"),
]


@pytest.mark.parametrize(("make", "kind", "message"), MEASUREMENTS)
def test_bad_measurements_are_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


FITS = [
    (lambda: fit(), ValueError, "must hold at least one with configurations"),
    (lambda: fit("points"), TypeError, "list of fkarm.calibration.Pose"),
    (lambda: fit(GOOD, GOOD), ValueError, "must be unique"),
    (lambda: fit(POINT, calibration.Distance("a", "b", 1.0)), ValueError, "one of: 'a'"),
    (lambda: fit(POINT, calibration.Distance("a", "a", 1.0)), ValueError, "two ends"),
    (lambda: fit(calibration.Position("a", Q[:, :3], P)), ValueError, "must have 4 columns"),
    (lambda: fit(calibration.Position("a", np.degrees(Q), P)), ValueError, "look like degrees"),
    (lambda: fit(calibration.Position("a", far(Q), P)), ValueError, "2.5 for 'lift' in row 3"),
    (lambda: fit(calibration.Position("a", Q[[0] * 20], P)), ValueError, "one configuration"),
    (lambda: fit(calibration.Position("a", Q, 1e3 * P)), ValueError, "millimetres"),
    (lambda: fit(calibration.Position("a", Q, P[::-1])), ValueError, "stay more than"),
    (lambda: fit(calibration.Position("a", Q[:1], P[:1])), ValueError, "one configuration"),
    (lambda: fit(calibration.Position("a", Q[:2], P[:2]), parameters=calibration.parameters(
        ARM, origins=True)), ValueError, "more numbers than are fitted"),
    (lambda: fit(GOOD, parameters=calibration.parameters(ARM, base=True).only("base x")
        .without("base x")), ValueError, "a number to fit"),
    (lambda: fit(GOOD, parameters=calibration.parameters(fkarm.robots.ur5e(), base=True)),
        ValueError, "of the robot that is calibrated"),
    (lambda: fit(GOOD, parameters=["x"]), TypeError, r"from fkarm\.calibration\.parameters"),
    (lambda: fit(GOOD, link=ARM.root_link), ValueError, "stay more than"),
    (lambda: WANTED.within("lift offset", mm=1.0), ValueError, "mm= must bound.*in deg"),
    (lambda: fit(GOOD, loss="l3"), ValueError, "loss must be one of"),
    (lambda: fkarm.calibrate("arm", [GOOD]), TypeError, r"a fkarm\.Robot"),
    (lambda: fit(ROLLED, parameters=calibration.parameters(ARM, origins=["turn"]).only("turn x")),
        ValueError, "tell at least one parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "message"), FITS)
def test_bad_fits_are_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_limits_can_be_ignored_and_degrees_are_suspected_after_the_fit():
    free = fkarm.robots.planar([0.4, 0.3])
    q = fkarm.sample_configurations(free, 30, seed=0)
    p = array(fkarm.forward_kinematics(free, q))[:, :3, 3]
    wanted = calibration.parameters(free, offsets=True)
    close = calibration.Position("a", 3.9 * q, p)  # angles that are large, but not surely degrees
    with pytest.raises(fkarm.CalibrationError, match="are they degrees"):
        fkarm.calibrate(free, [close], parameters=wanted, limits=False)
    found = fit(calibration.Position("a", Q, P), limits=False)
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 4\)"):
        found.configuration(np.zeros(3))
    outside = np.concatenate([Q, far(Q)[3:4]])
    p = array(fkarm.forward_kinematics(ARM, outside))[:, :3, 3]
    fit(calibration.Position("a", outside, p), limits=False)


PARAMETERS = [
    ({"offsets": "lift"}, TypeError, "list of joint names"),
    ({"offsets": ["elbow"]}, fkarm.UnknownJointError, "A joint of offsets"),
    ({"senses": {"elbow": 1}}, fkarm.UnknownJointError, "A joint of senses"),
    ({"senses": [1, 1, 2, 1]}, ValueError, "1 or -1 for each"),
    ({"senses": [1]}, ValueError, "1 or -1 for each"),
    ({"dh": "craig"}, ValueError, "dh must be one of"),
    ({"dh": "modified"}, ValueError, "Denavit-Hartenberg table"),
    ({"prior_mm": 0.0}, ValueError, "prior_mm"),
]


@pytest.mark.parametrize(("options", "kind", "message"), PARAMETERS)
def test_bad_parameters_are_refused(options, kind, message):
    with pytest.raises(kind, match=message):
        calibration.parameters(ARM, **options)


def test_names_of_parameters_are_checked():
    with pytest.raises(ValueError, match="Did you mean 'lift offset'"):
        WANTED.without("lift ofset")
    with pytest.raises(ValueError, match="Did you mean 'lift offset'"):
        WANTED.within("lift ofset", deg=1.0)
    with pytest.raises(ValueError, match="mm must be finite and > 0"):
        WANTED.within(mm=0.0)
    with pytest.raises(TypeError, match=r"a fkarm\.Robot"):
        calibration.parameters("arm")
    planar = fkarm.Robot.from_joints([fkarm.Joint("drive", "planar")])
    with pytest.raises(ValueError, match="1 for joints of several values"):
        calibration.parameters(planar, senses=[1, 1, -1])
    branches = fkarm.Robot(
        (
            fkarm.Joint("a", parent="base", child="link"),
            fkarm.Joint("b", parent="link", child="left"),
            fkarm.Joint("c", parent="link", child="right"),
        )
    )
    with pytest.raises(ValueError, match="one joint, or a fixed flange"):
        calibration.parameters(branches, dh="standard")


def test_suggestions_are_better_than_random_and_stay_free():
    found = calibration.suggest_configurations(
        ARM, 12, candidates=120, is_free=lambda q: q[:, 0] > 0
    )
    q = np.asarray(found)
    assert q.shape == (12, 4)
    assert len(found) == 12
    assert (q[:, 0] > 0).all()
    assert (q >= ARM.lower_limits).all()
    assert (q <= ARM.upper_limits).all()
    assert found.deviation < found.random_deviation
    for kind in ("pose", "orientation", "sensor_points"):
        other = calibration.suggest_configurations(ARM, 12, measurement=kind, candidates=60)
        assert other.q.shape == (12, 4)
    with pytest.raises(fkarm.CalibrationError, match="Raise candidates"):
        calibration.suggest_configurations(ARM, 12, candidates=20)
    with pytest.raises(fkarm.CalibrationError, match="as many numbers as are fitted"):
        calibration.suggest_configurations(ARM, 2)
    with pytest.raises(ValueError, match="measurement must be one of"):
        calibration.suggest_configurations(ARM, 12, measurement="points")
    with pytest.raises(ValueError, match="criterion must be one of"):
        calibration.suggest_configurations(ARM, 12, criterion="trace")


def test_suggestions_are_best_by_their_criterion():
    found = {
        criterion: calibration.suggest_configurations(ARM, 12, candidates=60, criterion=criterion)
        for criterion in ("tip", "determinant")
    }
    assert found["tip"].deviation < found["determinant"].deviation

    def determinant(suggested):
        p = array(fkarm.forward_kinematics(ARM, suggested.q))[:, :3, 3]
        told = calibration.identifiability(ARM, [calibration.Position("p", suggested.q, p)])
        return np.sum(np.log(told.singular_values))

    assert determinant(found["determinant"]) > determinant(found["tip"])


def test_suggestions_move_away_from_their_candidates_but_not_beyond_what_is_free():
    found = calibration.suggest_configurations(ARM, 12, candidates=60, seed=3)
    candidates = fkarm.sample_configurations(ARM, 60, seed=3)
    assert not (found.q[:, None] == candidates).all(axis=-1).any()
    free = calibration.suggest_configurations(ARM, 12, is_free=lambda q: q[:, 0] > 0)
    assert (free.q[:, 0] > 0).all()
