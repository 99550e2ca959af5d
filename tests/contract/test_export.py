"""Exported models, loaded and run: SavedModel, ONNX, LiteRT."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract.cases import ARM, TASK, closed_form, features, make, make_wrist, supporting

import fkarm
from fkarm.layers import ForwardKinematics, IKRefinement, JointLimits

pytestmark = [
    pytest.mark.in_test_all("export"),
    pytest.mark.filterwarnings(
        # The interpreter will move to another package; the converter uses old NumPy and protobuf.
        r"ignore:\s*Warning. tf.lite.Interpreter is deprecated:UserWarning",
        "ignore::DeprecationWarning",
        "ignore:In the future `np:FutureWarning",
    ),
]
FORMATS = {"SavedModel": "tf_saved_model", "ONNX": "onnx", "LiteRT": "litert"}
SUFFIXES = {"SavedModel": "", "ONNX": ".onnx", "LiteRT": ".tflite"}
# Marks of a compiled stage, and of an operation that only TensorFlow has.
STAGE, FLEX = b"XlaMustCompile", b"Flex"


def run_saved_model(path, *inputs):
    given = [tf.constant(each) for each in inputs]
    loaded = tf.saved_model.load(path)  # its variables live as long as this name
    return loaded.serve(given if len(given) > 1 else given[0]).numpy()


def run_onnx(path, *inputs):
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    named = {each.name: x for each, x in zip(session.get_inputs(), inputs, strict=True)}
    return session.run(None, named)[0]


def run_litert(path, *inputs):
    interpreter = tf.lite.Interpreter(path)

    def details():
        return sorted(interpreter.get_input_details(), key=lambda detail: detail["name"])

    for detail, x in zip(details(), inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], x.shape)
    interpreter.allocate_tensors()
    for detail, x in zip(details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


RUN = {"SavedModel": run_saved_model, "ONNX": run_onnx, "LiteRT": run_litert}


def exported(model, form, folder):
    """Write the model to a file of this format; return its path and its bytes."""
    if form == "ONNX":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    if form == "LiteRT" and "litert" not in keras.Model.export.__doc__:
        pytest.skip("Keras 3.12 does not write LiteRT files")
    path = str(folder / f"model{SUFFIXES[form]}")
    model.export(path, format=FORMATS[form], verbose=False)
    with open(f"{path}/saved_model.pb" if form == "SavedModel" else path, "rb") as file:
        return path, file.read()


def check_export(form, model, folder, *inputs, rtol=1e-6):
    """The exported file runs for batches of several sizes and agrees with the model."""
    model([x[:1] for x in inputs] if len(inputs) > 1 else inputs[0][:1])  # ONNX needs a call
    path, text = exported(model, form, folder)
    assert STAGE not in text
    assert FLEX not in text
    for rows in (1, 5, len(inputs[0])):
        given = [x[:rows] for x in inputs]
        expected = np.asarray(model(given if len(given) > 1 else given[0]))
        actual = RUN[form](path, *given)
        np.testing.assert_allclose(
            actual, expected, rtol=0, atol=rtol * max(1, abs(expected).max())
        )
    return path


@pytest.mark.parametrize("form", FORMATS)
@supporting("SavedModel", "ONNX", "LiteRT")
def test_an_export_agrees_with_the_model(name, form, tmp_path):
    case = make(name)
    if case.model in case.objects.values():
        check_export(form, case.model, tmp_path, case.x)
    else:
        for output in case.model.outputs:
            model = keras.Model(case.model.inputs[0], output)
            # A step solves a linear system, which amplifies differences of rounding.
            check_export(form, model, tmp_path, case.x, rtol=5e-6 if name == "refinement" else 1e-6)


@pytest.mark.in_test_all("export")
def test_inverse_kinematics_by_a_closed_form_is_exported(tmp_path):
    """What the closed form misses is searched for; ONNX has no condition around that search."""
    arm = make_wrist()
    q = np.random.default_rng(0).uniform(0.3, 1.2, size=(6, 6))
    x = np.asarray(fkarm.forward_kinematics(arm, q), "float32")
    targets = keras.Input((4, 4))
    layer = fkarm.layers.InverseKinematics(arm, starts=2, steps=2)
    check_export("ONNX", keras.Model(targets, layer(targets)), tmp_path, x, rtol=1e-4)


@functools.cache
def regressor():
    """A network from poses to configurations with steps of refinement, trained a little.

    Returns the model and target poses.
    """
    keras.utils.set_random_seed(0)
    # Near the middle of the limits, where the untrained network starts.
    middle = (ARM.lower_limits + ARM.upper_limits) / 2
    q = (
        middle
        + np.array([0.0, 0.9, 0.0])
        + np.random.default_rng(0).uniform(-0.3, 0.3, size=(64, 3))
    )
    targets = closed_form(q).astype("float32")
    inputs = keras.Input((4, 4))
    hidden = keras.layers.Dense(32, activation="tanh")(keras.layers.Flatten()(inputs))
    guess = JointLimits(ARM)(keras.layers.Dense(3)(hidden))
    refined = IKRefinement(ARM, steps=4, task=TASK)((guess, inputs))
    training = keras.Model(inputs, ForwardKinematics(ARM)(refined))
    training.compile(keras.optimizers.Adam(1e-2), fkarm.losses.PoseLoss())
    training.fit(targets, targets, 16, epochs=40, verbose=0)
    return keras.Model(inputs, refined), targets[:8]


@pytest.mark.parametrize("form", FORMATS)
def test_an_exported_regressor_with_refinement_reaches_its_targets(form, tmp_path):
    """In float32, configurations differ by rounding times conditioning; poses by rounding only."""
    model, targets = regressor()
    expected = np.asarray(model(targets))  # ONNX exports a model that was called.
    path, text = exported(model, form, tmp_path)
    assert STAGE not in text
    assert FLEX not in text
    actual = RUN[form](path, targets)
    np.testing.assert_allclose(closed_form(expected), targets, rtol=0, atol=1e-3)
    np.testing.assert_allclose(closed_form(actual), closed_form(expected), rtol=0, atol=1e-6)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def jacobian_by_differences(q):
    """Jacobian of the tool's position and direction in the plane, float64 `(rows, 3, 3)`."""

    def plane(q):
        pose = closed_form(q)
        return np.stack([pose[:, 0, 3], pose[:, 1, 3], np.sum(q, axis=1)], axis=1)

    step = 1e-6 * np.eye(3)
    return np.stack([(plane(q + each) - plane(q - each)) / 2e-6 for each in step], axis=-1)


