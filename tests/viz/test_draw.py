"""Arms are drawn where forward kinematics places them, with equal scales and whole labels."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.viz import (
    draw_bodies,
    draw_ellipsoid,
    draw_frame,
    draw_reach,
    draw_robot,
    fit_axes,
    plot_robot,
)


def axes():
    return Figure().add_subplot(projection="3d")


def test_a_stick_figure_passes_through_the_links(panda):
    ax = axes()
    q = np.linspace(0, 1, 7)
    draw_robot(ax, panda, q, "panda_link5", color="k")
    drawn = np.stack(ax.lines[0].get_data_3d(), axis=-1)
    expected = fkarm.forward_kinematics(panda, q, [f"panda_link{i}" for i in range(6)])
    np.testing.assert_allclose(drawn, expected[:, :3, 3], atol=1e-12)
    draw_frame(ax, np.eye(4))
    assert len(ax.collections) == 3
    with pytest.raises(ValueError, match=r"one configuration, of shape \(7,\)"):
        draw_robot(ax, panda, np.zeros((1, 7)))


class Surfaces:
    """Axes that keep what is drawn on them."""

    def __init__(self):
        self.drawn = []

    def plot_surface(self, x, y, z, color, **style):
        self.drawn.append((color, np.stack([x, y, z], axis=-1).reshape(-1, 3)))


def test_bodies_are_drawn_at_their_radius(panda):
    bodies = [
        fkarm.Body("panda_link3", "capsule", 0.06, 0.2, (0.01, 0, -0.1), (0.3, 0.2, 0)),
        fkarm.Body("panda_hand", "sphere", 0.05, xyz=(0, 0, 0.03)),
    ]
    robot, q, ax = panda.with_bodies(bodies), np.linspace(0, 1, 7), Surfaces()
    draw_bodies(ax, robot, q, color="blue", highlighted=["panda_hand"], highlight="red")
    assert [colour for colour, _ in ax.drawn] == ["blue", "red"]
    for (_, points), body in zip(ax.drawn, bodies, strict=True):
        pose = np.asarray(fkarm.forward_kinematics(panda, q, body.link), float)
        local = (points - pose[:3, 3]) @ pose[:3, :3] - np.array(body.xyz)
        axis = Rotation.from_euler("xyz", body.rpy).as_matrix()[:, 2]
        nearest = np.clip(local @ axis, -body.length / 2, body.length / 2)[:, None] * axis
        np.testing.assert_allclose(np.linalg.norm(local - nearest, axis=1), body.radius)
        assert np.ptp(local @ axis) > body.length + 1.9 * body.radius
    draw_bodies(axes(), robot, q)
    draw_bodies(None, panda.with_bodies(()), q)
    with pytest.raises(fkarm.UnknownLinkError, match="panda_hadn"):
        draw_bodies(ax, robot, q, highlighted=["panda_hadn"])


def test_branches_are_drawn_with_thinner_lines(every_joint):
    ax = axes()
    draw_robot(ax, every_joint, np.zeros(every_joint.dof), branches=True, linewidth=4)
    chain, *branches = ax.lines
    assert [line.get_linewidth() for line in branches] == [2.0]  # from b to tip_2
    assert branches[0].get_color() == chain.get_color()


def test_the_ellipsoid_is_that_of_the_jacobian(monkeypatch):
    """Of a planar arm with two joints: v = J qd with |qd| = 1, by hand."""
    ax, (a, b), q = axes(), (0.7, 0.4), np.array([0.3, 0.9])
    drawn = []
    monkeypatch.setattr(ax, "plot_surface", lambda *xyz, **_: drawn.extend(xyz))
    draw_ellipsoid(ax, fkarm.robots.planar([a, b]), q, scale=0.5)
    sine, cosine, far_sine, far_cosine = (
        *(f(q[0]) for f in (np.sin, np.cos)), *(f(q.sum()) for f in (np.sin, np.cos))
    )  # fmt: skip
    second = b * np.array([-far_sine, far_cosine])
    jacobian = np.stack([a * np.array([-sine, cosine]) + second, second], axis=1)
    centre = np.array([a * cosine + b * far_cosine, a * sine + b * far_sine, 0.0])
    points = (np.stack(drawn, axis=-1).reshape(-1, 3) - centre) / 0.5
    np.testing.assert_allclose(points[:, 2], 0.0, atol=1e-12)  # it cannot move out of the plane
    rates = np.linalg.solve(jacobian, points[:, :2].T)
    norms = np.linalg.norm(rates, axis=0)
    assert norms.max() == pytest.approx(1.0, abs=1e-9)
    assert (norms <= 1.0 + 1e-9).all()


def test_dots_lie_within_reach():
    ax = axes()
    draw_reach(ax, fkarm.robots.planar([0.5, 0.4]), count=200)
    x, y, z = ax.collections[0]._offsets3d
    radius = np.hypot(x, y)
    assert len(radius) == 200
    assert radius.max() <= 0.9
    assert radius.min() >= 0.1
    np.testing.assert_array_equal(z, 0.0)


def names_outside(figure):
    """Labels of axes, and texts, that the edge of the figure or of their panel cuts."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, outside = canvas.get_renderer(), []
    for ax in figure.axes:
        texts = [ax.xaxis.label, ax.yaxis.label, ax.title, *ax.texts]
        texts += [ax.zaxis.label] if hasattr(ax, "zaxis") else []
        for text in texts:
            extent = text.get_window_extent(renderer)
            corners = np.array([extent.min, extent.max])
            is_inside = (corners >= ax.bbox.min - 1) & (corners <= ax.bbox.max + 1)
            outside += [] if is_inside.all() or not text.get_text() else [text.get_text()]
    return outside


