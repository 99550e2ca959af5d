"""The file of a robot, what a training of it left, and trainings without some of their steps."""

import pytest
from commands.training_command import command

import fkarm
from fkarm.__main__ import main
from fkarm.learning.ik_model import IKModel


@pytest.fixture(scope="session")
def urdf(tmp_path_factory):
    path = tmp_path_factory.mktemp("robot") / "arm.urdf"
    path.write_text(fkarm.robots.planar([0.5, 0.4, 0.2]).to_urdf())
    return path


@pytest.fixture(scope="session")
def trained(urdf, tmp_path_factory):
    """A folder that a training of one epoch filled."""
    folder = tmp_path_factory.mktemp("trained")
    assert main(command(urdf, folder)) == 0
    return folder


@pytest.fixture
def untrained(monkeypatch):
    """Fails if anything is trained."""
    monkeypatch.setattr(IKModel, "fit", lambda *_, **__: pytest.fail("trained"))


@pytest.fixture
def unmeasured(monkeypatch):
    """Skips the table, which takes seconds to compile."""
    monkeypatch.setattr("fkarm.commands.train._evaluate", lambda *_: None)
