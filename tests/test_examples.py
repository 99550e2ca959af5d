"""Every example runs for a few steps and prints what its text promises."""

import json
import re
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.in_test_all("example")

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name, *arguments):
    return runpy.run_path(str(EXAMPLES / name))["main"](list(arguments))


def test_the_forum_arm_is_saved_and_loaded(capsys):
    run("forum_arm.py", "--steps", "64")
    assert "same output: True" in capsys.readouterr().out


def test_a_collision_loss_keeps_answers_apart(capsys, tmp_path):
    run("train_clear.py", "--steps", "60", "--json", str(tmp_path / "clear.json"))
    printed = capsys.readouterr().out
    shares = [float(share) for share in re.findall(r"([\d.]+)% of 10,000 answers", printed)]
    report = json.loads((tmp_path / "clear.json").read_text())
    assert [row["loss"] for row in report["rows"]] == ["pose loss", "pose and collision loss"]
    np.testing.assert_allclose(
        [100 * row["colliding"] for row in report["rows"]], shares, atol=0.01
    )
    assert all(row["median_mm"] > 0 for row in report["rows"])


def test_a_simulated_arm_is_calibrated_to_the_noise(capsys):
    run("calibrate_simulated_arm.py", "--steps", "50")
    off = re.findall(
        r"(\w+) robot, 1000 other configurations: ([\d.]+) mm off", capsys.readouterr().out
    )
    (_, nominal), (_, fitted) = off
    assert float(fitted) < 0.2 < 1.0 < float(nominal)


def test_a_measured_arm_is_judged_at_other_places(capsys):
    run("calibrate_measured_panda.py")
    out = capsys.readouterr().out
    if "nothing to fit" in out:
        pytest.skip("the measurements are not there")
    assert float(out.split()[-1]) < 0.37


def test_a_calibration_without_its_data_says_so(tmp_path, capsys):
    run("calibrate_measured_panda.py", "--data", str(tmp_path / "none"))
    assert "--data names the folder" in capsys.readouterr().out


def test_inverse_kinematics_is_solved_and_drawn(tmp_path, capsys):
    run("solve_ik.py", "--steps", "50", "--out", str(tmp_path))
    out = capsys.readouterr().out
    assert "50 targets" in out
    assert "different configurations reach one pose" in out
    assert (tmp_path / "ik_solutions.png").stat().st_size > 10_000


def test_a_network_that_knows_the_lengths_is_better_on_new_arms(tmp_path, capsys):
    run("train_over_arms.py", "--steps", "400", "--out", str(tmp_path))
    rows = re.findall(r"median +([\d.]+) mm on arms it saw, +([\d.]+) mm", capsys.readouterr().out)
    (seen, new), (_, without) = ([float(number) for number in row] for row in rows)
    assert new < 1.2 * seen
    assert new < 0.9 * without
    assert (tmp_path / "train_over_arms.png").stat().st_size > 10_000


def test_an_arm_with_five_joints_meets_each_request(tmp_path, capsys):
    run("five_joints.py", "--out", str(tmp_path))
    rows = re.findall(r"([\d.]+) mm +([\d.]+) degrees +jaw ([\d.]+)", capsys.readouterr().out)
    whole, first, down = ([float(number) for number in row] for row in rows)
    assert whole[0] > 1.0 > 0.1 > first[0]
    assert first[1] > whole[1]
    assert down[:2] == [0.0, 0.0]
    assert {row[2] for row in (whole, first, down)} == {0.6}
    assert (tmp_path / "five_joints.png").stat().st_size > 10_000


def test_an_arm_behind_itself_keeps_clear(tmp_path, capsys):
    run("reach_behind.py", "--out", str(tmp_path))
    usual, clear = re.findall(r"the term: +(-?\d+)%", capsys.readouterr().out)
    assert int(usual) < 95 < 98 < int(clear)
    assert (tmp_path / "reach_behind.png").stat().st_size > 10_000


