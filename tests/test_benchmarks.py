"""The benchmark times right answers only, and says no to what it cannot do."""

import json
import re
import shutil
import sys

import numpy as np
import pytest

import fkarm
from benchmarks import __main__ as command
from benchmarks import catalogue, contestants, judge, measure, memory, plot, readme
from benchmarks.backends.trial import prepare
from benchmarks.limit import trial as limit
from benchmarks.robots import load_robot, make_task

pytestmark = pytest.mark.in_test_all("benchmark")

TF_CASES = catalogue.CASES["tensorflow"]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


def run(tmp_path, *arguments):
    path = tmp_path / "rows.json"
    command.main(["--seconds", "0", "--device", "cpu", "--json", str(path), *arguments])
    return json.loads(path.read_text())


@pytest.fixture
def three_links(monkeypatch):
    """An arm that compiles quickly, under the name of a larger one."""
    monkeypatch.setattr(fkarm.robots, "ur5", lambda: fkarm.robots.planar([0.5, 0.4, 0.3]))


@pytest.mark.usefixtures("three_links")
def test_every_case_is_right_and_reported(tmp_path, capsys):
    modes = "forward,forward+gradient"
    report = run(tmp_path, "--batch", "3", "--robots", "ur5", "--modes", modes)
    rows = {(row["case"], row["mode"]): row for row in report["rows"]}
    assert set(rows) == {
        (name, mode) for name, case in TF_CASES.items() for mode in case.modes if mode in modes
    }
    for (name, _), row in rows.items():
        if name == "limit (C)" and "unavailable" in row:
            continue
        assert row["repeats"] >= measure.FEWEST
        assert row["p10_s"] <= row["median_s"] <= row["p90_s"]
        if TF_CASES[name].checked:
            assert 0.0 <= max(row["errors"].values()) < 1e-5
            assert row["judge"] == judge.JUDGE
    assert report["versions"]["tensorflow"]
    assert {"commit", "command", "date", "processor", "cores", "device"} <= set(report)
    assert "ns/conf." in capsys.readouterr().out


@pytest.mark.usefixtures("three_links")
def test_jacobians_are_right_closed_and_differentiated(tmp_path):
    cases = ("map_fn per configuration", "stack + matmul", "layer (eager)")
    report = run(
        tmp_path, "--batch", "2", "--robots", "ur5", "--modes", "jacobian",
        "--cases", ",".join(cases),
    )  # fmt: skip
    assert tuple(row["case"] for row in report["rows"]) == cases
    assert all(row["errors"]["jacobian"] < 1e-6 for row in report["rows"])


def test_every_link_of_a_humanoid_in_float64(tmp_path):
    try:
        load_robot("g1")
    except SystemExit as error:
        pytest.skip(str(error))
    report = run(
        tmp_path, "--batch", "2", "--robots", "g1", "--dtype", "float64",
        "--cases", "layer,limit (C)", "--modes", "forward,jacobian",
    )  # fmt: skip
    layer, limit_row = report["rows"]
    assert layer["errors"]["poses"] < 1e-14
    assert "float32" in limit_row["unavailable"]


@pytest.mark.parametrize("name", ["map_fn_per_joint", "vectorized_map"])
def test_cases_know_trees_slides_and_mimics(name):
    task = make_task(small_tree(), ("root", "b_link", "c_link"), "forward+gradient", batch=5)
    case = catalogue.Case(f"benchmarks.forum:{name}", how="eager")
    assert max(errors_of(prepare("tensorflow", case, task), task).values()) < 1e-6


def errors_of(trial, task):
    answer = trial.read(trial.run(), contestants.checked_rows(len(task.q)))
    return judge.errors(task, judge.truth(task), answer)


def shifted(robot, links, dtype):
    right = contestants.load(TF_CASES["layer"].build)(robot, links, dtype)
    return lambda q: right(q) + 1e-2


def steeper(robot, links, dtype):
    right = contestants.load(TF_CASES["layer"].build)(robot, links, dtype)
    return lambda q: right(q) + 1e-2 * (q - q.numpy())[:, :1, None]


@pytest.mark.parametrize(
    ("function", "mode", "part"),
    [(shifted, "forward", "poses"), (steeper, "forward+gradient", "gradient")],
    ids=["poses", "gradient"],
)
def test_a_wrong_answer_is_not_timed(function, mode, part, monkeypatch):
    monkeypatch.setattr(sys.modules["benchmarks.cases"], "wrong", function, raising=False)
    case = catalogue.Case("benchmarks.cases:wrong", how="eager")
    stand = contestants.Stand(lambda task: prepare("tensorflow", case, task))
    monkeypatch.setattr(stand, "turn", lambda *_: pytest.fail("it was timed"))
    task = make_task(fkarm.robots.ur5(), "tool0", mode)
    with pytest.raises(AssertionError, match=f"wrong: {part} must be right before"):
        list(measure.measure({"wrong": (case, stand)}, task, 0.0))


def test_a_nan_or_another_shape_is_wrong():
    task = make_task(fkarm.robots.planar([1.0, 0.5]), "tool", batch=5)
    for answer in (np.full((5, 4, 4), np.nan), np.zeros((5, 3, 4))):
        assert judge.errors(task, judge.truth(task), {"poses": answer}) == {"poses": np.inf}


