"""Kinematics and its derivatives on whichever backend Keras runs: `make test-backends`."""

from importlib.resources import files

import keras
import numpy as np
import pytest
from keras import ops
from oracles import Pinocchio

import fkarm

BACKEND = keras.backend.backend()
if BACKEND == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)
elif BACKEND == "torch":
    import torch
else:
    import tensorflow as tf

FUNCTIONS = [fkarm.geometric_jacobian, fkarm.body_jacobian, fkarm.kinematic_hessian]


def gradient(function, x):
    """Of the sum of a function's values."""
    if BACKEND == "jax":
        return np.asarray(jax.grad(lambda x: function(x).sum())(jax.numpy.asarray(x)))
    if BACKEND == "torch":
        x = torch.tensor(x, requires_grad=True)
        return torch.autograd.grad(function(x).sum(), x)[0].detach().numpy()
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x).numpy()


@pytest.fixture(scope="module")
def q(panda):
    return fkarm.sample_configurations(panda, 20, seed=0)


def test_poses_are_pinocchios(panda, q):
    oracle = Pinocchio(files(fkarm.robots) / "panda.urdf")
    fingers = {"panda_finger_joint1": 0.04, "panda_finger_joint2": 0.04}
    expected = [
        oracle.poses({**dict(zip(panda.joint_names, row, strict=True)), **fingers}, ["panda_hand"])[
            0
        ]
        for row in q
    ]
    found = ops.convert_to_numpy(fkarm.forward_kinematics(panda, q, "panda_hand"))
    np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("robot", ["panda", "every_joint", "free_robot"])
def test_the_gradient_is_that_of_the_jacobian(robot, request, rng):
    robot = request.getfixturevalue(robot)
    q = rng.uniform(-1, 1, size=(5, robot.dof))

    def position(q):
        return fkarm.forward_kinematics(robot, q, robot.end_effector)[..., :3, 3]

    jacobian = ops.convert_to_numpy(fkarm.geometric_jacobian(robot, q))
    np.testing.assert_allclose(gradient(position, q), jacobian[:, :3].sum(1), atol=1e-13)


def test_the_gradient_of_the_jacobian_is_the_hessian(every_joint, rng):
    q = rng.uniform(-1, 1, size=(5, 3))
    hessian = ops.convert_to_numpy(fkarm.kinematic_hessian(every_joint, q))
    found = gradient(lambda q: fkarm.geometric_jacobian(every_joint, q), q)
    np.testing.assert_allclose(found, hessian.sum((1, 2)), atol=1e-13)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_batches_and_dtypes(function, panda, q):
    for dtype in ("float32", "float64"):
        found = function(panda, q.reshape(2, 10, 7).astype(dtype))
        assert keras.backend.standardize_dtype(found.dtype) == dtype
        single = ops.convert_to_numpy(function(panda, q[3].astype(dtype)))
        np.testing.assert_allclose(ops.convert_to_numpy(found)[0, 3], single, atol=1e-6)


def test_large_angles_and_nan(panda):
    q = np.zeros((3, 7), "float32")
    q[1, 2], q[2, 0] = 1e6, np.nan
    found = ops.convert_to_numpy(fkarm.forward_kinematics(panda, q, "panda_hand"))
    exact = ops.convert_to_numpy(
        fkarm.forward_kinematics(panda, q[:2].astype("float64"), "panda_hand")
    )
    np.testing.assert_allclose(found[:2], exact, atol=1e-6)
    assert np.isnan(found[2]).any()


@pytest.mark.skipif(BACKEND != "jax", reason="transformations of JAX")
def test_jax_transformations(panda, q):
    def position(q):
        return fkarm.forward_kinematics(panda, q, "panda_hand")[:3, 3]

    expected = ops.convert_to_numpy(fkarm.geometric_jacobian(panda, q))[:, :3]
    for mode in (jax.jacfwd, jax.jacrev):
        for function in (jax.vmap(mode(position)), jax.jit(jax.vmap(mode(position)))):
            np.testing.assert_allclose(function(q), expected, atol=1e-13)
    hessian = ops.convert_to_numpy(fkarm.kinematic_hessian(panda, q))[:, :3]
    np.testing.assert_allclose(jax.vmap(jax.hessian(position))(q), hessian, atol=1e-13)
    text = jax.jit(lambda q: fkarm.forward_kinematics(panda, q)).lower(q).compile().as_text()
    assert " dot(" not in text
    assert " conditional(" in text


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # inside torch.func
@pytest.mark.skipif(BACKEND != "torch", reason="transformations of PyTorch")
def test_torch_transformations(panda, q):
    def position(q):
        return fkarm.forward_kinematics(panda, q, "panda_hand")[:3, 3]

    rows = torch.tensor(q)
    expected = ops.convert_to_numpy(fkarm.geometric_jacobian(panda, q))[:, :3]
    for mode in (torch.func.jacfwd, torch.func.jacrev):
        np.testing.assert_allclose(torch.func.vmap(mode(position))(rows), expected, atol=1e-13)
    hessian = ops.convert_to_numpy(fkarm.kinematic_hessian(panda, q))[:, :3]
    found = torch.func.vmap(torch.func.hessian(position))(rows)
    np.testing.assert_allclose(found, hessian, atol=1e-13)
    leaf = rows[:2].clone().requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"), (leaf,)
    )


def test_the_layer_predicts(panda, q):
    layer = fkarm.layers.ForwardKinematics(panda, output="position", dtype="float32")
    model = keras.Sequential([keras.Input((7,)), layer])
    found = model.predict(q.astype("float32"), verbose=0)
    exact = ops.convert_to_numpy(fkarm.forward_kinematics(panda, q, "panda_hand"))[:, :3, 3]
    np.testing.assert_allclose(found, exact, atol=1e-6)
