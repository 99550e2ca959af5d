"""The benchmark of forward kinematics times right answers only."""

import json
import re
import shutil
from functools import partial

import numpy as np
import pytest

import fkarm
from benchmarks import fk, fk_cases, harness, limit
from benchmarks.robots import load_robot, pose_task

pytest.importorskip("pinocchio")

pytestmark = pytest.mark.in_test_all("benchmark")

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


def run(tmp_path, *arguments):
    path = tmp_path / "rows.json"
    fk.main(["--seconds", "0", "--device", "cpu", "--json", str(path), *arguments])
    return json.loads(path.read_text())


@pytest.fixture
def three_links(monkeypatch):
    """An arm that compiles quickly, under the name of a larger one."""
    monkeypatch.setattr(fkarm.robots, "ur5", lambda: fkarm.robots.planar([0.5, 0.4, 0.3]))


@pytest.mark.usefixtures("three_links")
def test_every_case_is_right_and_reported(tmp_path, capsys):
    report = run(tmp_path, "--batch", "3", "--robots", "ur5")
    rows = {(row["case"], row["mode"]): row for row in report["rows"]}
    assert set(rows) == {(name, mode) for name in fk.CASES["tensorflow"] for mode in fk.MODES}
    for (name, mode), row in rows.items():
        if name == "limit (C)" and "unavailable" in row:
            continue
        assert row["repeats"] >= fk.FEWEST
        assert row["p10_s"] <= row["median_s"] <= row["p90_s"]
        assert row["configurations_per_s"] == pytest.approx(3 / row["median_s"])
        assert len(row["errors"]) == 1 + (mode == "forward+gradient")
        assert 0.0 <= max(row["errors"].values()) < 1e-5
    assert report["command"].startswith("python -m benchmarks.fk --seconds 0")
    assert "ns/conf." in capsys.readouterr().out


def small_tree():
    """A turn, a slide and a follower, one of them oblique, on two branches."""
    joints = (
        fkarm.Joint("a", "revolute", "z", (0, 0, 0.3), (0.1, 0, 0), parent="root", child="a_link",
                    lower=-2, upper=2),
        fkarm.Joint("b", "prismatic", (1, 2, 2), (0.1, 0, 0.2), parent="a_link", child="b_link",
                    lower=0, upper=0.5),
        fkarm.Joint("c", "revolute", "-y", (0, 0.2, 0), parent="a_link", child="c_link",
                    lower=-9, upper=9, mimic=fkarm.Mimic("a", -0.5, 0.2)),
    )  # fmt: skip
    return fkarm.Robot(joints)


LINKS = ("root", "a_link", "b_link", "c_link")


def errors_of(make, task):
    worker = harness.Worker(make)
    worker.prepare(task)
    return fk.checked("it", task, worker.answer()[0], fk.expected(task), np.inf)


@pytest.mark.parametrize("name", ["map_fn_per_joint", "tf_vectorized_map"])
def test_cases_know_trees_slides_and_mimics(name):
    task = pose_task(small_tree(), LINKS, "forward+gradient", batch=5)._replace(how="eager")
    assert max(errors_of(partial(fk_cases.trial, fk_cases.TensorFlow, name), task).values()) < 1e-6


@needs_gcc
@pytest.mark.parametrize("batch", [1, 16, 53])
def test_the_c_kernel_is_right_for_trees_slides_mimics_and_any_batch(batch):
    for mode in fk.MODES:
        errors = errors_of(limit.fk, pose_task(small_tree(), LINKS, mode, batch))
        assert max(errors.values()) < 1e-6, errors
        assert ("gradient" in errors) == (mode != "forward")


def test_without_gcc_or_for_other_joints_the_limit_is_unavailable(monkeypatch):
    floating = fkarm.Robot((fkarm.Joint("free", "floating", parent="root", child="body"),))
    with pytest.raises(harness.Unavailable, match="no joints that turn freely"):
        limit.fk(pose_task(floating, "body"))
    with pytest.raises(harness.Unavailable, match="for the CPU"):
        limit.fk(pose_task(floating, "body", device="gpu"))
    monkeypatch.setattr(limit.shutil, "which", lambda name: None)
    with pytest.raises(harness.Unavailable, match="no gcc"):
        limit.fk(pose_task(fkarm.robots.ur5(), "tool0"))


