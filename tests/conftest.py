"""Shared fixtures."""

import os
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

import fkarm

if keras.backend.backend() == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "only_on(*backends, reason): what no other backend of Keras can do"
    )


def pytest_addoption(parser):
    parser.addoption("--one-in", type=int, default=1, help="of a test's cases, run one in so many")


def pytest_collection_modifyitems(config, items):
    """Thin out the cases of each test: JAX compiles for every one of them."""
    met = Counter()
    kept, left_out = [], []
    for item in items:
        name = (item.path, item.originalname)
        (left_out if met[name] % config.getoption("--one-in") else kept).append(item)
        met[name] += 1
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def pytest_runtest_setup(item):
    for mark in item.iter_markers("only_on"):
        if keras.backend.backend() not in mark.args:
            pytest.skip(mark.kwargs["reason"])


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def global_policy():
    """Sets the global dtype policy and puts it back."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.fixture(scope="session")
def panda():
    return fkarm.robots.panda()


@pytest.fixture(scope="session")
def every_joint():
    """A tree with two tips: every joint type, oblique and negative axes, a chain of mimics."""
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
def free_robot():
    """Floating base, ball, planar joint and hinge: joints with several entries of `q`."""
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


def pytest_terminal_summary(terminalreporter):
    """Say in one line what the missing test corpus left out."""
    signs = ("example-robot-data", "empty parameter set")
    skipped = terminalreporter.stats.get("skipped", [])
    left_out = [each for each in skipped if any(sign in str(each.longrepr) for sign in signs)]
    if left_out:
        terminalreporter.write_line(
            "Comparisons with the robots of example-robot-data and gymnasium-robotics were left "
            "out; `make corpus` installs them (157 MB)."
        )
