"""The command that trains the packaged presets, with a short training."""

import json

import numpy as np
import pytest

import fkarm
from fkarm.learning import IKRegressor, evaluate_ik
from tools import train_presets

pytestmark = pytest.mark.in_test_all("tool")


def test_it_saves_a_rounded_network_with_its_card_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(train_presets, "FOLDER", tmp_path)
    monkeypatch.setattr(train_presets, "POSES", {"batch_size": 32, "steps_per_epoch": 2})
    monkeypatch.setattr(train_presets, "evaluate_ik", lambda model: evaluate_ik(model, count=50))
    arguments = ["--robots", "ur3", "--epochs", "1", "--checkpoints", str(tmp_path / "training")]
    weights, cards = [], []
    for _ in range(2):
        train_presets.main(arguments)
        model = IKRegressor.from_preset(tmp_path / "ur3")
        weights.append(model.get_weights())
        cards.append(json.loads((tmp_path / "ur3" / "card.json").read_text()))
    assert model.robot == fkarm.robots.ur3()
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, first.astype("float16"))
    assert cards[0]["training"]["cpu_minutes"] > 0
    assert cards[1]["training"]["cpu_minutes"] is None  # the part before the interruption is lost
    assert cards[0]["rows"] == cards[1]["rows"]
    assert [row["targets"] for row in cards[0]["rows"]] == [50] * 6 + [10] * 12
    assert "solutions_per_s" not in cards[0]["rows"][0]


def test_an_unknown_arm_is_refused(capsys):
    with pytest.raises(SystemExit):
        train_presets.main(["--robots", "ur4"])
    assert "--robots must be of: panda, ur5e" in capsys.readouterr().err