@pytest.mark.parametrize("name", ["panda", "planar"])
def test_scales_are_equal_and_labels_are_whole(name, panda):
    robot = panda if name == "panda" else fkarm.robots.planar([0.5, 0.4])
    figure = plot_robot(robot, limits=True)
    ax = figure.axes[0]
    widths = [np.ptp(getattr(ax, f"get_{axis}lim")()) for axis in "xyz"]
    box = ax._box_aspect / ax._box_aspect[0]
    np.testing.assert_allclose(box, np.array(widths) / widths[0])
    assert names_outside(figure) == []


def test_limits_are_bars_with_a_mark_per_configuration():
    robot = fkarm.Robot.from_joints(
        [
            fkarm.Joint("turn", lower=-1.0, upper=3.0),
            fkarm.Joint("slide", "prismatic", lower=0.0, upper=0.2),
            fkarm.Joint("spin", "continuous"),
        ]
    )
    q = np.array([[0.0, 0.05, 0.0], [3.0, 0.3, np.pi / 2]])
    _, bars = plot_robot(robot, q, limits=True).axes
    marks = [line for line in bars.lines if line.get_marker() in ("o", "X")]
    places = np.array([line.get_xdata()[0] for line in marks]).reshape(3, 2).T
    np.testing.assert_allclose(places, [[0.25, 0.25, 0.5], [1.0, 1.0, 0.75]])
    assert [line.get_marker() for line in marks] == ["o", "o", "o", "X", "o", "o"]  # one is beyond
    texts = [text.get_text() for text in bars.texts]
    assert texts == [
        "-57°",
        "172°",
        "turn",
        "0 mm",
        "200 mm",
        "slide",
        "no limit",
        "no limit",
        "spin",
    ]


def test_several_configurations_with_all_that_can_be_drawn(panda, tmp_path):
    arm = panda.sub_chain("panda_link0", "panda_link3")
    q = fkarm.sample_configurations(arm, 3, seed=0)
    targets = fkarm.forward_kinematics(arm, q).numpy()
    figure = plot_robot(
        arm, q, labels=["a", "b", "c"], targets=targets, frames=True, limits=True,
        ellipsoid=True, reach=50,
    )  # fmt: skip
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a", "b", "c"]
    for name in ("robot.png", "robot.svg"):
        figure.savefig(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 10_000


def test_what_cannot_be_drawn_is_refused(panda):
    with pytest.raises(ValueError, match=r"as many as the configurations, 2. Received: 1"):
        plot_robot(panda, np.zeros((2, 7)), labels=["one"])
    with pytest.raises(ValueError, match=r"finite numbers. Received: 1 that are not"):
        plot_robot(panda, [np.nan, 0, 0, 0, 0, 0, 0])
    with pytest.raises(ValueError, match=r"shape \(..., 7\)"):
        plot_robot(panda, np.zeros(6))
    with pytest.raises(ValueError, match=r"shape \(..., 4, 4\)"):
        plot_robot(panda, targets=np.zeros(3))
    with pytest.raises(fkarm.UnknownLinkError, match="panda_hand"):
        plot_robot(panda, link="panda_hnd")


def test_axes_without_a_robot_can_be_fitted():
    ax = axes()
    draw_frame(ax, np.eye(4), size=2.0)
    fit_axes(ax)
    assert ax.get_xlim()[1] > 2.0
    assert ax.get_zlabel() == "z, m"
