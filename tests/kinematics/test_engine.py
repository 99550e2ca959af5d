"""One answer and exact derivatives, however kinematics is compiled and differentiated."""

import re

import numpy as np
import pytest
import tensorflow as tf
from checks import check_gradient, tape_jacobian
from oracles import central_difference

import fkarm
from fkarm.kinematics import engine, reference
from fkarm.kinematics.sine import is_small, polynomial_sincos

ROWS = engine.COMPILED_ROWS + 3


def in_graph(function, shape=None, jit=None):
    return lambda q: tf.function(
        function, jit_compile=jit, input_signature=[tf.TensorSpec(shape or q.shape, q.dtype)]
    )(q)


def in_map(function):
    return lambda q: tf.vectorized_map(function, q)


MODES = {
    "eager": lambda f: f,
    "graph": in_graph,
    "unknown batch": lambda f: lambda q: in_graph(f, [None, q.shape[-1]])(q),
    "xla": lambda f: in_graph(f, jit=True),
    "vectorized_map": in_map,
}


@pytest.fixture(params=["every_joint", "free_robot"])
def robot(request):
    """All joint types between two fixtures; the first has two tips."""
    return request.getfixturevalue(request.param)


def sample(robot, rows, dtype="float64"):
    q = np.random.default_rng(5).uniform(-1, 1, size=(rows, robot.dof))
    return tf.constant(q.astype(dtype))


def pull(function):
    """Values and the gradient of a sum of them, weighted so that each counts differently."""

    def forward_and_gradient(q):
        with tf.GradientTape() as tape:
            tape.watch(q)
            poses = function(q)
        weights = tf.sin(tf.range(16, dtype=q.dtype))
        return poses, tape.gradient(poses, q, tf.ones_like(poses) * tf.reshape(weights, [4, 4]))

    return forward_and_gradient


@pytest.mark.parametrize(
    ("mode", "rows"), [*((mode, 3) for mode in MODES), ("eager", ROWS), ("unknown batch", ROWS)]
)
def test_every_mode_gives_the_poses_and_the_gradient_of_the_reference(mode, rows, robot):
    q = sample(robot, rows)
    links = robot.link_names
    expected, gradient = pull(lambda q: reference.forward_kinematics(robot, q, links))(q)
    found = MODES[mode](pull(lambda q: fkarm.forward_kinematics(robot, q)))(q)
    np.testing.assert_allclose(found[0], expected, atol=1e-14)
    np.testing.assert_allclose(found[1], gradient, atol=1e-12)


@pytest.mark.parametrize("mode", ["graph", "unknown batch", "xla"])
@pytest.mark.parametrize("shape", [(0,), (), (2, 3), (2, 0)], ids=str)
def test_any_batch_shape_is_compiled(mode, shape, panda):
    q = tf.constant(fkarm.sample_configurations(panda, shape, seed=1))
    expected = fkarm.forward_kinematics(panda, q, "panda_hand")
    signature = [None] * len(shape) + [7] if mode == "unknown batch" else q.shape
    function = in_graph(
        pull(lambda q: fkarm.forward_kinematics(panda, q, "panda_hand")),
        signature,
        True if mode == "xla" else None,
    )
    poses, gradient = function(q)
    assert poses.shape == expected.shape
    assert gradient.shape == q.shape
    np.testing.assert_allclose(poses, expected, atol=1e-14)


@pytest.mark.parametrize("rows", [2, ROWS])
def test_a_large_batch_has_all_derivatives_too(rows, robot):
    """What a small eager batch computes by operations, a large one does in compiled stages."""
    q = sample(robot, rows)
    link = robot.end_effector

    def position(q):
        return fkarm.forward_kinematics(robot, q, link)[..., :3, 3]

    expected = fkarm.geometric_jacobian(robot, q[:2]).numpy()[:, :3]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(q)
        found = position(q)
        total = tf.reduce_sum(found)
    np.testing.assert_allclose(tape.gradient(total, q)[:2], expected.sum(1), atol=1e-12)
    np.testing.assert_allclose(tape.gradient(found, q)[:2], expected.sum(1), atol=1e-12)
    for pfor in (True, False):
        jacobian = tape.batch_jacobian(found, q, experimental_use_pfor=pfor)
        np.testing.assert_allclose(jacobian[:2], expected, atol=1e-12)


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
    np.testing.assert_allclose(MODES[mode](velocity)(q), expected, atol=1e-12)


