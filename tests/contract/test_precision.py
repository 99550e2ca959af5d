"""Every object under every dtype policy. Kinematics is computed below float32 only on request."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract.cases import ARM, TASK, closed_form, features, make, outputs, supporting

import fkarm
from fkarm.layers import ForwardKinematics, IKRefinement, InverseKinematics, JointLimits

LOW = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
POLICIES = ("mixed_float16", "bfloat16", "float64")
LAYERS = {
    "ForwardKinematics": (ForwardKinematics, {}),
    "JointLimits": (JointLimits, {}),
    "IKRefinement": (IKRefinement, {"task": TASK, "steps": 8}),
    "InverseKinematics": (InverseKinematics, {"task": TASK, "starts": 4}),
}


@pytest.fixture
def q():
    return np.random.default_rng(2).uniform(-1.5, 1.5, size=(50, 3))


def check_close(actual, expected, unit):
    """Every output agrees within `unit` times its largest entry."""
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=unit * np.abs(other).max())


@pytest.mark.filterwarnings("ignore:.*computes in float32 under the policy:UserWarning")
@pytest.mark.parametrize("policy", POLICIES)
@supporting("precision", later=("inverse kinematics",))
def test_a_model_trains_and_predicts_under_every_global_policy(name, policy, global_policy):
    expected = make(name)
    global_policy(policy)
    case = make(name, run_eagerly=True, jit_compile=False)
    case.model.set_weights(expected.model.get_weights())
    # The differences come from rounding in the network before the layer.
    unit = {"float16": 1e-2, "bfloat16": 8e-2}.get(policy.removeprefix("mixed_"), 1e-5)
    check_close(outputs(case.model, case.x), outputs(expected.model, case.x), unit)
    case.model.train_on_batch(case.x, case.y)
    assert all(np.isfinite(each.astype("float64")).all() for each in case.model.get_weights())


@pytest.mark.parametrize("policy", LOW)
@pytest.mark.parametrize("name", LAYERS)
def test_a_low_global_policy_warns_once_and_keeps_kinematics_in_float32(
    name, policy, q, global_policy
):
    kind, options = LAYERS[name]
    target = closed_form(q).astype("float32")
    x = q.astype("float32")
    inputs = {"IKRefinement": (x + 0.02, target), "InverseKinematics": target}.get(name, x)
    expected = np.asarray(kind(ARM, **options)(inputs))
    global_policy(policy)
    with pytest.warns(UserWarning, match="computes in float32 under the policy") as warned:
        layer = kind(ARM, **options)
    assert len(warned) == 1
    actual = layer(inputs)
    assert actual.dtype == tf.float32
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", LAYERS)
def test_float64_layers_are_accurate_to_float64(name, q):
    kind, options = LAYERS[name]
    layer = kind(ARM, dtype="float64", **options)
    target = closed_form(q)
    actual = layer({"IKRefinement": (q + 0.02, target), "InverseKinematics": target}.get(name, q))
    assert actual.dtype == tf.float64
    expected = target
    if name == "JointLimits":
        lower, upper = ARM.lower_limits, ARM.upper_limits
        expected = (lower + upper) / 2 + (upper - lower) / 2 * np.tanh(q)
    elif name != "ForwardKinematics":
        actual = closed_form(actual.numpy())
        return np.testing.assert_allclose(actual, expected, atol=1e-9)
    return np.testing.assert_allclose(actual, expected, atol=1e-14)


def test_a_float32_layer_warns_once_of_a_float64_input(q):
    layer = ForwardKinematics(ARM)
    with pytest.warns(UserWarning, match="rounds its float64 input.*dtype='float64'"):
        layer(q)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(q)
        ForwardKinematics(ARM, dtype="float64")(q)
        ForwardKinematics(ARM, dtype="float16")(q)  # the dtype asks for rounding
        ForwardKinematics(ARM)(q.astype("float32"))
        keras.Sequential([keras.Input((3,)), ForwardKinematics(ARM)]).predict(q, verbose=0)


def test_losses_and_metrics_of_half_precision_poses_are_computed_in_float32(q):
    true, pred = closed_form(q), closed_form(q + 0.01)
    for dtype in ("float16", "bfloat16"):
        pair = [tf.cast(each, dtype) for each in (true, pred)]
        exact = [tf.cast(each, tf.float64).numpy() for each in pair]
        expected = np.linalg.norm(exact[0][:, :3, 3] - exact[1][:, :3, 3], axis=1).mean()
        metric = fkarm.metrics.PositionError("m")
        metric.update_state(*pair)
        np.testing.assert_allclose(metric.result(), expected, rtol=1e-6)
        loss = fkarm.losses.PoseLoss(orientation_weight=0)
        np.testing.assert_allclose(loss(*pair), expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
@supporting("precision", later=("flow",))
def test_a_quantised_model_still_works(name):
    case = make(name)
    expected = outputs(case.model, case.x)
    case.model.quantize("int8")
    check_close(outputs(case.model, case.x), expected, 5e-2)


@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
def test_int8_keeps_kinematics_exact(tmp_path):
    """Configurations come from rounded weights, but their poses are not rounded."""
    inputs = keras.Input((4,))
    q = JointLimits(ARM)(keras.layers.Dense(3)(inputs))
    model = keras.Model(inputs, [q, ForwardKinematics(ARM)(q)])
    before, _ = model(features())
    model.quantize("int8")
    q, pose = model(features())
    assert np.abs(q - before).max() > 1e-4
    np.testing.assert_allclose(pose, closed_form(q.numpy().astype("float64")), atol=5e-7)
    model.save(tmp_path / "model.keras")
    again, _ = keras.models.load_model(tmp_path / "model.keras")(features())
    np.testing.assert_array_equal(again, q)
