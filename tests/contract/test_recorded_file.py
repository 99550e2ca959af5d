"""Files that fkarm 0.1.0 wrote still open and agree with closed forms.

`python tests/contract/test_recorded_file.py` wrote the first file. A new format of robots needs a
new file; the old files stay. `losses_and_metrics_0_1.keras` holds losses and metrics whose
argument `output` was called `representation`.
"""

from pathlib import Path

import keras
import numpy as np
from contract.cases import LENGTHS, closed_form

DATA = Path(__file__).parent.parent / "data"
FILE = DATA / "robot_format_1.keras"
LOSSES_AND_METRICS = DATA / "losses_and_metrics_0_1.keras"
LOWER, UPPER = np.array([-2.0, -2.5, -2.4]), np.array([2.5, 3.0, 2.9])


def make_model():
    """From numbers to limits to poses and back, with a loss, metrics and a penalty."""
    from contract.cases import ARM, TASK

    import fkarm

    numbers, poses = keras.Input((3,), name="numbers"), keras.Input((4, 4), name="poses")
    q = fkarm.layers.JointLimits(ARM, name="limits")(numbers)
    scaled = fkarm.primers.ChannelAffine(
        -1, offset=None, scale=[1.0, 0.5, 2.0], name="channels",
    )  # fmt: skip
    flange = keras.layers.Dense(
        3, use_bias=False, kernel_initializer="identity", name="network",
        kernel_regularizer=fkarm.primers.EntropyRegularizer(0.5),
    )  # fmt: skip
    forward = fkarm.layers.ForwardKinematics(
        ARM, ["elbow_link", "tool"], "xyz_rpy", "deg", "mm", name="degrees"
    )
    refined = fkarm.layers.IKRefinement(ARM, steps=8, task=TASK, name="refined")((q, poses))
    solved = fkarm.layers.InverseKinematics(ARM, task=TASK, name="solved")(poses)
    pose = fkarm.layers.ForwardKinematics(ARM, name="pose")(q)
    outputs = {
        "q": q,
        "degrees": forward(flange(scaled(numbers))),
        "pose": pose,
        "refined": refined,
        "solved": solved,
    }
    model = keras.Model({"numbers": numbers, "poses": poses}, outputs)
    metrics = [
        fkarm.metrics.PositionError(),
        fkarm.metrics.OrientationError(),
        fkarm.metrics.PoseSuccess(),
    ]
    model.compile("sgd", {"pose": fkarm.losses.PoseLoss(2.0, 0.5)}, metrics={"pose": metrics})
    return model


def planar_rpy(degrees):
    """Elbow and tool, mm and degrees, in closed form. `(rows, 2, 6)`."""
    angle = np.radians(np.cumsum(degrees, axis=1))
    rows = np.zeros((len(degrees), 2, 6))
    rows[:, 0, 0] = 1e3 * LENGTHS[0] * np.cos(angle[:, 0])
    rows[:, 0, 1] = 1e3 * LENGTHS[0] * np.sin(angle[:, 0])
    rows[:, 0, 5] = np.degrees(angle[:, 1])
    rows[:, 1, 0] = 1e3 * np.cos(angle) @ LENGTHS
    rows[:, 1, 1] = 1e3 * np.sin(angle) @ LENGTHS
    rows[:, 1, 5] = np.degrees(angle[:, 2])
    return rows


def test_a_recorded_file_agrees_with_closed_forms():
    model = keras.models.load_model(FILE)
    rng = np.random.default_rng(0)
    numbers = rng.uniform(-1, 1, size=(6, 3))
    q = (LOWER + UPPER) / 2 + (UPPER - LOWER) / 2 * np.tanh(numbers)
    near = closed_form(q + 0.02)
    inputs = {"numbers": numbers.astype("float32"), "poses": near.astype("float32")}
    actual = {name: np.asarray(each) for name, each in model(inputs).items()}
    np.testing.assert_allclose(actual["q"], q, atol=1e-6)
    np.testing.assert_allclose(actual["pose"], closed_form(q), atol=1e-6)
    expected = planar_rpy(numbers * [1.0, 0.5, 2.0])
    np.testing.assert_allclose(actual["degrees"], expected, atol=1e-3)
    for name in ("refined", "solved"):
        assert ((actual[name] >= LOWER) & (actual[name] <= UPPER)).all()
        np.testing.assert_allclose(closed_form(actual[name].astype(float)), near, atol=2e-5)


def test_a_recorded_file_keeps_names_limits_loss_and_metrics():
    model = keras.models.load_model(FILE)
    robot = model.get_layer("limits").robot
    assert robot.name == "contract_arm"
    assert robot.joint_names == ("shoulder", "elbow", "wrist")
    assert robot.end_effector == "tool"
    np.testing.assert_allclose(robot.lower_limits, LOWER)
    np.testing.assert_allclose(robot.upper_limits, UPPER)
    numbers = np.zeros((1, 3), "float32")
    q = (LOWER + UPPER)[None] / 2
    target = closed_form(q)
    target[0, :2, 3] += [0.003, 0.004]
    inputs = {"numbers": numbers, "poses": target.astype("float32")}
    # Keras needs a target for every output, also for outputs without a loss.
    targets = {**{name: np.asarray(each) for name, each in model(inputs).items()}, "pose": target}
    model.run_eagerly = True
    logs = model.evaluate(inputs, targets, verbose=0, return_dict=True)
    named = {name.removeprefix("pose_"): value for name, value in logs.items()}
    np.testing.assert_allclose(named["position_error_mm"], 5.0, rtol=1e-3)
    np.testing.assert_allclose(named["orientation_error_deg"], 0.0, atol=1e-2)
    assert named["pose_success"] == 1.0
    # The weight of a metre is 2. The rows of the penalty are sqrt(2) apart; its bandwidth is 0.5.
    penalty = 3 * np.log2(1 + 2 * np.exp(-0.5 * 2 / 0.5**2))
    np.testing.assert_allclose(logs["loss"], 2.0 * 0.005 + penalty, rtol=1e-3)


def test_recorded_losses_and_metrics_keep_their_format_units_and_weights():
    model = keras.models.load_model(LOSSES_AND_METRICS)
    numbers = np.zeros((1, 3), "float32")
    degrees = np.degrees((LOWER + UPPER) / 2)[None]
    x, y, yaw = planar_rpy(degrees)[0, 1, [0, 1, 5]]
    # The target is 3 mm, 4 mm and 6 degrees about z away.
    target = np.array([[x + 3.0, y + 4.0, 0.0, 0.0, 0.0, yaw + 6.0]], "float32")
    model.run_eagerly = True
    logs = model.evaluate(numbers, {"euler": target, "heads": target}, verbose=0, return_dict=True)
    angle = np.radians(6.0)
    # 0.1 was the default weight of a radian.
    np.testing.assert_allclose(logs["euler_loss"], 0.005 + 0.2 * np.sin(angle / 2), rtol=1e-3)
    np.testing.assert_allclose(logs["heads_loss"], 0.005 + 0.1 * angle, rtol=1e-3)
    np.testing.assert_allclose(logs["euler_position_error_m"], 0.005, rtol=1e-3)
    np.testing.assert_allclose(logs["euler_orientation_error_rad"], angle, rtol=1e-3)
    assert logs["euler_pose_success"] == 0.0  # The tolerances are 4 mm and 0.01 rad.


if __name__ == "__main__":
    make_model().save(FILE)
