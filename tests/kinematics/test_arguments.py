"""What is taken for a joint configuration and for links, and what is refused with what to do."""

from decimal import Decimal

import numpy as np
import pytest
from autodiff import array, dtype_of
from tables import Frame, structured

import fkarm
from fkarm.kinematics.arguments import configuration_array

ARM = fkarm.robots.planar([1.0, 0.5])
Q = [0.5, 0.25]
# Closed form of the position.
TIP = [np.cos(0.5) + 0.5 * np.cos(0.75), np.sin(0.5) + 0.5 * np.sin(0.75), 0.0]
COLUMNS = {"joint_2": [0.25, 0.25], "joint_1": [0.5, 0.5]}
LAYER = fkarm.layers.ForwardKinematics(ARM)

FUNCTIONS = {
    "poses": lambda q: fkarm.forward_kinematics(ARM, q, "tool"),
    "geometric": lambda q: fkarm.geometric_jacobian(ARM, q),
    "body": lambda q: fkarm.body_jacobian(ARM, q),
    "analytic": lambda q: fkarm.analytic_jacobian(ARM, q),
    "hessian": lambda q: fkarm.kinematic_hessian(ARM, q),
    "velocity": lambda q: fkarm.link_velocity(ARM, q, Q),
    "rates": lambda q: fkarm.link_velocity(ARM, Q, q),
    "manipulability": lambda q: fkarm.manipulability(ARM, q, task=("x", "y")),
    "start": lambda q: fkarm.solve_ik(ARM, np.eye(4), q_init=q, task=("x", "y")),
    "reference": lambda q: fkarm.solve_ik(ARM, np.eye(4), q_ref=q, task=("x", "y")),
    "path": lambda q: fkarm.follow_path(ARM, np.eye(4)[None], q),
    "errors": lambda q: fkarm.learning.pose_errors(ARM, q, np.eye(4)),
    "layer": lambda q: LAYER(q),
    "refinement": lambda q: fkarm.layers.IKRefinement(ARM)((q, np.eye(4)[None])),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(
    "table", [COLUMNS, Frame(**COLUMNS), structured(**COLUMNS)], ids=["dict", "frame", "array"]
)
def test_columns_are_never_read_in_their_own_order(function, table):
    kind = type(table).__name__
    with pytest.raises(TypeError, match=f"in the robot's order.* {kind} with 'joint_2', 'joint_1'"):
        function(table)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize(
    "q",
    [np.array([0.5 + 1j, 0.25]), np.array(["0.5", "0.25"]), np.zeros(2, "M8[s]")],
    ids=["complex", "text", "time"],
)
def test_what_is_no_real_number_is_refused(function, q):
    with pytest.raises(TypeError, match="must be real numbers. Received: "):
        function(q)


def test_lists_that_are_no_real_numbers_are_refused():
    for q in ([0.5 + 1j, 0.25], ["0.5", "0.25"], [None, 0.25]):
        with pytest.raises(TypeError, match="q must be real numbers. Received: "):
            fkarm.forward_kinematics(ARM, q)
    with pytest.raises(TypeError, match=r"q must be numbers in one shape. Received: \[\[0.5, 0"):
        fkarm.forward_kinematics(ARM, [[0.5, 0.25], [0.5]])
    with pytest.raises(TypeError, match="rotvec must be real numbers. Received: "):
        fkarm.geometry.so3_exp([1j, 0.0, 0.0])


@pytest.mark.parametrize(
    "q",
    [[Decimal("0.5"), Decimal("0.25")], np.array(Q, np.longdouble), np.array(Q, object)],
    ids=["Decimal", "longdouble", "object"],
)
def test_other_real_numbers_are_taken_as_float64(q):
    pose = fkarm.forward_kinematics(ARM, q, "tool")
    assert dtype_of(pose) == "float64"
    np.testing.assert_allclose(array(pose)[:3, 3], TIP, atol=1e-15)
    np.testing.assert_array_equal(configuration_array("q", q), Q)


def test_a_transposed_batch_is_recognised():
    with pytest.raises(ValueError, match=r"shape \(2, 5\). .*joint_2. Is it transposed"):
        fkarm.forward_kinematics(ARM, np.zeros((2, 5)))


def test_links_that_are_no_names_are_refused():
    for links in (["tool", ["base"]], ["tool", 3]):
        with pytest.raises(TypeError, match="links must be a name, a list of names or None"):
            fkarm.forward_kinematics(ARM, Q, links)
    with pytest.raises(TypeError, match=r"link must be one name.*Received: \['tool'\]. Call once"):
        fkarm.geometric_jacobian(ARM, Q, ["tool"])


@pytest.mark.only_on("tensorflow", reason="tensors that do not know their number of axes")
def test_a_tensor_of_unknown_rank_is_refused_with_what_to_do(panda):
    import tensorflow as tf

    layer = fkarm.layers.ForwardKinematics(panda)
    layer(np.zeros((1, 7), "float32"))
    functions = [
        lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"),
        lambda q: fkarm.geometric_jacobian(panda, q),
        layer,
    ]
    for function in functions:
        data = tf.data.Dataset.from_generator(lambda: iter([np.zeros(7)]), tf.float32)
        with pytest.raises(
            ValueError, match=r"of axes: \(\.\.\., 7\).*ensure_shape\(x, \(None, 7\)\)"
        ):
            data.map(tf.autograph.experimental.do_not_convert(function))
    with pytest.raises(
        ValueError, match=r"matrix must have a known number of axes: \(\.\.\., 3, 3\)"
    ):
        tf.function(fkarm.geometry.matrix_to_rpy, [tf.TensorSpec(None)], autograph=False)(
            np.eye(3, dtype="float32")
        )
