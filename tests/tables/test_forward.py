"""Tables of poses: columns by name, units, NaN, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.tables import forward_table


@pytest.fixture
def source(arm, q, tmp_path):
    """Columns in another order than the joints', with another column."""
    frame = pd.DataFrame(arm.by_name(q)).iloc[:, ::-1]
    frame["part"] = [f"A{k}" for k in range(len(q))]
    frame.to_csv(tmp_path / "q.csv", index=False)
    return tmp_path / "q.csv"


def rotations(frame, form):
    """The rotations in a table, by SciPy."""

    def read(*columns):
        return frame[list(columns)].to_numpy().copy()

    if form == "xyz_quat_wxyz":
        return Rotation.from_quat(read("qx", "qy", "qz", "qw"))
    if form == "xyz_rotvec":
        return Rotation.from_rotvec(read("rx", "ry", "rz"))
    if form == "xyz_rpy":
        return Rotation.from_euler("xyz", read("roll", "pitch", "yaw"))
    entries = read(*(f"T{i}{j}" for i in range(3) for j in range(3)))
    return Rotation.from_matrix(entries.reshape(-1, 3, 3))


@pytest.mark.parametrize("form", ["xyz_quat_wxyz", "xyz_rotvec", "xyz_rpy", "matrix"])
def test_poses_are_those_of_the_configurations(arm, poses, source, tmp_path, form):
    summary = forward_table(arm, source, tmp_path / "p.parquet", representation=form, chunk_rows=8)
    frame = pd.read_parquet(tmp_path / "p.parquet")
    position = ["T03", "T13", "T23"] if form == "matrix" else ["x", "y", "z"]
    assert np.allclose(frame[position], poses[:, :3, 3], atol=1e-12)
    assert np.allclose(rotations(frame, form).as_matrix(), poses[:, :3, :3], atol=1e-12)
    assert (summary.rows, summary.solved, summary.reasons) == (30, 30, {"COMPUTED": 30})


def test_units_kept_columns_and_rows_without_a_value(arm, q, poses, source, tmp_path):
    frame = pd.read_csv(source)
    frame[list(arm.joint_names)] = np.degrees(frame[list(arm.joint_names)])
    frame.loc[4, "elbow_joint"] = np.nan
    frame.to_csv(source, index=False)
    out = tmp_path / "p.csv"
    units = {"angle_unit": "deg", "length_unit": "mm"}
    summary = forward_table(
        arm, source, out, representation="xyz_rpy", keep=["part"], chunk_rows=8, **units
    )
    assert summary.reasons == {"COMPUTED": 29, "NAN": 1}
    assert "30 rows, 29 solved (96.67%)" in str(summary)
    assert out.read_text().splitlines()[5] == '"A4",,,,,,'
    frame = pd.read_csv(out)
    assert list(frame["part"]) == [f"A{k}" for k in range(30)]
    others = np.arange(30) != 4
    assert np.allclose(frame[["x", "y", "z"]][others], 1e3 * poses[others, :3, 3], atol=1e-6)
    angles = Rotation.from_matrix(poses[others, :3, :3]).as_euler("xyz", degrees=True)
    assert np.allclose(frame[["roll", "pitch", "yaw"]][others], angles, atol=1e-6)


def test_a_link_needs_only_the_joints_that_move_it(every_joint, tmp_path):
    turn = np.linspace(-1.0, 1.0, 9)
    pd.DataFrame({"turn": turn}).to_parquet(tmp_path / "q.parquet")
    forward_table(every_joint, tmp_path / "q.parquet", tmp_path / "p.npy", "a")
    q = np.stack([turn, 0 * turn, 0 * turn], axis=-1)
    expected = np.asarray(fkarm.forward_kinematics(every_joint, q, "a"))[:, :3, 3]
    found = np.load(tmp_path / "p.npy")
    assert np.allclose(np.stack([found[name] for name in "xyz"], axis=-1), expected, atol=1e-12)
    said = (
        r"must have the columns turn spin slide. Columns must be one of: 'turn'. Received: 'spin'"
    )
    with pytest.raises(fkarm.TableError, match=said):
        forward_table(every_joint, tmp_path / "q.parquet", tmp_path / "tip.npy", "tip_1")


def test_joints_with_several_entries_have_numbered_columns(ball_and_plane, rng, tmp_path):
    q = rng.normal(size=(5, 7))
    names = [*(f"ball[{k}]" for k in range(4)), *(f"flat[{k}]" for k in range(3))]
    pd.DataFrame(q, columns=names).to_parquet(tmp_path / "q.parquet")
    forward_table(ball_and_plane, tmp_path / "q.parquet", tmp_path / "a.parquet")
    np.save(tmp_path / "q.npy", q)
    forward_table(ball_and_plane, tmp_path / "q.npy", tmp_path / "b.parquet")
    found = pd.read_parquet(tmp_path / "a.parquet")
    assert found.equals(pd.read_parquet(tmp_path / "b.parquet"))
    expected = np.asarray(fkarm.forward_kinematics(ball_and_plane, q))[:, :3, 3]
    assert np.allclose(found[["x", "y", "z"]], expected, atol=1e-12)


def test_angles_that_look_like_degrees_are_named(arm, source, tmp_path):
    frame = pd.read_csv(source)
    frame["elbow_joint"] *= 180.0
    frame.to_csv(source, index=False)
    with pytest.warns(UserWarning, match="q.csv: Angles up to .* in degrees.*angle_unit='deg'"):
        forward_table(arm, source, tmp_path / "p.csv")


def test_what_is_refused(arm, source, q, tmp_path):
    out = tmp_path / "p.csv"
    with pytest.raises(ValueError, match="chunk_rows must be a multiple of 8. Received: 12"):
        forward_table(arm, source, out, chunk_rows=12)
    with pytest.raises(ValueError, match="engine must be one of: 'local', 'ray'"):
        forward_table(arm, source, out, engine="dask")
    with pytest.raises(fkarm.TableError, match="keep from .* one of: 'part', .*Received: 'prt'"):
        forward_table(arm, source, out, keep=["prt"])
    with pytest.raises(fkarm.TableError, match="the name of another column.*Received: 'part'"):
        forward_table(arm, source, out, keep=["part", "part"])
    with pytest.raises(fkarm.TableError, match="a NPY file must hold numbers|NPY .* 'part'"):
        forward_table(arm, source, tmp_path / "p.npy", keep=["part"])
    with pytest.raises(fkarm.TableError, match="out must be another file than source"):
        forward_table(arm, source, source, overwrite=True)
    np.save(tmp_path / "q.npy", q[:, :5])
    with pytest.raises(fkarm.TableError, match=r"rows of 6 numbers .* rows of shape \(5,\)"):
        forward_table(arm, tmp_path / "q.npy", out)
    with pytest.raises(fkarm.UnknownLinkError):
        forward_table(arm, source, out, "tool1")
    assert not list(tmp_path.glob("p.*"))
