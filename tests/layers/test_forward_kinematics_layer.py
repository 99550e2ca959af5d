"""The ForwardKinematics layer: outputs, units, precision, contract, refusals."""

import keras
import numpy as np
import pytest
from autodiff import array, dtype_of, tensor
from checks import check_layer
from keras import ops
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.layers import ForwardKinematics

EVERY_CASE = pytest.mark.in_test_all("every case")


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(name, marks=() if name == "xyz_rpy" else EVERY_CASE)
        for name in fkarm.geometry.POSE_REPRESENTATIONS
    ],
)
def test_the_contract_for_every_output(output, three_joints, rng, tmp_path):
    q = rng.uniform(-1, 1, size=(5, 2))
    check_layer(lambda **kw: ForwardKinematics(three_joints, output=output, **kw), q, tmp_path)


@pytest.mark.parametrize(
    "links",
    [
        ["turn_link", "tool"],
        *(pytest.param(one, marks=EVERY_CASE) for one in (None, "turn_link")),
    ],
    ids=str,
)
def test_the_contract_for_every_choice_of_links(links, three_joints, rng, tmp_path):
    q = rng.uniform(-1, 1, size=(5, 2))
    check_layer(lambda **kw: ForwardKinematics(three_joints, links, **kw), q, tmp_path)


@EVERY_CASE
def test_the_contract_for_every_joint_type(every_joint, tmp_path):
    q = fkarm.sample_configurations(every_joint, 5, seed=0)
    check_layer(
        lambda **kw: ForwardKinematics(
            every_joint, every_joint.link_names, "xyz_rotvec", "deg", "mm", **kw
        ),
        q,
        tmp_path,
    )


def test_the_contract_for_a_base_on_another_branch(every_joint, tmp_path):
    q = fkarm.sample_configurations(every_joint, 5, seed=0)
    check_layer(
        lambda **kw: ForwardKinematics(every_joint, "tip_1", base="tip_2", **kw), q, tmp_path
    )


def test_a_layer_gives_poses_in_its_base_and_writes_it_down(every_joint):
    q = fkarm.sample_configurations(every_joint, 5, seed=0)
    in_root = array(ForwardKinematics(every_joint, ["tip_2", "tip_1"], dtype="float64")(q))
    layer = ForwardKinematics(every_joint, "tip_1", base="tip_2", dtype="float64")
    seen = np.linalg.inv(in_root[:, 0]) @ in_root[:, 1]
    np.testing.assert_allclose(layer(q), seen, atol=1e-14)
    config = layer.get_config()
    assert config["base"] == "tip_2"
    config.pop("base")  # as files before it have it
    before = ForwardKinematics.from_config(config)
    assert before.base is None
    np.testing.assert_array_equal(before(q), in_root[:, 1])


def test_no_link_means_the_end_effector(panda):
    q = np.zeros((1, 7), "float32")
    np.testing.assert_array_equal(
        ForwardKinematics(panda)(q), ForwardKinematics(panda, "panda_hand")(q)
    )


def test_orientations_are_what_scipy_says(panda):
    q = fkarm.sample_configurations(panda, 50, seed=0)
    matrix = array(fkarm.forward_kinematics(panda, q, "panda_hand"))
    scipy = Rotation.from_matrix(matrix[:, :3, :3])

    def orientation(output):
        return array(ForwardKinematics(panda, output=output, dtype="float64")(q))[:, 3:]

    np.testing.assert_allclose(orientation("xyz_rpy"), scipy.as_euler("xyz"), atol=1e-10)
    np.testing.assert_allclose(orientation("xyz_ypr"), scipy.as_euler("ZYX"), atol=1e-10)
    np.testing.assert_allclose(orientation("xyz_rotvec"), scipy.as_rotvec(), atol=1e-10)
    xyzw = scipy.as_quat(canonical=True)
    np.testing.assert_allclose(orientation("xyz_quat_xyzw"), xyzw, atol=1e-12)
    np.testing.assert_allclose(orientation("xyz_quat_wxyz"), xyzw[:, [3, 0, 1, 2]], atol=1e-12)
    columns = matrix[:, :3, :2].transpose(0, 2, 1).reshape(50, 6)
    np.testing.assert_allclose(orientation("xyz_rot6d"), columns, atol=1e-15)
    position = ForwardKinematics(panda, output="position", dtype="float64")(q)
    np.testing.assert_allclose(position, matrix[:, :3, 3], atol=1e-15)


def test_units_apply_to_what_comes_in_and_what_goes_out(every_joint):
    q = np.array([[0.5, -0.3, 0.2]])  # rad, rad, m
    plain = array(ForwardKinematics(every_joint, output="xyz_rpy", dtype="float64")(q))
    scaled = array(
        ForwardKinematics(
            every_joint,
            output="xyz_rpy",
            angle_unit="deg",
            length_unit="mm",
            dtype="float64",
        )(q * [180 / np.pi, 180 / np.pi, 1e3])
    )
    np.testing.assert_allclose(scaled[:, :3], 1e3 * plain[:, :3], atol=1e-10)
    np.testing.assert_allclose(scaled[:, 3:], np.degrees(plain[:, 3:]), atol=1e-12)
    quats = ForwardKinematics(
        every_joint, output="xyz_quat_wxyz", angle_unit="deg", dtype="float64"
    )
    np.testing.assert_allclose(np.linalg.norm(array(quats(np.degrees(q)))[:, 3:]), 1.0, atol=1e-12)


