"""What JAX and PyTorch have of their own, and what fkarm says without TensorFlow.

`make test-backends` runs this beside the suites that every backend shares.
"""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from autodiff import BACKEND, array

import fkarm

pytestmark = pytest.mark.in_test_all("backend")

if BACKEND == "jax":
    import jax
elif BACKEND == "torch":
    import torch


@pytest.fixture(scope="module")
def q(panda):
    return fkarm.sample_configurations(panda, 20, seed=0)


@pytest.mark.skipif(BACKEND != "jax", reason="transformations of JAX")
def test_jax_transformations(panda, q):
    def position(q):
        return fkarm.forward_kinematics(panda, q, "panda_hand")[:3, 3]

    expected = array(fkarm.geometric_jacobian(panda, q))[:, :3]
    for mode in (jax.jacfwd, jax.jacrev):
        for function in (jax.vmap(mode(position)), jax.jit(jax.vmap(mode(position)))):
            np.testing.assert_allclose(function(q), expected, atol=1e-13)
    hessian = array(fkarm.kinematic_hessian(panda, q))[:, :3]
    np.testing.assert_allclose(jax.vmap(jax.hessian(position))(q), hessian, atol=1e-13)


@pytest.mark.skipif(BACKEND != "jax", reason="reads what JAX compiles")
def test_what_jax_compiles_has_no_matmul_and_polynomials_behind_a_condition(panda, q):
    poses = jax.jit(lambda q: fkarm.forward_kinematics(panda, q, panda.link_names))
    text = poses.lower(q).compile().as_text()
    assert " dot(" not in text
    assert " conditional(" in text


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # inside torch.func
@pytest.mark.skipif(BACKEND != "torch", reason="transformations of PyTorch")
def test_torch_transformations(panda, q):
    def position(q):
        return fkarm.forward_kinematics(panda, q, "panda_hand")[:3, 3]

    rows = torch.tensor(q)
    expected = array(fkarm.geometric_jacobian(panda, q))[:, :3]
    for mode in (torch.func.jacfwd, torch.func.jacrev):
        np.testing.assert_allclose(torch.func.vmap(mode(position))(rows), expected, atol=1e-13)
    hessian = array(fkarm.kinematic_hessian(panda, q))[:, :3]
    found = torch.func.vmap(torch.func.hessian(position))(rows)
    np.testing.assert_allclose(found, hessian, atol=1e-13)
    leaf = rows[:2].clone().requires_grad_()
    assert torch.autograd.gradgradcheck(
        lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"), (leaf,)
    )


def test_the_first_example_of_the_documents_runs_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # The example saves a model.
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    example = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    quick = example.replace("steps_per_epoch=100", "batch_size=8, steps_per_epoch=2")
    assert quick != example
    names = {}
    exec(compile(quick.replace("panda()", "planar([1.0, 0.5])"), "README.md", "exec"), names)
    assert names["inverse_kinematics"](np.zeros((1, 9))).shape == (1, 2)


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_what_needs_tensorflow_says_so(panda):
    with pytest.raises(ModuleNotFoundError, match="fkarm.primers needs TensorFlow. Install it"):
        _ = fkarm.primers
    with pytest.raises(RuntimeError, match="pose_stream .* must be tensorflow"):
        fkarm.learning.pose_stream(panda)
    with pytest.raises(RuntimeError, match="last_layer_share .* must be tensorflow"):
        fkarm.learning.last_layer_share(None, None, None)