def test_every_solution_is_drawn(tmp_path, capsys):
    run("every_solution.py", "--steps", "100", "--out", str(tmp_path))
    out = capsys.readouterr().out
    assert "UR5e: 8 postures" in out
    (share,) = re.findall(r"for (\d+)% of the values", out)
    assert 20 < int(share) < 30
    assert (tmp_path / "every_solution.png").stat().st_size > 10_000


def test_a_humanoid_walks_within_its_limits(tmp_path, capsys):
    run("retarget_walk.py", "--steps", "40", "--out", str(tmp_path))
    out = capsys.readouterr().out
    if "nothing to move" in out:
        pytest.skip("needs example-robot-data")
    rows = re.findall(
        r"(\d+)% within the limits, fastest ([\d.]+) rad/s, mean distance (\d+) mm", out
    )
    (_, own, near), (_, slow, _) = rows
    assert [row[0] for row in rows] == ["100", "100"]
    assert float(slow) <= 5.0 < float(own)
    assert int(near) < 25
    assert (tmp_path / "retarget_walk.png").stat().st_size > 10_000


def test_a_robot_is_shared_as_a_page(tmp_path, capsys):
    pytest.importorskip("trimesh", reason="needs fkarm[view]")
    run("share_a_robot.py", "--steps", "5", "--out", str(tmp_path))
    out = capsys.readouterr().out
    assert "8 postures" in out
    assert "100% of the path solved" in out
    assert 50_000 < (tmp_path / "ur5e.html").stat().st_size < 500_000


def test_a_typing_error_in_a_table_is_found(capsys):
    run("compare_descriptions.py", "--steps", "20")
    out = capsys.readouterr().out
    assert "the same arm" in out
    assert "in the table: different arms" in out


@pytest.mark.parametrize("own_robot", [False, True], ids=["panda", "urdf"])
def test_the_regressor_is_trained_saved_and_drawn(own_robot, tmp_path, capsys):
    arguments = ["--steps", "20", "--out", str(tmp_path)]
    name = "panda"
    if own_robot:
        urdf = EXAMPLES.parent / "fkarm" / "robots" / "ur3.urdf"
        arguments += ["--urdf", str(urdf), "--link", "wrist_2_link"]
        name = "ur3_wrist_2_link"
    run("train_ik_regressor.py", *arguments)
    assert "largest difference 0.0" in capsys.readouterr().out
    report = json.loads((tmp_path / f"ik_{name}.json").read_text())
    assert set(report["models"]) == {"joint MSE", "pose loss through FK"}
    assert (tmp_path / f"ik_{name}.png").stat().st_size > 10_000
    assert (tmp_path / f"ik_{name}.keras").exists()


@pytest.mark.parametrize("arguments", [("--steps", "0"), ("--minutes", "-1")], ids=str)
def test_training_refuses_numbers_that_are_not_positive(arguments, capsys):
    with pytest.raises(SystemExit):
        run("train_ik_regressor.py", *arguments)
    assert "must be positive" in capsys.readouterr().err


def test_training_refuses_a_link_that_does_not_move(capsys):
    with pytest.raises(SystemExit):
        run("train_ik_regressor.py", "--link", "panda_link0")
    assert "no joint moves the link 'panda_link0'" in capsys.readouterr().err


def test_three_ways_to_add_per_channel_agree(capsys):
    run("add_per_channel.py", "--steps", "40")
    out = capsys.readouterr().out
    assert "Incompatible shapes: [1,2,2,3] vs. [2]" in out
    assert "channels 0 and 1 become [[1.0, 2.0], [1.0, 2.0]]" in out
    assert "scale [3. 3.], offset [1. 2.]" in out
    rows = re.findall(r"^(\w+) +(\d+) \+ (\d+) .* ms +(\S+)$", out, re.MULTILINE)
    ops = {name: int(forward) + int(backward) for name, forward, backward, _ in rows}
    assert ops["slice_and_assign"] > ops["reshape"] == ops["add_per_channel"]
    assert all(float(error) < 1e-11 for *_, error in rows)


