"""Tables of joint values: ways to write poses, rows without an answer, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.tables import solve_table


def frame_of(poses, form, angle=1.0, length=1.0):
    """A table of poses, by SciPy."""
    turn = Rotation.from_matrix(poses[:, :3, :3])
    if form == "matrix":
        flat = (poses[:, :3] * [1, 1, 1, length]).reshape(-1, 12)
        return pd.DataFrame(flat, columns=[f"T{i}{j}" for i in range(3) for j in range(4)])
    columns, values = {
        "quat": (["qx", "qy", "qz", "qw"], turn.as_quat()),
        "rotvec": (["rx", "ry", "rz"], turn.as_rotvec() * angle),
        "rpy": (["roll", "pitch", "yaw"], turn.as_euler("xyz") * angle),
    }[form]
    position = pd.DataFrame(poses[:, :3, 3] * length, columns=["x", "y", "z"])
    return pd.concat([pd.DataFrame(values, columns=columns), position], axis=1)


def reached(arm, frame, unit=1.0):
    """The poses of the joint values in a table."""
    return np.asarray(fkarm.forward_kinematics(arm, frame[list(arm.joint_names)].to_numpy() * unit))


@pytest.mark.parametrize("form", ["quat", "rotvec", "rpy", "matrix"])
def test_every_way_to_write_a_pose_is_solved(arm, poses, tmp_path, form):
    frame_of(poses, form, angle=180 / np.pi, length=1e3).to_csv(tmp_path / "t.csv", index=False)
    units = {"angle_unit": "deg", "length_unit": "mm"}
    summary = solve_table(arm, tmp_path / "t.csv", tmp_path / "q.parquet", "tool0", **units)
    frame = pd.read_parquet(tmp_path / "q.parquet")
    assert np.allclose(reached(arm, frame, np.pi / 180), poses, atol=1e-9)
    assert frame["solved"].all()
    assert list(frame.columns)[-2:] == ["position_error_mm", "orientation_error_deg"]
    assert (summary.solved, summary.reasons) == (30, {"SOLVED": 30})
    assert summary.largest_errors["position_error_mm"] == frame["position_error_mm"].max() < 1e-6


def test_rows_without_an_answer_are_kept_and_marked(arm, poses, tmp_path):
    frame = frame_of(poses, "quat")
    frame["part"] = np.arange(len(frame))
    frame.loc[2, "y"] = np.nan
    frame.loc[3, ["qx", "qy", "qz", "qw"]] *= 1.1
    frame.loc[5, "x"] = 9.0
    frame.to_parquet(tmp_path / "t.parquet")
    out = tmp_path / "q.parquet"
    summary = solve_table(arm, tmp_path / "t.parquet", out, keep=["part"], chunk_rows=8)
    found = pd.read_parquet(out)
    bad = [2, 3, 5]
    assert list(found["part"]) == list(range(30))
    assert list(np.flatnonzero(~found["solved"])) == bad
    assert list(found["reason"][bad]) == ["NAN", "NOT_A_POSE", "OUT_OF_REACH"]
    joints = list(arm.joint_names)
    assert found[joints].isna().all(axis=1).tolist() == [k in (2, 3) for k in range(30)]
    assert found["position_error_m"][5] > 8.0
    assert summary.reasons == {"SOLVED": 27, "NAN": 1, "NOT_A_POSE": 1, "OUT_OF_REACH": 1}
    assert "1 NAN, 1 NOT_A_POSE, 1 OUT_OF_REACH, 27 SOLVED" in str(summary)
    good = found["solved"]
    assert np.allclose(reached(arm, found[good]), poses[good], atol=1e-9)


def test_npy_files_of_every_shape_hold_the_same_answers(arm, poses, tmp_path):
    turn = Rotation.from_matrix(poses[:, :3, :3]).as_quat()
    files = {
        "matrix_4": (poses, None),
        "matrix_3": (poses[:, :3], None),
        "flat": (poses.reshape(-1, 16), "matrix"),
        "xyzw": (np.concatenate([poses[:, :3, 3], turn], axis=1), "xyz_quat_xyzw"),
        "fields": (frame_of(poses, "quat").to_records(index=False), None),
    }
    for name, (array, form) in files.items():
        np.save(tmp_path / f"{name}.npy", array)
        out = tmp_path / f"{name}.out.npy"
        solve_table(arm, tmp_path / f"{name}.npy", out, representation=form)
        found = np.load(out)
        assert found["solved"].all()
        assert found.dtype["reason"] == "<U12"
        q = arm.configuration(found[list(arm.joint_names)])
        assert np.allclose(fkarm.forward_kinematics(arm, q), poses, atol=1e-9), name


def test_a_transposed_matrix_is_no_pose(arm, poses, tmp_path):
    np.save(tmp_path / "t.npy", poses.swapaxes(1, 2))
    summary = solve_table(arm, tmp_path / "t.npy", tmp_path / "q.npy")
    assert summary.reasons == {"NOT_A_POSE": 30}
    assert summary.largest_errors == {"position_error_m": 0.0, "orientation_error_rad": 0.0}


def test_options_are_those_of_solve_ik(arm, poses, tmp_path):
    position = pd.DataFrame(poses[:4, :3, 3], columns=["x", "y", "z"])
    position.to_csv(tmp_path / "t.csv", index=False)
    options = {"task": "position", "method": "numeric", "seed": 5}
    solve_table(arm, tmp_path / "t.csv", tmp_path / "q.csv", **options)
    found = pd.read_csv(tmp_path / "q.csv")
    assert found["solved"].all()
    assert np.allclose(reached(arm, found)[:, :3, 3], position, atol=1e-3)
    with pytest.raises(ValueError, match="task must be one of"):
        solve_table(arm, tmp_path / "t.csv", tmp_path / "other.csv", task="reach")
    with pytest.raises(TypeError, match="unexpected keyword argument 'sed'"):
        solve_table(arm, tmp_path / "t.csv", tmp_path / "other.csv", task="position", sed=1)
    assert not (tmp_path / "other.csv.parts").exists()


def test_rows_keep_clear_of_obstacles(arm, poses, tmp_path):
    frame_of(poses, "quat").to_csv(tmp_path / "t.csv", index=False)
    wall = fkarm.collision.HalfSpace((0, 0, 1), -0.1)
    options = {"clearance": 0.01, "obstacles": [wall]}
    solve_table(arm, tmp_path / "t.csv", tmp_path / "q.csv", **options)
    frame = pd.read_csv(tmp_path / "q.csv")
    q = frame[list(arm.joint_names)].to_numpy()
    distance = np.asarray(fkarm.collision.world_distance(arm, q, wall))
    assert 0 < frame["solved"].sum() < len(frame)
    assert (distance[frame["solved"]] >= 0.01 - 1e-9).all()
    assert "COLLISION" in set(frame["reason"])
    smallest = np.minimum(distance, np.asarray(fkarm.collision.self_distance(arm, q)))
    np.testing.assert_allclose(frame["clearance_m"], smallest, atol=1e-9)


def test_the_clearance_is_in_the_unit_of_lengths(arm, poses, tmp_path):
    frame = frame_of(poses[:8], "quat", length=1e3)
    frame.loc[1, "x"] = np.nan
    frame.loc[2, "qw"] += 1.0
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = {"length_unit": "mm", "clearance": 0.0}
    solve_table(arm, tmp_path / "t.csv", tmp_path / "q.npy", **options)
    found = np.load(tmp_path / "q.npy")
    assert found.dtype.names[-1] == "clearance_mm"
    q = arm.configuration(found[list(arm.joint_names)])
    rows = [0, *range(3, 8)]
    expected = 1e3 * np.asarray(fkarm.collision.self_distance(arm, q[rows]))
    np.testing.assert_allclose(found["clearance_mm"][rows], expected, atol=1e-6)
    assert np.isnan(found["clearance_mm"][[1, 2]]).all()


def test_columns_that_do_not_say_what_the_poses_are(arm, poses, tmp_path):
    source, out = tmp_path / "t.csv", tmp_path / "q.csv"
    frame = frame_of(poses, "quat")

    def refused(frame, said, **arguments):
        frame.to_csv(source, index=False)
        with pytest.raises(fkarm.TableError, match=said):
            solve_table(arm, source, out, **arguments)

    refused(frame[["x", "y", "z"]], "must have the columns x y z with .*Received: x y z. task='pos")
    refused(frame[["x", "y"]], "must have the columns x y z with .*Received: x y.$")
    refused(frame.rename(columns={"qw": "w"}), "Received: 'qw'", representation="xyz_quat_wxyz")
    refused(frame[["x", "y", "z"]], "whole poses.*task='position'", representation="position")
    both = frame.assign(rx=0.0, ry=0.0, rz=0.0)
    refused(both, "one pose per row.*xyz_quat_wxyz and of xyz_rotvec. Choose one")
    np.save(tmp_path / "t.npy", np.zeros((3, 7)))
    with pytest.raises(fkarm.TableError, match=r"representation= must say .* shape \(7,\)"):
        solve_table(arm, tmp_path / "t.npy", out)
    with pytest.raises(fkarm.TableError, match="rows of 6 numbers for representation='xyz_rpy'"):
        solve_table(arm, tmp_path / "t.npy", out, representation="xyz_rpy")
    with pytest.raises(ValueError, match="representation must be one of"):
        solve_table(arm, tmp_path / "t.npy", out, representation="xyz_quat")


def test_lengths_in_another_unit_are_named(arm, poses, tmp_path):
    source = tmp_path / "t.parquet"
    frame_of(poses[:2], "quat", length=1e3).to_parquet(source)
    with pytest.warns(UserWarning, match="in millimetres. Try length_unit='mm'"):
        solve_table(arm, source, tmp_path / "a.csv", starts=1, max_steps=1)
    frame_of(poses[:2], "quat").to_parquet(source)
    with pytest.warns(UserWarning, match="in metres. Try length_unit='m'"):
        solve_table(arm, source, tmp_path / "b.csv", length_unit="mm", starts=1, max_steps=1)
    frame_of(poses[:2], "rpy", angle=180 / np.pi).to_parquet(source)
    with pytest.warns(UserWarning, match="in degrees. Try angle_unit='deg'"):
        solve_table(arm, source, tmp_path / "c.csv", starts=1, max_steps=1)


def nearest_branch(arm, poses, reference):
    """The solution nearest to a configuration per row, out of all branches and whole turns."""
    every = fkarm.ik.closed_form(arm).solve(poses)
    q = np.where(np.asarray(every.is_solution)[..., None], np.asarray(every.q), np.inf)
    shifts = np.array(np.meshgrid(*[[-2 * np.pi, 0, 2 * np.pi]] * 6)).reshape(6, -1).T
    copies = (q[:, :, None] + shifts).reshape(len(q), -1, 6)
    inside = ((copies >= arm.lower_limits) & (copies <= arm.upper_limits)).all(axis=-1)
    distance = np.where(inside, np.linalg.norm(copies - reference[:, None], axis=-1), np.inf)
    return copies[np.arange(len(q)), distance.argmin(axis=1)]


@pytest.fixture
def references(arm, poses, tmp_path):
    """Configurations, one per pose, and files that hold them in degrees."""
    q = fkarm.sample_configurations(arm, len(poses), seed=8)
    table = pd.DataFrame(arm.by_name(np.rad2deg(q)))[list(arm.joint_names)[::-1]]
    table.to_csv(tmp_path / "r.csv", index=False)
    table.to_parquet(tmp_path / "r.parquet")
    np.save(tmp_path / "r.npy", np.rad2deg(q))
    frame_of(poses, "quat").assign(elbow_joint=7).to_csv(tmp_path / "t.csv", index=False)
    return q


def solved_near(arm, folder, name, **options):
    """Joint values near those of a file, and the table that holds them."""
    units = {"angle_unit": "deg", "method": "closed_form", "chunk_rows": 8}
    solve_table(arm, folder / "t.csv", folder / "q.csv", q_ref=folder / name, **units, **options)
    table = pd.read_csv(folder / "q.csv")
    return np.deg2rad(table[list(arm.joint_names)].to_numpy()), table


@pytest.mark.parametrize("name", ["r.csv", "r.parquet", "r.npy"])
@pytest.mark.parametrize("rows", [7, 65_536])
def test_a_file_has_a_preferred_configuration_per_row(
    arm, poses, references, tmp_path, name, rows, monkeypatch
):
    monkeypatch.setattr("fkarm.tables.beside.READ_ROWS", rows)
    q, _ = solved_near(arm, tmp_path, name)
    np.testing.assert_allclose(q, nearest_branch(arm, poses, references), atol=1e-6)


def test_preferred_configurations_need_the_joints_that_move_the_link(arm, poses, tmp_path):
    hand = fkarm.Joint("grip", "prismatic", parent="tool0", child="finger", lower=0.0, upper=0.1)
    robot = fkarm.Robot([*arm.joints, hand], end_effector="tool0")
    q = fkarm.sample_configurations(arm, len(poses), seed=8)
    frame_of(poses, "quat").to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame(arm.by_name(np.rad2deg(q))).to_csv(tmp_path / "r.csv", index=False)
    found, table = solved_near(robot, tmp_path, "r.csv")
    np.testing.assert_allclose(found[:, :6], nearest_branch(arm, poses, q), atol=1e-6)
    assert (table["grip"] == 0).all()


def test_a_preferred_configuration_that_is_not_whole_has_no_answer(
    arm, references, tmp_path, monkeypatch
):
    table = pd.read_csv(tmp_path / "r.csv")
    table.loc[4, "elbow_joint"] = np.nan
    table.to_csv(tmp_path / "r.csv", index=False)
    q, found = solved_near(arm, tmp_path, "r.csv")
    assert np.flatnonzero(~found["solved"]).tolist() == [4]
    assert found["reason"][4] == "NAN"
    assert np.isnan(q[4]).all()


def test_files_of_preferred_configurations_that_do_not_fit(arm, references, tmp_path):
    def refused(said, name="r.csv", **options):
        with pytest.raises(fkarm.TableError, match=said):
            solved_near(arm, tmp_path, name, **options)

    table = pd.read_csv(tmp_path / "r.csv")
    for rows, said in ((table[:-1], "fewer rows"), (pd.concat([table, table[:9]]), "more rows")):
        rows.to_csv(tmp_path / "other.csv", index=False)
        refused(f"other.csv must have a row for each row of .*t.csv. Received: {said}", "other.csv")
    table.drop(columns="elbow_joint").to_csv(tmp_path / "other.csv", index=False)
    refused("other.csv must have the columns .*Received: 'elbow_joint'", "other.csv")
    np.save(tmp_path / "other.npy", np.zeros((30, 7)))
    refused(r"other.npy must hold rows of 6 numbers .* shape \(7,\)", "other.npy")
    (tmp_path / "q.csv").hardlink_to(tmp_path / "r.csv")
    refused("out must be another file than source", overwrite=True)


def test_a_run_does_not_resume_with_other_preferred_configurations(arm, references, tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solved_near(arm, tmp_path, "r.csv", progress=stop)
    with pytest.raises(fkarm.TableError, match="a run with another source"):
        solved_near(arm, tmp_path, "r.npy")