def test_an_archive_holds_poses_jacobians_and_gradients_for_any_batch(tmp_path):
    layer = ForwardKinematics(ARM)
    layer(np.zeros((1, 3), "float32"))
    signature = [keras.InputSpec(shape=(None, 3), dtype="float32")]

    def slope(q):
        """A gradient by tape: it consists of plain operations too."""
        with tf.GradientTape() as tape:
            tape.watch(q)
            height = layer(q)[:, 1, 3]
        return tape.gradient(height, q)

    archive = keras.export.ExportArchive()
    archive.track(layer)
    archive.add_endpoint("pose", layer, signature)
    archive.add_endpoint("jacobian", lambda q: fkarm.geometric_jacobian(ARM, q), signature)
    archive.add_endpoint("slope", slope, signature)
    archive.write_out(tmp_path / "arm", verbose=False)
    assert STAGE not in (tmp_path / "arm" / "saved_model.pb").read_bytes()
    loaded = tf.saved_model.load(tmp_path / "arm")
    for rows in (1, 7, 2000):
        q = np.random.default_rng(rows).uniform(-2, 2, size=(rows, 3)).astype("float32")
        np.testing.assert_allclose(loaded.pose(q), closed_form(q.astype(float)), atol=1e-6)
        expected = jacobian_by_differences(q.astype(float))
        jacobian = loaded.jacobian(q).numpy()
        np.testing.assert_allclose(jacobian[:, [0, 1, 5]], expected, atol=2e-6)
        assert not jacobian[:, 2:5].any()
        np.testing.assert_allclose(loaded.slope(q), expected[:, 1], atol=2e-6)


def test_a_saved_model_can_be_a_layer_of_another_model(tmp_path):
    layer = ForwardKinematics(ARM, ["elbow_link", "tool"], "xyz_rotvec", "deg", "mm")
    numbers = keras.Input((4,))
    model = keras.Model(numbers, layer(keras.layers.Dense(3)(numbers)))
    model.export(tmp_path / "arm", verbose=False)
    inputs = keras.Input((4,))
    outputs = keras.layers.TFSMLayer(tmp_path / "arm", call_endpoint="serve")(inputs)
    again = keras.Model(inputs, outputs)
    expected = np.asarray(model(features()))
    np.testing.assert_allclose(again(features()), expected, rtol=0, atol=1e-6 * abs(expected).max())


def kinds_of_nodes(function):
    graph = function.graph.as_graph_def()
    nested = [node for each in graph.library.function for node in each.node_def]
    return {node.op for node in [*graph.node, *nested]}, {
        each.signature.name for each in graph.library.function if "_XlaMustCompile" in each.attr
    }


def test_only_an_export_contains_no_stages():
    """The same layer is traced to run here, and traced to be exported."""
    layer = ForwardKinematics(ARM)
    layer(np.zeros((1, 3), "float32"))
    spec = tf.TensorSpec((None, 3))
    _, stages = kinds_of_nodes(tf.function(layer).get_concrete_function(spec))
    assert len(stages) == 1
    archive = keras.export.ExportArchive()
    function = archive.track_and_add_endpoint("pose", layer, [spec])
    archive._filter_and_track_resources()
    kinds, stages = kinds_of_nodes(function.get_concrete_function())
    assert not stages
    assert not {kind for kind in kinds if "Xla" in kind or "Custom" in kind or "Bound" in kind}


def pose_function():
    return tf.function(
        lambda q: fkarm.forward_kinematics(ARM, q, "tool"),
        input_signature=[tf.TensorSpec((None, 3), name="q")],
    )


def save_by_tensorflow(path):
    module = tf.Module()
    module.serve = pose_function()
    tf.saved_model.save(module, path)


def save_by_tf2onnx(path):
    function = pose_function()
    convert = pytest.importorskip("tf2onnx").convert
    convert.from_function(function, function.input_signature, output_path=path)


def save_by_litert(path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, ForwardKinematics(ARM)(inputs))
    with open(path, "wb") as file:
        file.write(tf.lite.TFLiteConverter.from_keras_model(model).convert())


@pytest.mark.parametrize(
    ("form", "save"),
    [("SavedModel", save_by_tensorflow), ("ONNX", save_by_tf2onnx), ("LiteRT", save_by_litert)],
    ids=FORMATS,
)
def test_functions_exported_without_keras_contain_no_stages(form, save, tmp_path):
    """The functions must not have been traced before, because a trace keeps its stages."""
    path = str(tmp_path / f"arm{SUFFIXES[form]}")
    save(path)
    q = np.random.default_rng(0).uniform(-2, 2, size=(4, 3)).astype("float32")
    np.testing.assert_allclose(RUN[form](path, q), closed_form(q.astype(float)), atol=1e-6)
    if form == "SavedModel":
        assert STAGE not in (tmp_path / "arm" / "saved_model.pb").read_bytes()
