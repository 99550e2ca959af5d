"""`python -m fkarm forward` and `solve`: their options, what they print, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

import fkarm
from fkarm.__main__ import main
from fkarm.commands.tables import REPRESENTATIONS


class Bar:
    """A progress bar that notes what it is told."""

    def __init__(self, rows, notes):
        self.rows, self.notes = rows, notes

    def update(self, done):
        self.notes.append((self.rows, done))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with joint values, in degrees."""
    arm = fkarm.robots.ur5e()
    q = fkarm.sample_configurations(arm, 5, seed=3)
    pd.DataFrame(arm.by_name(q, angle_unit="deg")).to_csv(tmp_path / "q.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_and_back(folder, capsys, monkeypatch):
    bars = []
    monkeypatch.setattr("keras.utils.Progbar", lambda rows, **_: Bar(rows, bars))
    units = ["--angle-unit", "deg", "--length-unit", "mm"]
    assert main(["forward", "ur5e", "q.csv", "--representation", "xyz_rpy", *units]) == 0
    printed = capsys.readouterr().out
    assert bars == [(6, 5)]  # lines of the file, rows
    assert "q.poses.csv: 5 rows, 5 solved (100.00%)" in printed
    poses = ["solve", "ur5e", "q.poses.csv", "--link", "tool0", *units]
    more = ["--out", "s.parquet", "--keep", "x", "y", "--method", "closed_form"]
    assert main([*poses, *more]) == 0
    printed = capsys.readouterr().out
    assert "s.parquet: 5 rows, 5 solved (100.00%)\n5 SOLVED\n" in printed
    assert "\nlargest position_error_mm of solved rows: " in printed
    assert "rows per second" in printed
    found = pd.read_parquet("s.parquet")
    expected = pd.read_csv("q.poses.csv")
    np.testing.assert_allclose(found["x"], expected["x"], rtol=1e-15)  # pandas reads to rounding
    assert main(["forward", "ur5e", "s.parquet", "--representation", "xyz_rpy", *units]) == 0
    again = pd.read_parquet("s.poses.parquet")
    assert np.allclose(again, expected, atol=1e-6)


def test_what_is_refused(folder, capsys):
    for options, said in (
        (["forward", "ur5e", "none.csv"], "No such file"),
        (["forward", "ur5e", "q.csv", "--out", "none/p.csv"], "No such file"),
        (["forward", "ur5e", "q.csv", "--link", "tool1"], "'tool0'"),
        (["forward", "panda", "q.csv"], "Received: 'panda_joint1'"),
        (["solve", "ur5e", "q.csv"], "q.csv must have the columns x y z"),
        (["forward", "ur5e", "q.csv", "--chunk-rows", "7"], "multiple of 8000"),
    ):
        assert main(options) == 1
        assert said in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["q.csv"]


def test_hints_and_interruptions_are_told(folder, capsys, monkeypatch):
    assert main(["forward", "ur5e", "q.csv"]) == 0  # degrees, read as rad
    said = capsys.readouterr().err
    assert said.startswith("q.csv: Angles up to")
    assert "are they in degrees?" in said

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fkarm.tables.forward_table", interrupted)
    assert main(["forward", "ur5e", "q.csv", "--overwrite"]) == 130
    said = "Interrupted. Finished chunks are in q.poses.csv.parts; the same command resumes"
    assert said in capsys.readouterr().err


def test_messages_name_options(folder, capsys):
    assert main(["forward", "ur5e", "q.csv"]) == 0
    assert "Try --angle-unit deg." in capsys.readouterr().err
    for options, said in (
        (["forward", "ur5e", "q.csv"], "--out must not exist"),
        (["forward", "ur5e", "q.csv"], "Choose another name, or --overwrite."),
        (["solve", "ur5e", "p.csv", "--representation", "position"], "--representation position."),
        (["solve", "ur5e", "p.csv"], "--task position leaves the orientation free."),
        (["forward", "ur5e", "q.csv", "--out", "n.csv", "--chunk-rows", "7"], "--chunk-rows must"),
        (["solve", "panda", "q.poses.csv", "--task", "position", "--method", "closed_form"],
         "--method closed_form needs --task pose. Received: a task of fewer components. Use "
         "--method auto"),
        (["solve", "ur5e", "q.poses.csv", "--q-ref", "elbow=1"], "NAME must be one of: 'elbow_joi"),
        (["solve", "ur5e", "q.poses.csv", "--q-ref", "elbow_joint=a"], "number. Received: 'a'"),
        (["solve", "ur5e", "q.poses.csv", "--q-ref", "elbow_joint=nan"], "--q-ref must be finite"),
    ):  # fmt: skip
        pd.DataFrame({"x": [0.1], "y": [0.2], "z": [0.3]}).to_csv("p.csv", index=False)
        main(options)
        assert said in capsys.readouterr().err, options


def test_answers_are_near_the_values_of_an_option(folder):
    assert main(["forward", "ur5e", "q.csv", "--angle-unit", "deg"]) == 0
    command = ["solve", "ur5e", "q.poses.csv", "--angle-unit", "deg", "--out", "s.csv"]
    assert main([*command, "--q-ref", "elbow_joint=90", "wrist_3_joint=-200"]) == 0
    arm, near = fkarm.robots.ur5e(), np.deg2rad([0, 0, 90, 0, 0, -200])
    poses = fkarm.forward_kinematics(arm, arm.configuration(pd.read_csv("q.csv"), angle_unit="deg"))
    joints = list(arm.joint_names)
    expected = fkarm.solve_ik(arm, np.asarray(poses), q_ref=near).q
    np.testing.assert_allclose(np.deg2rad(pd.read_csv("s.csv")[joints]), expected, atol=1e-5)
    assert main([*command, "--overwrite", "--q-ref", "q.csv"]) == 0
    np.testing.assert_allclose(
        pd.read_csv("s.csv")[joints], pd.read_csv("q.csv")[joints], atol=1e-6
    )


def test_answers_keep_clear_of_obstacles_in_a_file(folder, capsys):
    assert main(["forward", "ur5e", "q.csv", "--angle-unit", "deg", "--length-unit", "mm"]) == 0
    (folder / "cell.json").write_text('[{"shape": "half_space", "offset": -0.1}]')
    command = ["solve", "ur5e", "q.poses.csv", "--length-unit", "mm", "--clearance", "20"]
    assert main([*command, "--obstacles", "cell.json", "--out", "s.csv"]) == 0
    capsys.readouterr()
    arm, found = fkarm.robots.ur5e(), pd.read_csv("s.csv")
    q = arm.configuration(found[list(arm.joint_names)])
    below = fkarm.collision.HalfSpace((0, 0, 1), -0.1)
    distances = [
        np.asarray(fkarm.collision.self_distance(arm, q)),
        np.asarray(fkarm.collision.world_distance(arm, q, below)),
    ]
    np.testing.assert_allclose(found["clearance_mm"], 1e3 * np.min(distances, axis=0), atol=1e-6)
    assert found["solved"].any()
    assert (found["clearance_mm"][found["solved"]] >= 20).all()


MESHES = """
<robot name="mesh"><link name="base"/><link name="tool"><collision><geometry>
<mesh filename="box.stl"/></geometry></collision></link>
<joint name="turn" type="revolute"><parent link="base"/><child link="tool"/><axis xyz="0 0 1"/>
<limit lower="-1" upper="1" effort="1" velocity="1"/></joint></robot>
"""


def test_what_a_clearance_needs_is_said(folder, capsys):
    (folder / "mesh.urdf").write_text(MESHES)
    (folder / "bare.urdf").write_text(fkarm.robots.planar([0.5]).to_urdf())
    solve = ["solve", "ur5e", "q.csv"]
    for options, said in (
        ([*solve, "--obstacles", "cell.json"], "--obstacles must come with --clearance"),
        ([*solve, "--clearance", "0.01", "--obstacles", "no.json"], "obstacles file must exist"),
        ([*solve, "--clearance", "0.01", "--mesh-spheres", "8"], "'ur5e', a packaged robot"),
        (["solve", "mesh.urdf", "q.csv", "--clearance", "0"], "'mesh.urdf', whose <collision>"),
        (["solve", "mesh.urdf", "q.csv", "--clearance", "0"], "Try --mesh-spheres 8"),
        (["solve", "bare.urdf", "q.csv", "--clearance", "0", "--mesh-spheres", "8"],
         "'bare.urdf', which has no <collision> elements"),
    ):  # fmt: skip
        assert main(options) == 1
        assert said in capsys.readouterr().err, options
    with pytest.raises(SystemExit):
        main([*solve, "--clearance", "-1"])
    assert "must be a finite number >= 0" in capsys.readouterr().err


def test_the_options_name_every_representation():
    assert set(REPRESENTATIONS) == set(fkarm.tables.POSE_COLUMNS)