def test_descent_needs_the_gradient_not_the_quotient(capsys):
    run("backward_of_a_vector.py", "--steps", "30")
    out = capsys.readouterr().out
    for numbers in ("[-1.  -0.5  0.   0.5  1. ]", "[1. 1. 1. 1. 1.]", "[-2. -1.  0.  1.  2.]"):
        assert numbers in out
    assert out.count("[ 2.  4.  6.  8. 10.]") == 3
    gradient, quotient = (float(line.split()[-1]) for line in out.splitlines()[-2:])
    assert gradient < 0.5 * quotient


def test_a_step_of_1e_12_spoils_the_gradient_of_an_entropy(tmp_path, capsys):
    run("entropy_gradient.py", "--steps", "57", "--out", str(tmp_path))
    out = capsys.readouterr().out
    for number in ("1.4591479170272446", "0.84183987878", "-0.88539008178", "-1.44269504089"):
        assert number in out
    assert "respect to the values: None" in out
    assert "step of 1e-12: 0.84177; exact: 0.84184" in out
    best = dict(re.findall(r"(\w+) differences: best step (\S+),", out))
    assert 1e-9 < float(best["forward"]) < 1e-7
    assert 1e-7 < float(best["central"]) < 1e-4
    assert (tmp_path / "entropy_gradient.png").stat().st_size > 10_000


@pytest.mark.skipif(
    tuple(map(int, keras.__version__.split(".")[:2])) < (3, 14),
    reason="Keras before 3.14 does not divide penalties of outputs by the batch size",
)
def test_an_entropy_spreads_configurations(tmp_path, capsys):
    run("spread_configurations.py", "--steps", "300", "--out", str(tmp_path))
    plain, spread = re.findall(r"([\d.]+) of 6 bits, largest error (\S+)", capsys.readouterr().out)
    assert float(plain[0]) < 0.5
    assert float(spread[0]) > 3.0
    assert float(spread[1]) < 50.0
    assert (tmp_path / "spread_configurations.png").stat().st_size > 10_000


def test_multiplying_by_zero_saves_no_work(capsys):
    run("multiply_by_zero.py", "--steps", "2", "--size", "1e4")
    out = capsys.readouterr().out
    assert "[2. 2. 0. 0. 0.]" in out
    assert out.count("1.00x") >= 6
    assert re.search(r"sum\(f\(x\) \* mask\) +\[ 1. nan\]", out)
    assert re.search(r"where.* \[1. 0.\]", out)
    ops = dict(re.findall(r"^(\S.*?) {2,}(\d+ \+ \d+) ", out, re.MULTILINE))
    backward = {name: int(counts.split()[-1]) for name, counts in ops.items()}
    assert backward["s1"] == backward["s1 + 0 * detach(s2)"] < backward["s1 + 0 * s2"]
    assert backward["rows * 0"] < backward["where(mask, x, detach(x))"]
    of_poses = re.findall(r"orientation_weight=\S+: (\d+) \+ (\d+)", out)
    assert sum(map(int, of_poses[1])) < 0.2 * sum(map(int, of_poses[0]))


def test_an_interrupted_training_resumes(tmp_path, capsys):
    arguments = ["--steps", "2", "--output", str(tmp_path)]
    run("train_on_several_hosts.py", "--epochs", "1", *arguments)
    run("train_on_several_hosts.py", "--epochs", "2", *arguments)
    printed = capsys.readouterr().out
    assert "1 of 2 epochs are already done" in printed
    assert [row["epoch"] for row in map(json.loads, re.findall(r"{.*}", printed))] == [1, 2]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of keras_tuner's own
def test_a_tuner_sorts_its_trials_by_error(tmp_path, capsys):
    pytest.importorskip("keras_tuner")
    run("tune_ik_regressor.py", "--trials", "2", "--steps", "3", "--output", str(tmp_path))
    errors = [float(line.split()[0]) for line in capsys.readouterr().out.splitlines()[-2:]]
    assert errors == sorted(errors)
    assert 1 < errors[0] < 3000
