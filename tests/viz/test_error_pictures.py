"""Pictures of errors show all models."""

import subprocess
import sys

import numpy as np
import pytest

import fkarm
from fkarm.learning import PoseErrors, pose_errors
from fkarm.viz import plot_errors, plot_reach


def test_a_picture_of_arms_and_errors_shows_all_models(panda, tmp_path):
    q = fkarm.sample_configurations(panda, 5, seed=0)
    targets = fkarm.forward_kinematics(panda, q, "panda_hand").numpy()
    guesses = {f"model {k}": q + 1e-9 * k for k in range(6)}
    errors = {name: pose_errors(panda, guess, targets) for name, guess in guesses.items()}
    figure = plot_reach(
        panda, targets[:2], q[:2], {name: guess[:2] for name, guess in guesses.items()}, errors
    )
    assert len(figure.subfigs[0].axes[0].get_lines()) == 7  # the exact solution and six models
    figure.savefig(tmp_path / "reach.png")
    assert (tmp_path / "reach.png").stat().st_size > 10_000


def test_curves_rise_to_the_share_of_targets_within_an_error(tmp_path):
    curves = {
        f"{k} steps": PoseErrors(np.array([3.0, 0.0, 1.0, 2.0]) / 10**k, np.arange(4.0))
        for k in range(6)
    }
    figure = plot_errors(curves)
    position, orientation = figure.axes
    assert position.get_xscale() == orientation.get_xscale() == "log"
    assert (position.get_xlabel(), orientation.get_xlabel()) == (
        "position error, mm",
        "orientation error, deg",
    )
    assert [line.get_label() for line in position.get_lines()] == list(curves)  # all of them
    x, y = position.get_lines()[0].get_data()
    np.testing.assert_allclose(x, [1e-5, 1, 2, 3])
    np.testing.assert_allclose(y, [25, 50, 75, 100])
    figure.savefig(tmp_path / "errors.png")
    assert (tmp_path / "errors.png").stat().st_size > 10_000


def test_empty_curves_are_refused():
    with pytest.raises(ValueError, match="at least one pose. Received: no curve"):
        plot_errors({})
    with pytest.raises(ValueError, match=r"Received: no pose for \['b'\]"):
        plot_errors({"a": PoseErrors(*np.ones((2, 1))), "b": PoseErrors(*np.ones((2, 0)))})


@pytest.mark.in_test_all("process")
def test_without_matplotlib_the_message_says_what_to_install():
    code = "import sys; sys.modules['matplotlib'] = None; import fkarm; "
    code += "fkarm.viz.plot_robot(fkarm.robots.panda())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "pip install matplotlib (" in run.stderr
