"""What `solve_path` refuses, and what it says."""

import numpy as np
import pytest

import fkarm

TIMES = np.arange(4.0)
POSES = np.tile(np.eye(4), (4, 1, 1))


@pytest.fixture
def arm():
    return fkarm.robots.planar([1.0, 0.5])


CASES = {
    "no mapping": (dict(target_poses=POSES), TypeError, r"mapping \{link: poses\}.*ndarray"),
    "no link": (dict(target_poses={}), TypeError, "at least one link"),
    "unknown link": (dict(target_poses={"tol": POSES}), fkarm.UnknownLinkError, "Received: 'tol'"),
    "other length": (
        dict(target_poses={"tool": POSES[:3]}), ValueError, r"\(\.\.\., 4, 4, 4\).*\(3, 4, 4\)",
    ),
    "one pose": (dict(target_poses={"tool": POSES[0]}), ValueError, "one target per time"),
    "no pose": (dict(target_poses={"tool": np.zeros((4, 6))}), ValueError, "4, 4"),
    "no numbers": (dict(target_poses={"tool": np.array(["a"] * 4)}), TypeError, "real numbers"),
    "unknown base": (dict(base="tol"), fkarm.UnknownLinkError, "Received: 'tol'"),
    "its own base": (dict(base="tool"), ValueError, "'tool'"),
    "no rotation": (dict(target_poses={"tool": 2 * POSES}), ValueError, "must hold rotations"),
    "other batches": (
        dict(target_poses={"tool": POSES, "link_2": np.stack([POSES] * 2)}), ValueError,
        "same batch axes and length",
    ),
    "times fall": (dict(times=[0.0, 1.0, 0.5, 2.0]), ValueError, "0.5 after 1 at frame 2"),
    "times repeat": (dict(times=[0.0, 1.0, 1.0, 2.0]), ValueError, "must increase"),
    "times since an epoch in float32": (
        dict(times=(1.7e9 + 0.01 * TIMES).astype("float32")), ValueError,
        "1700000000 after 1700000000 at frame 1, in float32.*epoch need float64",
    ),
    "times that are rounded": (
        dict(times=(1e4 + 0.02 * TIMES).astype("float32")), ValueError,
        r"tell frames apart: float32 rounds them by up to 0\.0012 s.*shortest step takes 0\.02 s",
    ),
    "times are endless": (dict(times=[0.0, 1.0, 2.0, np.inf]), ValueError, "must be finite"),
    "one time": (dict(times=1.0), ValueError, "one number"),
    "times of other clips": (
        dict(times=np.tile(TIMES, (3, 1))), ValueError, r"times must have shape \(4,\)",
    ),
    "limits of other size": (dict(velocity_limits=[1.0]), ValueError, "one per entry of q"),
    "negative limit": (dict(velocity_limits=[1.0, -1.0]), ValueError, "number > 0"),
    "no speed at all": (dict(velocity_limits=0.0), ValueError, "velocity_limits must be one"),
    "NaN limit": (dict(velocity_limits=np.nan), ValueError, "number > 0"),
    "acceleration True": (dict(acceleration_limits=True), ValueError, "acceleration_limits must"),
    "contacts no mapping": (dict(contacts=[True]), TypeError, "contacts must be a mapping"),
    "contacts no booleans": (
        dict(contacts={"tool": [1, 0, 1, 0]}), ValueError, "booleans.*int64.*forces > threshold",
    ),
    "contacts of other length": (
        dict(contacts={"tool": [True]}), ValueError, r"one per time: shape \(4,\)",
    ),
    "contact of unknown link": (
        dict(contacts={"foot": [True] * 4}), fkarm.UnknownLinkError, "Received: 'foot'",
    ),
    "task of unknown link": (dict(task={"hand": "pose"}), ValueError, "a link of task"),
    "weights of unknown link": (
        dict(frame_weights={"hand": np.ones(4)}), ValueError, "a link of frame_weights",
    ),
    "weights no mapping": (dict(frame_weights=[1.0] * 4), TypeError, "frame_weights must be a map"),
    "weights are NaN": (
        dict(frame_weights={"tool": [np.nan] * 4}), ValueError, "finite numbers.*smallest nan",
    ),
    "negative weights": (
        dict(frame_weights={"tool": -np.ones(4)}), ValueError, "finite numbers >= 0",
    ),
    "negative smoothness": (dict(velocity_weight=-1.0), ValueError, "velocity_weight must be"),
    "no steps": (dict(max_steps=0), ValueError, "max_steps must be a whole number"),
    "start of other size": (dict(q_start=np.zeros(3)), ValueError, "q_start must have shape"),
    "start is NaN": (dict(q_start=[np.nan, 0.0]), ValueError, "q_start must be finite"),
    "posture of other size": (dict(q_ref=np.zeros((4, 2))), ValueError, "q_ref must have shape"),
    "nothing to hold": (dict(hold_start=True), ValueError, "hold_start must come with q_start"),
    "no masses": (
        dict(center_of_mass=np.zeros((4, 3))), fkarm.RobotError, "must have masses",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused_says_why(arm, case):
    arguments, error, words = CASES[case]
    arguments = {"target_poses": {"tool": POSES}, "times": TIMES, **arguments}
    with pytest.raises(error, match=words):
        fkarm.solve_path(arm, **arguments)


def test_a_symbolic_tensor_is_refused(arm):
    import keras

    with pytest.raises(TypeError, match=r"target_poses\['tool'\] must have values.*symbolic"):
        fkarm.solve_path(arm, {"tool": keras.KerasTensor((4, 4, 4))}, TIMES)


def test_a_start_beyond_a_limit_cannot_be_held(rail):
    targets = {"rail_link": np.zeros((4, 3))}
    with pytest.raises(ValueError, match=r"joint limits.*1\.5 for 'rail', whose.*-1 and 1\. Try"):
        fkarm.solve_path(rail, targets, TIMES, [1.5], hold_start=True)


def test_every_joint_beyond_a_limit_is_named():
    arm = fkarm.robots.panda()
    poses = np.tile(np.asarray(fkarm.forward_kinematics(arm, arm.lower_limits)), (4, 1, 1))
    start = np.array([0.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    words = r"2 for 'panda_joint2', .*, 0 for 'panda_joint4', whose limits are -3\.07\d* and -0\.0"
    with pytest.raises(ValueError, match=words):
        fkarm.solve_path(arm, {"panda_hand": poses}, TIMES, start, hold_start=True)
    for given in (start, np.tile(start, (4, 1))):
        with pytest.warns(UserWarning, match=f"q_start should be within .*{words}.* starts at the"):
            fkarm.solve_path(arm, {"panda_hand": poses}, TIMES, given, max_steps=1)


def test_centres_of_other_length_are_refused(walker):
    targets = {"hand": np.zeros((4, 3))}
    with pytest.raises(ValueError, match=r"center_of_mass must have shape \(4, 3\)"):
        fkarm.solve_path(walker, targets, TIMES, center_of_mass=np.zeros((5, 3)))


@pytest.mark.parametrize("name", ["velocity_limits", "acceleration_limits"])
def test_a_quaternion_has_one_limit(walker, name):
    targets = {"hand": np.zeros((4, 3))}
    uneven = np.where(np.arange(walker.dof) == 4, 1.0, 2.0)
    with pytest.raises(ValueError, match="same for the four entries of a quaternion"):
        fkarm.solve_path(walker, targets, TIMES, **{name: uneven})


def test_accelerations_below_rounding_are_refused(rail):
    """In float32, 0.9 m is 6e-8 m off, which is 0.06 m/s^2 if steps take a millisecond."""
    targets = np.linspace(0.5, 0.9, 4)[:, None] * np.array([1.0, 0, 0])
    with pytest.raises(ValueError, match=r"rounding q to float32.*0\.001 s.*0\.1 at entry 0"):
        fkarm.solve_path(
            rail, {"rail_link": targets.astype("float32")}, 1e-3 * TIMES, acceleration_limits=0.1
        )
    fkarm.solve_path(rail, {"rail_link": targets}, 1e-3 * TIMES, acceleration_limits=0.1)


def test_infinite_limits_are_no_limits(rail):
    targets = {"rail_link": np.array([-0.9, 0.9, -0.9, 0.9])[:, None] * [1.0, 0, 0]}
    path = fkarm.solve_path(
        rail,
        targets,
        0.1 * TIMES,
        velocity_limits=np.inf,
        acceleration_limits=np.inf,
        velocity_weight=0.0,
        acceleration_weight=0.0,
    )
    assert path.converged.all()


def test_a_rail_without_limits_has_a_path():
    rail = fkarm.Robot.from_joints([fkarm.Joint("rail", "prismatic", axis="x")])
    targets = {"rail_link": TIMES[:, None] * [0.1, 0, 0]}
    path = fkarm.solve_path(rail, targets, TIMES)
    np.testing.assert_allclose(path.q[:, 0], 0.1 * TIMES, atol=1e-3)