def test_the_jacobian_of_a_batch_is_block_diagonal(panda):
    q = sample(panda, 3)
    with tf.GradientTape() as tape:
        tape.watch(q)
        poses = fkarm.forward_kinematics(panda, q, "panda_hand")
    jacobian = tape.jacobian(poses, q).numpy()
    for i in range(3):
        for j in range(3):
            assert (np.abs(jacobian[i, ..., j, :]).max() > 0.1) == (i == j)


@pytest.mark.parametrize(
    ("mode", "rows", "robot"),
    [
        ("eager", 2, "every_joint"),
        ("eager", 2, "free_robot"),
        ("eager", ROWS, "every_joint"),
        ("graph", 2, "every_joint"),
        ("xla", 2, "free_robot"),
    ],
)
def test_the_gradient_has_a_gradient(mode, rows, robot, request):
    """Rows of the Hessian of a scalar against differences of its gradient."""
    robot = request.getfixturevalue(robot)
    links = ["tip_1", "tip_2"] if "tip_1" in robot.link_names else ["tip"]
    q = sample(robot, rows)

    def curvature(q):
        with tf.GradientTape() as outer:
            outer.watch(q)
            with tf.GradientTape() as inner:
                inner.watch(q)
                loss = tf.reduce_sum(tf.square(fkarm.forward_kinematics(robot, q, links) + 0.3))
            gradient = inner.gradient(loss, q)
        return outer.gradient(gradient, q, tf.cos(3 * q))

    def gradient_along(x):
        row = tf.constant(x[None])
        with tf.GradientTape() as tape:
            tape.watch(row)
            poses = reference.forward_kinematics(robot, row, links)
            loss = tf.reduce_sum(tf.square(poses + 0.3))
        return (tape.gradient(loss, row)[0] * np.cos(3 * q[0])).numpy().sum()

    expected = central_difference(gradient_along, q[0].numpy())
    np.testing.assert_allclose(MODES[mode](curvature)(q)[0], expected, atol=1e-7)


def test_the_third_derivative():
    arm = fkarm.robots.planar([1.0, 0.5])

    def height(q):
        return fkarm.forward_kinematics(arm, q, "tool")[1, 3]

    def hessian(q):
        with tf.GradientTape() as outer:
            outer.watch(q)
            with tf.GradientTape() as inner:
                inner.watch(q)
                value = height(q)
            gradient = inner.gradient(value, q)
        return outer.jacobian(gradient, q, experimental_use_pfor=False)

    check_gradient(tf.function(hessian), [0.3, 0.8])


def test_two_gradients_of_different_links_agree_with_one_of_both(every_joint):
    q = sample(every_joint, 4)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(q)
        both = fkarm.forward_kinematics(every_joint, q, ["tip_1", "tip_2"])
        first = fkarm.forward_kinematics(every_joint, q, "tip_1")
        second = fkarm.forward_kinematics(every_joint, q, "tip_2")
    apart = tape.gradient(first, q) + tape.gradient(second, q)
    np.testing.assert_allclose(tape.gradient(both, q), apart, atol=1e-13)


