"""`python -m fkarm calibrate`: files in, a URDF and a report out."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from calibration.cases import TOOL, errors_of, poses_by_pinocchio, small_arm
from scipy.spatial.transform import Rotation

import fkarm
from fkarm import calibration
from fkarm.__main__ import main
from fkarm.calibration.tables import read_tables

ARM = small_arm()
WANTED = calibration.parameters(ARM, offsets=["lift"])
VALUES = errors_of(WANTED)


@pytest.fixture
def robot_file(tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_text(ARM.to_urdf())
    return str(path)


def write(path, *columns, header=None):
    rows = np.concatenate(columns, axis=1)
    lines = [",".join(map(repr, map(float, row))) for row in rows]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return str(path)


def test_positions_in_a_file_give_a_calibrated_urdf(robot_file, tmp_path, capsys):
    q = fkarm.sample_configurations(ARM, 30, seed=1)
    p = poses_by_pinocchio(ARM, WANTED, VALUES, q)[:, :3, 3]
    shown = np.where(np.array(ARM.entries) == "angle", np.degrees(q), q)
    data = write(tmp_path / "points.csv", shown, p, header="turn,lift,slide,roll,x,y,z")
    out, report = tmp_path / "out.urdf", tmp_path / "report.json"
    files = ["--out", str(out), "--json", str(report), "--picture", str(tmp_path / "r.png")]
    options = ["--degrees", "--fit", "offsets", "--loss", "l2", *files]
    assert main(["calibrate", robot_file, data, *options]) == 0
    printed = capsys.readouterr().out
    assert "fitting to 30 rows of 1 files" in printed
    assert "lift offset" in printed
    robot = fkarm.Robot.from_urdf(out)
    np.testing.assert_allclose(fkarm.forward_kinematics(robot, q)[:, :3, 3], p, atol=1e-6)
    found = json.loads(report.read_text())
    expected = np.degrees(VALUES[0])
    assert found["parameters"]["lift offset"]["value"] == pytest.approx(expected, abs=1e-5)
    assert (tmp_path / "r.png").stat().st_size > 1000


def test_poses_in_a_file_are_read_with_their_quaternions(tmp_path):
    q = fkarm.sample_configurations(ARM, 5, seed=1)
    T = poses_by_pinocchio(ARM, WANTED, VALUES, q) @ TOOL
    quat = Rotation.from_matrix(T[:, :3, :3]).as_quat(scalar_first=True)
    path = write(tmp_path / "poses.csv", q, T[:, :3, 3], quat)
    (pose,) = read_tables(ARM, [tmp_path / "poses.csv"], sensor="camera")
    assert (pose.name, pose.sensor) == (path, "camera")
    np.testing.assert_allclose(pose.T, T, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3\n", r"4 \(configurations of one point\), 7 \(x,y,z\).*Received: 3 columns"),
        ("0,0,0,0\n0,0,0\n", "equally many numbers"),
        ("0,0,0,0\n0,a,0,0\n", "'0,a,0,0'"),
        ("", "equally many numbers"),
        ("0,0,0,nan\n0,0,0,0\n", "finite"),
        ("0,,0,0\n0,0,0,0\n", "'0,,0,0'"),
        ("0,0,0,0,\n0,0,0,0\n", "'0,0,0,0,'"),
        ("lift,turn,slide,roll\n0,0,0,0\n", "'lift' as column 1, which must be column 2"),
        ("a,b,c,d,x,y,z,qx,qy,qz,qw\n" + "0,0,0,0,0,0,0,0,0,0,1\n", "'qx' as column 8"),
        ("0,0,0,0,0,0,0,0,0,0,0\n", r"must not be zero.*rows \[0\]"),
        ("90,30,0,45\n80,30,0,45\n", "look like degrees"),
    ],
)
def test_wrong_files_are_refused(robot_file, tmp_path, capsys, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert main(["calibrate", robot_file, str(path)]) == 1
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(capsys.readouterr().err)


def test_missing_files_and_distances_without_a_number_are_refused(robot_file, tmp_path, capsys):
    missing = str(tmp_path / "missing.csv")
    assert main(["calibrate", robot_file, missing]) == 1
    assert "must be a CSV file" in capsys.readouterr().err
    path = write(tmp_path / "a.csv", np.zeros((2, 4)))
    assert main(["calibrate", robot_file, path, "--distance", path, path, "far"]) == 1
    assert "must end with a number" in capsys.readouterr().err
    for length in ("-1", "nan"):
        assert main(["calibrate", robot_file, path, "--distance", path, path, length]) == 1
        assert "must be finite and > 0" in capsys.readouterr().err
    assert main(["calibrate", robot_file, path, "--backwards", "lifd"]) == 1
    assert "Did you mean 'lift'?" in capsys.readouterr().err


def test_a_byte_order_mark_hides_no_row(tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(b"\xef\xbb\xbf0.5,0,0,0\r\n0,0,0,0\r\n")
    (point,) = read_tables(ARM, [path])
    np.testing.assert_array_equal(point.q, [[0.5, 0, 0, 0], [0, 0, 0, 0]])


def test_motors_that_count_backwards_and_bounds_are_options(robot_file, tmp_path, capsys):
    q = fkarm.sample_configurations(ARM, 30, seed=1)
    real = calibration.parameters(ARM, offsets=["lift"], senses={"lift": -1})
    p = poses_by_pinocchio(ARM, real, VALUES, q)[:, :3, 3]
    data = write(tmp_path / "points.csv", q, p)
    assert main(["calibrate", robot_file, data, "--fit", "offsets"]) == 1
    assert "way: try --backwards lift --fit offsets." in capsys.readouterr().err
    report = tmp_path / "report.json"
    options = ["--backwards", "lift", "--within-deg", "0.01", "--json", str(report)]
    assert main(["calibrate", robot_file, data, "--fit", "offsets", "--loss", "l2", *options]) == 0
    found = json.loads(report.read_text())
    assert "lift offset" in found["at_bounds"]
    assert abs(found["parameters"]["lift offset"]["value"]) == pytest.approx(0.01)
    options += ["--within-mm", "0.1"]  # the origins of all joints, as without options
    assert main(["calibrate", robot_file, data, *options]) == 0
    sizes = {"mm": 0.1, "deg": 0.01}
    found = json.loads(report.read_text())["parameters"]
    assert len(found) > 5
    for each in found.values():
        assert abs(each["value"]) <= sizes[each["unit"]] * (1 + 1e-9)
    turned = ["--backwards", "lift", "turn", "--fit", "offsets"]
    assert main(["calibrate", robot_file, data, *turned]) == 1
    assert "'turn' seems to count the other way: try --backwards lift" in capsys.readouterr().err


def test_files_that_cannot_be_written_are_refused(robot_file, tmp_path, capsys, monkeypatch):
    q = fkarm.sample_configurations(ARM, 30, seed=1)
    p = poses_by_pinocchio(ARM, WANTED, VALUES, q)[:, :3, 3]
    data = write(tmp_path / "points.csv", q, p)
    picture = ["--picture", str(tmp_path / "r.png")]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["calibrate", robot_file, data, "--fit", "offsets", *picture]) == 1
    assert "needs matplotlib" in capsys.readouterr().err

    def full(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", full)
    out = ["--json", str(tmp_path / "r.json")]
    assert main(["calibrate", robot_file, data, "--fit", "offsets", *out]) == 1
    assert "disk full" in capsys.readouterr().err