def test_the_two_judges_agree():
    pytest.importorskip("pinocchio")
    task = make_task(small_tree(), ("a_link", "b_link", "c_link"), batch=5)
    q = task.q.astype(np.float64)
    for one, other in zip(judge._pinocchio(task, q), judge._reference(task, q), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "magic"], "map_fn per joint.*Received: 'magic'"),
        (["--cases", "ops.map"], "Received: 'ops.map'"),
        (["--robots", "r2d2"], "panda.*Received: 'r2d2'"),
        (["--modes", "backward"], "jacobian. Received: 'backward'"),
        (["--dtype", "float16"], "float32, float64. Received: 'float16'"),
        (["--peers", "rival"], "PyRoki.*Received: 'rival'"),
        (["--batch", "1,many"], "numbers from 1.*Received: 1,many"),
        (["--backend", "numpy"], "'tensorflow', 'jax', 'torch'|tensorflow, jax, torch"),
        (["--device", "tpu"], "'auto', 'cpu', 'gpu'|auto, cpu, gpu"),
        (["--device", "gpu"], "no GPU here"),
    ],
    ids=lambda value: "" if isinstance(value, str) else value[0] + value[1],
)
def test_what_does_not_exist_is_refused_by_name(arguments, message, capsys):
    if arguments[-1] == "gpu" and fkarm_sees_gpu():
        pytest.skip("there is a GPU")
    with pytest.raises(SystemExit):
        command.main(arguments)
    error = " ".join(capsys.readouterr().err.split())
    assert re.search(message, error), error


def fkarm_sees_gpu():
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def test_a_missing_backend_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        command.main(["--backend", "jax"])
    assert "pip install jax" in capsys.readouterr().err


def test_a_peer_is_a_row_in_the_same_run_and_so_is_a_missing_one(tmp_path, monkeypatch):
    monkeypatch.setitem(
        catalogue.PEERS, "nobody", catalogue.Case("benchmarks.peers.nobody:prepare")
    )
    report = run(
        tmp_path, "--batch", "3", "--cases", "layer", "--modes", "forward+gradient",
        "--peers", "nobody,Pinocchio,Pinocchio (threads)",
    )  # fmt: skip
    rows = {row["case"]: row for row in report["rows"]}
    assert rows["nobody"]["unavailable"].startswith("ModuleNotFoundError: No module named")
    assert "unavailable" in rows["Pinocchio (threads)"]
    assert rows["layer"]["repeats"] >= 5
    pytest.importorskip("pinocchio")
    assert max(rows["Pinocchio"]["errors"].values()) < 1e-14


def test_contestants_take_turns_and_one_that_dies_is_a_row():
    order = []

    class Fake:
        def __init__(self, name):
            self.name = name

        def prepare(self, task):
            return contestants.Prepared({}, 0.0, None)

        def turn(self, seconds, at_most):
            if self.name == "c" and len(order) > 4:
                raise contestants.Unavailable("its process ended")
            order.append(self.name)
            return [1e-9]

        def drop(self):
            pass

    case = catalogue.Case("", checked=False)
    task = make_task(fkarm.robots.planar([1.0]), "tool")
    rows = dict(measure.measure({n: (case, Fake(n)) for n in "abc"}, task, 0.0))
    assert order == ["a", "b", "c", *["a", "b"] * (measure.FEWEST - 1)]
    assert rows["a"]["repeats"] == measure.FEWEST
    assert rows["c"] == {"unavailable": "its process ended"}


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


@needs_gcc
@pytest.mark.parametrize("batch", [1, 16, 53])
def test_the_c_kernel_is_right_for_trees_slides_mimics_and_any_batch(batch):
    links = ("root", "a_link", "b_link", "c_link")
    for mode in ("forward", "forward+gradient"):
        task = make_task(small_tree(), links, mode, batch)
        errors = errors_of(limit.prepare(task), task)
        assert max(errors.values()) < 1e-6, errors
        assert ("gradient" in errors) == (mode != "forward")


def test_without_gcc_or_for_other_joints_the_limit_is_unavailable(monkeypatch):
    floating = fkarm.Robot((fkarm.Joint("free", "floating", parent="root", child="body"),))
    with pytest.raises(contestants.Unavailable, match="no floating joints"):
        limit.prepare(make_task(floating, "body"))
    monkeypatch.setattr(limit.shutil, "which", lambda name: None)
    with pytest.raises(contestants.Unavailable, match="no gcc"):
        limit.prepare(make_task(fkarm.robots.ur5(), "tool0"))


@pytest.mark.skipif(not memory._CLEAR.exists(), reason="Linux only")
def test_peak_memory_counts_what_was_there_for_a_moment():
    def run():
        passing = np.ones(8_000_000)
        return passing[:10].copy()

    assert 60e6 < memory.peak_extra_bytes(run) < 70e6


def test_the_tables_and_pictures_come_from_the_recorded_files(tmp_path):
    root = readme.ROOT
    assert readme.peers_table() in (root / "README.md").read_text()
    assert readme.result_tables() in (root / "benchmarks" / "README.md").read_text()
    pytest.importorskip("matplotlib")
    report = json.loads((readme.RESULTS / "peers_cpu.json").read_text())
    target = tmp_path / "plot.png"
    assert plot.draw(report, report["rows"][0]["robot"], target)
    assert 10_000 < target.stat().st_size < 100_000