def test_the_right_gradient_is_that_of_differences():
    task = pose_task(small_tree(), LINKS, "forward+gradient", batch=5)
    poses, gradient = fk.expected(task)
    exact = fk.Exact(small_tree(), LINKS)
    np.testing.assert_allclose(exact.poses(task.q), poses)
    for column, unit in enumerate(np.eye(2)):
        ahead, behind = (exact.poses(task.q + sign * 1e-6 * unit) for sign in (1, -1))
        difference = (ahead - behind).sum(axis=(1, 2, 3)) / 2e-6
        np.testing.assert_allclose(gradient[:, column], difference, atol=1e-7)


@pytest.mark.parametrize("part", ["poses", "gradient"])
def test_a_wrong_answer_is_not_timed(part, monkeypatch):
    task = pose_task(small_tree(), LINKS, "forward+gradient", batch=3)
    answer = list(fk.expected(task))
    answer[part == "gradient"] = answer[part == "gradient"] + 1e-2
    worker = harness.Worker(lambda _: harness.Trial(lambda: answer, tuple))
    monkeypatch.setattr(worker, "times", lambda *_: pytest.fail("it was timed"))
    with pytest.raises(AssertionError, match=f"wrong: {part} must be right before"):
        list(fk.measure({"wrong": (fk.Case(""), worker)}, task, 0.0))


def test_a_nan_or_another_shape_is_wrong():
    task = pose_task(fkarm.robots.planar([1.0, 0.5]), "tool", batch=5)
    for poses in (np.full((5, 4, 4), np.nan), np.zeros((5, 3, 4))):
        assert fk.checked("it", task, (poses,), fk.expected(task), np.inf) == {"poses": np.inf}


def test_every_link_of_a_humanoid(tmp_path):
    try:
        load_robot("g1")
    except SystemExit as error:
        pytest.skip(str(error))
    report = run(
        tmp_path, "--batch", "2", "--robots", "g1", "--cases", "layer", "--modes", "forward",
        "--peers", "Pinocchio",
    )  # fmt: skip
    layer, peer = report["rows"]
    assert layer["links"] == peer["links"] == 53
    assert layer["errors"]["poses"] < 1e-5
    assert peer["errors"]["poses"] < 1e-14


def test_a_peer_is_a_row_in_the_same_run_and_so_is_a_missing_one(tmp_path, monkeypatch):
    monkeypatch.setitem(fk.PEERS, "nobody", fk.Case("benchmarks.peers.nobody:fk"))
    report = run(
        tmp_path, "--batch", "3", "--cases", "layer", "--modes", "forward+gradient",
        "--peers", "nobody,Pinocchio",
    )  # fmt: skip
    rows = {row["case"]: row for row in report["rows"]}
    assert rows["nobody"]["unavailable"].startswith("ModuleNotFoundError: No module named")
    assert rows["layer"]["repeats"] >= fk.FEWEST
    assert max(rows["Pinocchio"]["errors"].values()) < 1e-14


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "magic"], "map_fn per joint.*Received: 'magic'"),
        (["--cases", "ops.map"], "Received: 'ops.map'"),
        (["--robots", "r2d2"], "panda.*Received: 'r2d2'"),
        (["--modes", "backward"], "forward.gradient. Received: 'backward'"),
        (["--peers", "rival"], "PyRoki.*Received: 'rival'"),
        (["--batch", "1,many"], "numbers from 1.*Received: 1,many"),
        (["--backend", "numpy"], "'tensorflow', 'jax', 'torch'|tensorflow, jax, torch"),
        (["--device", "tpu"], "'auto', 'cpu', 'gpu'|auto, cpu, gpu"),
        (["--device", "gpu"], "no GPU here"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value[0] + value[1],
)
def test_what_does_not_exist_is_refused_by_name(arguments, message, capsys):
    if arguments[-1] == "gpu" and fk_cases.TensorFlow.gpu_name():
        pytest.skip("there is a GPU")
    with pytest.raises(SystemExit):
        fk.main(arguments)
    error = " ".join(capsys.readouterr().err.split())
    assert re.search(message, error), error


def test_a_missing_backend_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(fk, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        fk.main(["--backend", "jax"])
    assert "pip install jax" in capsys.readouterr().err


def test_the_backend_of_keras_is_the_default(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(fk, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        fk.main([])
    assert "--backend torch needs: pip install torch" in capsys.readouterr().err
