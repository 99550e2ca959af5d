"""The two suites, and shared fixtures.

Fixtures import Keras and fkarm when they run. The process that distributes tests to workers needs
neither, and importing them takes seconds.
"""

import os
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

if os.environ.get("KERAS_BACKEND") == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)


# Reasons why `make test` leaves a test out.
LATER = {
    "corpus": "reads robots of other packages",
    "document": "runs the code of a document, or compares its numbers with the recorded files",
    "example": "runs an example",
    "process": "starts other processes",
    "package": "builds the package and installs it",
    "export": "writes files for other programs and runs them there",
    "benchmark": "tests the benchmarks, not the package",
    "tool": "runs TensorBoard, KerasTuner or another tool",
    "browser": "opens pages in a headless browser",
    "backend": "needs another backend of Keras",
    "optimised": "needs code that XLA has optimised fully",
    "every case": "repeats a check of `make test` for another case",
}


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "only_on(*backends, reason): other backends of Keras cannot run this test"
    )
    config.addinivalue_line(
        "markers", f"in_test_all(reason): `make test` leaves it out. Reasons: {', '.join(LATER)}"
    )


def pytest_addoption(parser):
    parser.addoption(
        "--suite",
        choices=("quick", "later", "all"),
        default="quick",
        help="run tests without the mark in_test_all, tests with it, or both",
    )
    parser.addoption(
        "--compilation",
        choices=("auto", "graph"),
        default="auto",
        help="whether eager calls with few rows run in NumPy, or compiled code as all others",
    )
    parser.addoption(
        "--one-in", type=int, default=1, help="run one of this many cases of every test"
    )


def pytest_collection_modifyitems(config, items):
    """Leave out the tests of the other suite, and some cases of every test with `--one-in`.

    JAX compiles for every case, so `make test-backends` runs one in `JAX_ONE_IN`.
    """
    suite, one_in = config.getoption("--suite"), config.getoption("--one-in")
    seen = Counter()
    selected, left_out = [], []
    for item in items:
        mark = item.get_closest_marker("in_test_all")
        if mark is not None and mark.args[0] not in LATER:
            raise pytest.UsageError(
                f"The reason of in_test_all must be one of {', '.join(LATER)}. "
                f"Received: {mark.args[0]!r}, of {item.nodeid}."
            )
        is_in_suite = suite == "all" or (mark is None) == (suite == "quick")
        name = (item.path, item.originalname)
        is_in_turn = seen[name] % one_in == 0
        seen[name] += is_in_suite
        (selected if is_in_suite and is_in_turn else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = selected


def pytest_runtest_setup(item):
    import keras

    for mark in item.iter_markers("only_on"):
        if keras.backend.backend() not in mark.args:
            pytest.skip(mark.kwargs["reason"])


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def global_policy():
    """Set the global dtype policy, and restore it after the test."""
    import keras

    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.fixture(scope="session")
def panda():
    import fkarm

    return fkarm.robots.panda()


@pytest.fixture(scope="session")
def every_joint():
    """A tree with two tips, scalar joints of every type, oblique and negative axes, and mimics."""
    import fkarm

    return fkarm.Robot(
        [
            fkarm.Joint(
                "turn",
                axis="-y",
                xyz=(0.1, 0.2, 0.3),
                rpy=(0.4, -0.5, 0.6),
                lower=-2,
                upper=1,
                parent="root",
                child="a",
            ),
            fkarm.Joint(
                "spin", "continuous", axis=(1, 2, -2), xyz=(0, 0.3, 0), parent="a", child="b"
            ),
            fkarm.Joint("bolt", "fixed", xyz=(0.05, 0, 0), rpy=(0, 0, 1), parent="b", child="c"),
            fkarm.Joint(
                "slide",
                "prismatic",
                axis=(0, 3, 4),
                xyz=(0.2, 0, 0),
                lower=-0.1,
                upper=0.4,
                parent="c",
                child="d",
            ),
            fkarm.Joint(
                "follow",
                axis="x",
                rpy=(0.1, 0.2, 0.3),
                parent="d",
                child="tip_1",
                mimic=fkarm.Mimic("turn", -0.5, 0.2),
            ),
            fkarm.Joint(
                "echo",
                "prismatic",
                axis="z",
                parent="b",
                child="tip_2",
                mimic=fkarm.Mimic("follow", 0.1, 0.01),
            ),
        ],
        name="every_joint",
        end_effector="tip_1",
    )


@pytest.fixture(scope="session")
def three_joints():
    """The smallest chain with a turn, a slide and a mimic, for tests that compile many times."""
    import fkarm

    joints = [
        fkarm.Joint("turn", axis=(1, 2, -2), xyz=(0.1, 0.2, 0.3), lower=-2, upper=1),
        fkarm.Joint("slide", "prismatic", axis="y", xyz=(0.2, 0, 0), rpy=(0.4, -0.5, 0.6)),
        fkarm.Joint("follow", axis="x", xyz=(0, 0.3, 0), mimic=fkarm.Mimic("turn", -0.5, 0.2)),
    ]
    return fkarm.Robot.from_joints(joints, tool=(0.1, 0.05, 0.2), name="three_joints")


@pytest.fixture(scope="session")
def ball_and_plane():
    """The smallest chain of joints with several entries of `q`."""
    import fkarm

    joints = [
        fkarm.Joint("ball", "spherical", xyz=(0.1, 0, 0.2)),
        fkarm.Joint("flat", "planar", axis=(1, 2, 3), rpy=(0.3, 0, 0)),
    ]
    return fkarm.Robot.from_joints(joints, tool=(0.1, 0.05, 0.2), name="ball_and_plane")


@pytest.fixture(scope="session")
def free_robot():
    """A floating base, a ball, a planar joint and a hinge: joints with several entries of `q`."""
    import fkarm

    return fkarm.Robot(
        [
            fkarm.Joint(
                "free", "floating", xyz=(1, 2, 3), rpy=(0.1, 0.2, 0.3), parent="root", child="a"
            ),
            fkarm.Joint("ball", "spherical", xyz=(0.1, 0, 0.2), parent="a", child="b"),
            fkarm.Joint("flat", "planar", axis=(1, 2, 3), rpy=(0.3, 0, 0), parent="b", child="c"),
            fkarm.Joint("hinge", axis="-x", lower=-1, upper=2, parent="c", child="tip"),
        ],
        name="free_robot",
    )


@pytest.fixture(scope="session", autouse=True)
def compilation_as_asked(request):
    """`--compilation graph` compiles every call."""
    import fkarm

    with fkarm.config.compilation(request.config.getoption("--compilation")):
        yield


@pytest.fixture(scope="module")
def nothing_compiled(request, compilation_as_asked):
    """Layers, too, run their searches by operations, unless `--compilation graph` is given.

    Most problems in tests are met once, and compiling one takes seconds.
    """
    import fkarm

    asked = request.config.getoption("--compilation")
    with fkarm.config.compilation("eager" if asked == "auto" else asked):
        yield


def pytest_terminal_summary(terminalreporter):
    """Report the tests that were skipped because the corpus is not installed."""
    signs = ("example-robot-data", "empty parameter set")
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = [test for test in skipped if any(sign in str(test.longrepr) for sign in signs)]
    if left_out:
        terminalreporter.write_line(
            "Comparisons with the robots of example-robot-data and gymnasium-robotics were left "
            "out; `make corpus` installs them (157 MB)."
        )
