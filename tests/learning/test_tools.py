"""What people do with a Keras model besides training it."""

import pydoc

import keras
import numpy as np
import pytest
import tensorflow as tf

import fkarm
from fkarm.learning import PoseBatches, pose_stream

pytestmark = pytest.mark.in_test_all("tool")


@pytest.fixture
def model(panda):
    keras.utils.set_random_seed(0)
    limits = fkarm.layers.JointLimits(panda)
    pose = keras.Input((9,), name="pose")
    q = limits(keras.layers.Dense(limits.input_size)(keras.layers.Dense(16, "gelu")(pose)))
    model = keras.Model(pose, fkarm.layers.ForwardKinematics(panda, "panda_hand", name="reach")(q))
    model.compile(
        "adam",
        fkarm.losses.PoseLoss(),
        metrics=[
            fkarm.metrics.PositionError(),
            fkarm.metrics.OrientationError(),
            fkarm.metrics.PoseSuccess(),
        ],
    )
    return model


def test_the_summary_names_the_layers_and_their_shapes(model):
    lines = []
    model.summary(print_fn=lines.append, line_length=100)
    text = "\n".join(lines)
    assert "ForwardKinematics" in text
    assert "(None, 4, 4)" in text
    assert "(None, 7)" in text


def test_the_picture_of_a_model(model):
    pytest.importorskip("pydot")
    source = keras.utils.model_to_dot(model, show_shapes=True, show_layer_names=True).to_string()
    assert "reach" in source
    assert "(None, 4, 4)" in source


def test_the_progress_bar_has_millimetres_and_degrees(model, panda, capsys):
    model.fit(pose_stream(panda, "panda_hand", batch_size=32), steps_per_epoch=2, shuffle=False)
    printed = capsys.readouterr().out
    for name in ("position_error_mm: ", "orientation_error_deg: ", "pose_success: "):
        assert name in printed
    value = float(printed.rsplit("position_error_mm: ", 1)[1].split()[0])
    assert 50 < value < 3000


def test_every_kind_of_input(model, panda):
    batches = PoseBatches(panda, "panda_hand", batch_size=32, steps_per_epoch=2)
    x, y = batches[0]
    for data in (
        (x, y),
        (batches,),
        (tf.data.Dataset.from_tensor_slices((x, y)).batch(8),),
    ):
        found = model.evaluate(*data, verbose=0, return_dict=True)
        assert np.isfinite(found["loss"])
    np.testing.assert_allclose(model.evaluate(batches, verbose=0)[0], found["loss"], rtol=0.5)


def test_sample_weights_count_in_losses_and_metrics(model, panda):
    x, y = PoseBatches(panda, "panda_hand", batch_size=8)[0]
    weight = np.array([1.0] * 4 + [0.0] * 4, "float32")
    model.compile(
        "adam",
        fkarm.losses.PoseLoss(),
        weighted_metrics=[fkarm.metrics.PositionError(), fkarm.metrics.PoseSuccess()],
    )
    whole = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    half = model.evaluate(x[:4], y[:4], verbose=0, return_dict=True)
    # Keras averages a loss over all samples, a metric over their weights.
    np.testing.assert_allclose(2 * whole["loss"], half["loss"], rtol=1e-5)
    np.testing.assert_allclose(whole["position_error_mm"], half["position_error_mm"], rtol=1e-5)


def test_tensorboard_gets_graph_and_profile(model, panda, tmp_path):
    pytest.importorskip("tensorboard")
    board = keras.callbacks.TensorBoard(tmp_path, write_graph=True, profile_batch=(1, 2))
    data = PoseBatches(panda, "panda_hand", batch_size=16, steps_per_epoch=3)
    model.fit(data, epochs=1, callbacks=[board], verbose=0, shuffle=False)
    events = b"".join(file.read_bytes() for file in tmp_path.rglob("events.out.*"))
    assert b"epoch_position_error_mm" in events
    assert b"reach" in events  # the graph
    assert list(tmp_path.rglob("*.xplane.pb"))  # the profile


@pytest.mark.parametrize("part", [fkarm.layers, fkarm.losses, fkarm.metrics])
def test_help_describes_every_class(part):
    for name in part.__all__:
        text = pydoc.render_doc(getattr(part, name), renderer=pydoc.plaintext)
        assert "Args:" in text, name