@pytest.mark.parametrize(
    ("dtype", "largest", "unit"), [("float32", 8e3, 6e-8), ("float64", 1e5, 1.2e-16)]
)
def test_the_polynomials_are_sine_and_cosine(dtype, largest, unit):
    rng = np.random.default_rng(0)
    quarters = np.arange(-4000, 4000) * (np.pi / 2)
    angle = np.concatenate([rng.uniform(-r, r, 20_000) for r in (1, 10, largest)] + [quarters])
    angle = angle.astype(dtype)
    sine, cosine = (each.numpy() for each in polynomial_sincos(tf.constant(angle)))
    exact = angle.astype(np.longdouble)
    np.testing.assert_allclose(sine, np.sin(exact).astype(float), atol=2 * unit, rtol=0)
    np.testing.assert_allclose(cosine, np.cos(exact).astype(float), atol=2 * unit, rtol=0)
    assert is_small(tf.constant([largest, -largest, np.nan], dtype))
    assert not is_small(tf.constant([0, -1.1 * largest], dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_angles_and_nan_are_right_when_compiled(dtype, panda):
    q = np.zeros((4, 7), dtype)
    q[1, 2], q[2, 0], q[3, 4] = 1e6, np.nan, np.inf
    compiled = in_graph(lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"), jit=True)
    found = compiled(tf.constant(q)).numpy()
    plain = fkarm.forward_kinematics(panda, q, "panda_hand").numpy()
    np.testing.assert_allclose(found[:2], plain[:2], atol=1e-6)
    assert np.isnan(found[2:, :3]).any(axis=(1, 2)).all()
    assert np.isfinite(found[:2]).all()


def test_the_derivative_of_the_polynomials_is_exact():
    def turned(q):
        sine, cosine = engine.sincos(q)
        return tf.stack([sine, cosine])

    angle = np.array([-2.0, 0.1, 0.8, 1.6, 7.0])
    compiled = tf.function(lambda q: turned(q), jit_compile=True)
    expected = np.stack([np.diag(np.cos(angle)), -np.diag(np.sin(angle))])
    np.testing.assert_allclose(tape_jacobian(compiled, angle), expected, atol=1e-15)


def test_float32_keeps_its_digits_however_it_is_compiled(panda):
    q = fkarm.sample_configurations(panda, 20_000, seed=0)
    exact = fkarm.forward_kinematics(panda, q, "panda_hand").numpy()
    for mode in ("eager", "graph", "xla"):
        fk = MODES[mode](lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"))
        assert np.abs(fk(tf.constant(q.astype("float32"))) - exact).max() < 1e-6


def compiled_text(robot, stage):
    """HLO of forward kinematics and its gradient through the layer."""
    layer = fkarm.layers.ForwardKinematics(robot)
    compiled = tf.function(pull(layer), jit_compile=True)
    return compiled.experimental_get_compiler_ir(tf.zeros((8, robot.dof)))(stage=stage)


@pytest.mark.parametrize("stage", ["hlo", "optimized_hlo"])
def test_no_matmul_is_compiled_so_that_float32_is_not_cut_to_tf32(stage, panda, free_robot):
    for robot in (panda, free_robot):
        text = compiled_text(robot, stage)
        assert "multiply(" in text
        assert not re.search(r"\b(dot|convolution|custom-call)\(", text)


def test_no_matmul_is_in_any_graph(panda):
    layer = fkarm.layers.ForwardKinematics(panda)
    graph = tf.function(pull(layer)).get_concrete_function(tf.zeros((8, 7))).graph.as_graph_def()
    kinds = {node.op for node in graph.node}
    for function in graph.library.function:
        kinds |= {node.op for node in function.node_def}
    assert "Mul" in kinds
    assert not {kind for kind in kinds if "MatMul" in kind or "Einsum" in kind}


def test_xla_on_a_cpu_computes_polynomials_behind_a_condition(panda):
    assert " conditional(" in compiled_text(panda, "optimized_hlo")


def stages(function, *arguments):
    """The compiled stages in a traced function."""
    graph = tf.function(function).get_concrete_function(*arguments).graph.as_graph_def()
    nested = {f.signature.name for f in graph.library.function if "_XlaMustCompile" in f.attr}
    return [node for node in graph.node if node.attr["f"].func.name in nested]


def test_a_graph_holds_one_stage_forward_and_one_back(panda):
    def forward(q):
        return fkarm.forward_kinematics(panda, q, "panda_hand")

    assert len(stages(forward, tf.zeros((8, 7)))) == 1
    assert len(stages(lambda q: pull(forward)(q)[1], tf.zeros((8, 7)))) == 2


def test_few_sizes_are_compiled_and_little_is_padded():
    sizes = np.array(engine.STAGE_ROWS)
    assert (np.diff(sizes) > 0).all()
    assert sizes[0] == 128
    assert ((sizes[1:] - sizes[:-1]) / sizes[:-1]).max() <= 1 / 8
    assert sizes[-1] > 1_000_000_000


def test_batches_of_many_sizes_are_compiled_for_few(panda, monkeypatch):
    rows = []
    run = engine._in_rows

    def counted(concrete, inputs, ranks):
        def call(*signature):
            return lambda *flat: (rows.append(flat[0].shape[0]), concrete(*signature)(*flat))[1]

        return run(call, inputs, ranks)

    monkeypatch.setattr(engine, "_in_rows", counted)
    for size in range(1024, 1153, 16):
        q = np.zeros((size, 7))
        assert fkarm.forward_kinematics(panda, q, "panda_hand").shape == (size, 4, 4)
    assert set(rows) == {1024, 1152}
    fkarm.forward_kinematics(panda, np.zeros((1023, 7)), "panda_hand")
    assert len(rows) == 9
