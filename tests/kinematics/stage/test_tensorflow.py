"""TensorFlow's compiled stages: what is in them, how many, and every way to differentiate them."""

import re

import numpy as np
import pytest
from autodiff import BACKEND, array, gradient_of, in_mode

import fkarm
from fkarm.kinematics.stage import FEW_ROWS

if BACKEND == "tensorflow":
    import tensorflow as tf

    from fkarm.kinematics.stage import padding
    from fkarm.kinematics.stage import tensorflow as stage

ROWS = FEW_ROWS + 3
STAGES = "batches of any size compiled for few, by padding"
GRAPHS = "what is in TensorFlow's graphs (for JAX's see `tests/backends`)"
FORWARDS = "`tf.autodiff.ForwardAccumulator` (for `jvp` see `tests/backends`)"
TAPES = "`tf.GradientTape`: persistent, `batch_jacobian`, in `vectorized_map`"


@pytest.fixture(
    params=[
        "three_joints",
        "ball_and_plane",
        *(
            pytest.param(name, marks=pytest.mark.in_test_all("every case"))
            for name in ("every_joint", "free_robot")
        ),
    ]
)
def robot(request):
    """All joint types between two small chains, and between two trees."""
    return request.getfixturevalue(request.param)


def sample(robot, rows, dtype="float64"):
    q = np.random.default_rng(5).uniform(-1, 1, size=(rows, robot.dof))
    return tf.constant(q.astype(dtype))


@pytest.mark.only_on("tensorflow", reason=TAPES)
@pytest.mark.parametrize("rows", [2, ROWS])
def test_a_large_batch_has_all_derivatives_too(rows, robot):
    """What NumPy computes for a small eager batch, compiled stages do for a large one."""
    q = sample(robot, rows)
    expected = array(fkarm.geometric_jacobian(robot, q[:2]))[:, :3]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(q)
        found = fkarm.forward_kinematics(robot, q, robot.end_effector)[..., :3, 3]
        total = tf.reduce_sum(found)
    np.testing.assert_allclose(tape.gradient(total, q)[:2], expected.sum(1), atol=1e-12)
    np.testing.assert_allclose(tape.gradient(found, q)[:2], expected.sum(1), atol=1e-12)
    for pfor in (True, False):
        jacobian = tape.batch_jacobian(found, q, experimental_use_pfor=pfor)
        np.testing.assert_allclose(jacobian[:2], expected, atol=1e-12)


@pytest.mark.only_on("tensorflow", reason=TAPES)
def test_a_persistent_tape_gives_gradients_of_two_calls(every_joint):
    q = sample(every_joint, 4)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(q)
        both = fkarm.forward_kinematics(every_joint, q, ["tip_1", "tip_2"])
        first = fkarm.forward_kinematics(every_joint, q, "tip_1")
        second = fkarm.forward_kinematics(every_joint, q, "tip_2")
    apart = tape.gradient(first, q) + tape.gradient(second, q)
    np.testing.assert_allclose(tape.gradient(both, q), apart, atol=1e-13)