def test_the_layer_follows_its_dtype(panda):
    q = fkarm.sample_configurations(panda, 3, seed=0)
    for dtype in ("float32", "float64"):
        pose = ForwardKinematics(panda, dtype=dtype)(q.astype(dtype))
        assert dtype_of(pose) == dtype
    exact = fkarm.forward_kinematics(panda, q, "panda_hand")
    np.testing.assert_array_equal(pose, exact)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_half_precision_is_left_for_float32_and_says_so(policy, panda, global_policy):
    global_policy(policy)
    with pytest.warns(UserWarning, match=f"computes in float32 under the policy '{policy}'"):
        layer = ForwardKinematics(panda)
    q = fkarm.sample_configurations(panda, 100, seed=0, dtype="float32")
    pose = layer(q)
    assert dtype_of(pose) == "float32"
    exact = array(fkarm.forward_kinematics(panda, q.astype("float64"), "panda_hand"))
    np.testing.assert_allclose(pose, exact, atol=2e-6)
    with pytest.warns(UserWarning, match="float32"):
        fkarm.layers.JointLimits(panda)


def test_a_mixed_policy_given_to_the_layer_itself_becomes_float32_too(panda):
    with pytest.warns(UserWarning, match="computes in float32"):
        layer = ForwardKinematics(panda, dtype="mixed_bfloat16")
    assert layer.compute_dtype == "float32"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_asked_for_by_name_rounds_the_output_only(dtype, panda):
    layer = ForwardKinematics(panda, dtype=dtype)
    q = fkarm.sample_configurations(panda, 100, seed=0, dtype="float32")
    exact = fkarm.forward_kinematics(panda, q, "panda_hand")
    np.testing.assert_array_equal(
        array(ops.cast(layer(q), "float32")), ops.cast(ops.cast(exact, dtype), "float32")
    )


def test_whole_numbers_are_numbers():
    arm = fkarm.robots.planar([1.0, 0.5])
    layer = ForwardKinematics(arm, output="position", angle_unit="deg", dtype="float64")
    np.testing.assert_allclose(layer(np.array([[90, 0]])), [[0, 1.5, 0]], atol=1e-15)
    np.testing.assert_allclose(layer(tensor([[90, 0]])), [[0, 1.5, 0]], atol=1e-15)
    q = fkarm.layers.JointLimits(fkarm.robots.ur3())(np.ones((1, 7), int))
    assert np.isfinite(array(q)).all()


def test_a_wrong_last_axis_of_one_is_not_broadcast(panda):
    layer = ForwardKinematics(panda, angle_unit="deg")
    layer(np.zeros((1, 7), "float32"))
    with pytest.raises(ValueError, match="q must have shape"):
        layer(np.zeros((2, 1)))


def test_a_masked_sequence_keeps_its_mask(panda):
    x = keras.Input((5, 7))
    hidden = keras.layers.Masking()(x)
    assert ForwardKinematics(panda)(hidden)._keras_mask is not None


def test_any_number_of_batch_axes(panda, rng):
    layer = ForwardKinematics(panda, output="position", dtype="float64")
    q = rng.uniform(-1, 1, size=(2, 3, 4, 7))
    poses = array(layer(q))
    assert poses.shape == (2, 3, 4, 3)
    np.testing.assert_allclose(layer(q[1, 2, 3]), poses[1, 2, 3], atol=1e-15)
    assert tuple(layer(keras.Input((None, 7))).shape) == (None, None, 3)


def test_a_cloned_model_and_its_json_hold_the_robot(every_joint):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3), ForwardKinematics(every_joint, "tip_2")]
    )
    again = keras.models.model_from_json(model.to_json())
    assert again.layers[-1].robot == every_joint
    assert keras.models.clone_model(model).layers[-1].links == "tip_2"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"links": "panda_hnd"}, fkarm.UnknownLinkError, "Did you mean 'panda_hand'"),
        ({"links": ["panda_hand", "x"]}, fkarm.UnknownLinkError, "Received: 'x'"),
        ({"links": []}, ValueError, "at least one name"),
        ({"links": 5}, TypeError, "links must be a name"),
        ({"base": "panda_hnd"}, fkarm.UnknownLinkError, "Did you mean 'panda_hand'"),
        ({"output": "xyz_rpi"}, ValueError, "Did you mean 'xyz_rpy'"),
        ({"output": None}, ValueError, "output must be one of"),
        ({"angle_unit": "grad"}, ValueError, "angle_unit must be one of"),
        ({"length_unit": "inch"}, ValueError, "length_unit must be one of"),
        ({"robot": "panda"}, TypeError, "robot must be a fkarm"),
    ],
)
def test_bad_arguments_are_refused_at_construction(arguments, error, message, panda):
    with pytest.raises(error, match=message):
        ForwardKinematics(**{"robot": panda, **arguments})


def test_a_wrong_last_axis_is_refused_with_the_joint_names(panda):
    for make in (
        lambda: ForwardKinematics(panda)(np.zeros((2, 6))),
        lambda: ForwardKinematics(panda)(keras.Input((6,))),
        lambda: ForwardKinematics(panda).compute_output_shape((None, 6)),
        lambda: keras.Sequential([keras.Input((6,)), ForwardKinematics(panda)]),
    ):
        with pytest.raises(ValueError, match=r"q must have shape \(\.\.\., 7\).*panda_joint1"):
            make()
