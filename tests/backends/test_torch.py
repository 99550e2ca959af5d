"""PyTorch's transformations and its compiler, which takes functions as one graph each."""

import warnings

import keras
import numpy as np
import pytest
from autodiff import BACKEND, array

import fkarm
from fkarm.kinematics import reference

torch = pytest.importorskip("torch") if BACKEND == "torch" else None
pytestmark = [
    pytest.mark.skipif(BACKEND != "torch", reason="tools of PyTorch"),
    pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning"),  # of torch.func
]
Q = [[0.3, -0.7], [1.1, 0.4], [-2.0, 0.9]]


@pytest.fixture
def arm():
    """A robot that nothing was asked of yet: `torch.compile` meets what it keeps, empty."""
    return fkarm.robots.planar([1.0, 0.5])


def planar_positions(q):
    """Closed form, in tensors."""
    first, both = q[..., 0], q[..., 0] + q[..., 1]
    x = torch.cos(first) + 0.5 * torch.cos(both)
    y = torch.sin(first) + 0.5 * torch.sin(both)
    return torch.stack([x, y, torch.zeros_like(x)], dim=-1)


@pytest.mark.parametrize("output", ["matrix", "position", "xyz_rpy", "xyz_quat_wxyz", "xyz_rot6d"])
def test_the_analytic_jacobian_maps_over_rows(panda, output):
    """Beside the derivative that PyTorch takes of the numbers themselves."""

    def numbers(q):
        pose = fkarm.forward_kinematics(panda, q, "panda_hand")
        return fkarm.geometry.matrix_to_pose(pose, output)

    rows = torch.tensor(fkarm.sample_configurations(panda, 3, seed=0))
    expected = torch.func.vmap(torch.func.jacfwd(numbers))(rows)
    mapped = torch.func.vmap(lambda q: fkarm.analytic_jacobian(panda, q, "panda_hand", output))
    np.testing.assert_allclose(mapped(rows), expected, atol=1e-12)


def test_the_readable_kinematics_map_over_rows(arm):
    mapped = torch.func.vmap(lambda q: reference.forward_kinematics(arm, q, ["tool"]))
    rows = torch.tensor(Q, dtype=torch.float64)
    np.testing.assert_allclose(mapped(rows)[:, 0, :3, 3], planar_positions(rows), atol=1e-15)


def in_one_graph(function):
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, backend="aot_eager")


def test_forward_kinematics_compile_to_one_graph_with_their_gradient(arm):
    rows = torch.tensor(Q, dtype=torch.float64, requires_grad=True)
    compiled = in_one_graph(lambda q: fkarm.forward_kinematics(arm, q, "tool")[:, :3, 3])
    found, expected = compiled(rows), planar_positions(rows)
    np.testing.assert_allclose(array(found), array(expected), atol=1e-15)
    weights = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    (gradient,) = torch.autograd.grad((weights * found).sum(), rows)
    (wanted,) = torch.autograd.grad((weights * expected).sum(), rows)
    np.testing.assert_allclose(gradient, wanted, atol=1e-14)


def test_a_network_through_the_layers_compiles_to_one_graph(arm):
    layer = fkarm.layers.ForwardKinematics(arm, output="position", angle_unit="deg")
    limits = fkarm.layers.JointLimits(arm, angle_unit="deg")
    layer(limits(torch.zeros(1, 2)))  # Keras builds layers outside the graph
    compiled = in_one_graph(lambda x: layer(limits(x)))
    x = torch.tensor(Q)
    expected = planar_positions(torch.pi * torch.tanh(x))  # half a turn either way
    np.testing.assert_allclose(compiled(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        fkarm.geometric_jacobian,
        fkarm.body_jacobian,
        fkarm.kinematic_hessian,
        lambda robot, q: fkarm.link_velocity(robot, q, q),
        lambda robot, q: fkarm.analytic_jacobian(robot, q, output="position"),
    ],
    ids=["geometric", "body", "hessian", "velocity", "analytic"],
)
def test_what_follows_from_a_chain_compiles_to_one_graph(arm, function):
    rows = torch.tensor(Q, dtype=torch.float64)
    found = in_one_graph(lambda q: function(arm, q))(rows)
    np.testing.assert_allclose(found, function(arm, rows), atol=1e-15)


def test_an_export_runs_without_keras(arm, tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, fkarm.layers.ForwardKinematics(arm, output="position")(inputs))
    x = torch.tensor(Q[:1])  # Keras exports for one row
    model(x)
    model.export(tmp_path / "arm.pt2", format="torch", verbose=False)
    found = torch.export.load(tmp_path / "arm.pt2").module()(x)
    np.testing.assert_allclose(found, planar_positions(x), atol=1e-6)


def test_nothing_warns_of_copies_on_the_way_to_numpy(arm):
    """NumPy's own text, which the settings of these tests ignore for Keras' sake."""
    target = torch.eye(4, dtype=torch.float64)
    target[0, 3] = 1.2
    start = keras.Variable([0.1, 0.2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fkarm.solve_ik(arm, target, task=("x", "y"), q_init=start)
        reached = planar_positions(torch.tensor(result.q))
    np.testing.assert_allclose(reached, [1.2, 0, 0], atol=1e-3)