@pytest.mark.only_on("tensorflow", reason=TAPES)
def test_a_vectorized_map_gives_poses_and_gradients(robot):
    q = sample(robot, 3)

    def pull(q):
        with tf.GradientTape() as tape:
            tape.watch(q)
            poses = fkarm.forward_kinematics(robot, q, robot.link_names)
        return poses, tape.gradient(poses, q)

    for found, expected in zip(tf.vectorized_map(pull, q), pull(q), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.only_on("tensorflow", reason=FORWARDS)
@pytest.mark.parametrize(
    ("mode", "rows"), [("eager", 2), ("eager", ROWS), ("graph", 2), ("xla", 2)]
)
def test_the_derivative_forwards(mode, rows, robot):
    q = sample(robot, rows)

    def velocity(q):
        with tf.autodiff.ForwardAccumulator(q, tf.sin(10 * q)) as accumulator:
            found = fkarm.forward_kinematics(robot, q, robot.end_effector)[..., :3, 3]
        return accumulator.jvp(found)

    expected = fkarm.link_velocity(robot, q, tf.sin(10 * q))[:, :3]
    np.testing.assert_allclose(in_mode(velocity, mode)(q), expected, atol=1e-12)


def both(function):
    """Values, and the gradient of their sum."""
    return lambda q: (function(q), gradient_of(function)(q))


def compiled_text(robot, stage):
    """HLO of forward kinematics and its gradient through the layer."""
    layer = fkarm.layers.ForwardKinematics(robot)
    compiled = tf.function(both(layer), jit_compile=True)
    return compiled.experimental_get_compiler_ir(tf.zeros((8, robot.dof)))(stage=stage)


@pytest.mark.only_on("tensorflow", reason=GRAPHS)
@pytest.mark.parametrize(
    ("stage", "robots"),
    [
        ("hlo", ("three_joints", "ball_and_plane")),
        pytest.param(
            "optimized_hlo", ("panda", "free_robot"), marks=pytest.mark.in_test_all("optimised")
        ),
    ],
    ids=["hlo", "optimized_hlo"],
)
def test_no_matmul_is_compiled_so_that_float32_is_not_cut_to_tf32(stage, robots, request):
    for robot in robots:
        text = compiled_text(request.getfixturevalue(robot), stage)
        assert "multiply(" in text
        assert not re.search(r"\b(dot|convolution|custom-call)\(", text)


@pytest.mark.only_on("tensorflow", reason=GRAPHS)
def test_no_matmul_is_in_any_graph(panda):
    layer = fkarm.layers.ForwardKinematics(panda)
    graph = tf.function(both(layer)).get_concrete_function(tf.zeros((8, 7))).graph.as_graph_def()
    kinds = {node.op for node in graph.node}
    for function in graph.library.function:
        kinds |= {node.op for node in function.node_def}
    assert "Mul" in kinds
    assert not {kind for kind in kinds if "MatMul" in kind or "Einsum" in kind}


@pytest.mark.in_test_all("optimised")
@pytest.mark.only_on("tensorflow", reason=GRAPHS)
def test_xla_on_a_cpu_computes_polynomials_behind_a_condition(panda):
    assert " conditional(" in compiled_text(panda, "optimized_hlo")


def stages(function, *arguments):
    """The compiled stages in a traced function."""
    graph = tf.function(function).get_concrete_function(*arguments).graph.as_graph_def()
    nested = {f.signature.name for f in graph.library.function if "_XlaMustCompile" in f.attr}
    return [node for node in graph.node if node.attr["f"].func.name in nested]


@pytest.mark.only_on("tensorflow", reason=GRAPHS)
def test_a_graph_holds_one_stage_forward_and_one_back(panda):
    def forward(q):
        return fkarm.forward_kinematics(panda, q, "panda_hand")

    assert len(stages(forward, tf.zeros((8, 7)))) == 1
    assert len(stages(lambda q: gradient_of(forward)(q), tf.zeros((8, 7)))) == 2


@pytest.mark.only_on("tensorflow", reason=STAGES)
def test_few_sizes_are_compiled_and_little_is_padded():
    sizes = np.array(padding.STAGE_ROWS)
    assert (np.diff(sizes) > 0).all()
    assert sizes[0] == 128
    assert ((sizes[1:] - sizes[:-1]) / sizes[:-1]).max() <= 1 / 8
    assert sizes[-1] > 1_000_000_000


@pytest.mark.only_on("tensorflow", reason=STAGES)
def test_batches_of_many_sizes_are_compiled_for_few(panda, monkeypatch):
    rows = []
    run = stage.in_rows

    def counted(concrete, inputs, *rest):
        def call(*signature):
            return lambda *flat: (rows.append(flat[0].shape[0]), concrete(*signature)(*flat))[1]

        return run(call, inputs, *rest)

    monkeypatch.setattr(stage, "in_rows", counted)
    for size in range(1024, 1153, 16):
        q = np.zeros((size, 7))
        assert fkarm.forward_kinematics(panda, q, "panda_hand").shape == (size, 4, 4)
    assert set(rows) == {1024, 1152}
    with fkarm.config.compilation("auto"):
        fkarm.forward_kinematics(panda, np.zeros((1023, 7)), "panda_hand")
    assert len(rows) == 9
