"""Arms are drawn where forward kinematics places them; curves show all models."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

import fkarm
from fkarm.learning import PoseErrors, pose_errors
from fkarm.viz import draw_frame, draw_robot, plot_errors, plot_reach


def test_a_stick_figure_passes_through_the_links(panda):
    ax = Figure().add_subplot(projection="3d")
    q = np.linspace(0, 1, 7)
    draw_robot(ax, panda, q, "panda_link5", color="k")
    drawn = np.stack(ax.lines[0].get_data_3d(), axis=-1)
    expected = fkarm.forward_kinematics(panda, q, [f"panda_link{i}" for i in range(6)])
    np.testing.assert_allclose(drawn, expected[:, :3, 3], atol=1e-12)
    draw_frame(ax, np.eye(4))
    assert len(ax.collections) == 3
    with pytest.raises(ValueError, match=r"one configuration, of shape \(7,\)"):
        draw_robot(ax, panda, np.zeros((1, 7)))


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
    code = "import sys; sys.modules['matplotlib'] = None; import fkarm.viz"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "pip install 'fkarm[viz]'" in run.stderr
