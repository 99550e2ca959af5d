"""A robot in the browser: sliders, a target that inverse kinematics follows, a path."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.collision.obstacles import Obstacle
from fkarm.ik import solve_ik
from fkarm.model import Robot
from fkarm.motion import SolvedPath
from fkarm.viz.clearance import CLEARANCE, Clearances, cover
from fkarm.viz.extras import require
from fkarm.viz.live import Ghosts, LiveBodies, SolidRobot, StillSolids, add_axes, wxyz_of
from fkarm.viz.newest import Newest
from fkarm.viz.obstacles import obstacle_solids, shown_obstacles
from fkarm.viz.player import Player
from fkarm.viz.scene import Scene, all_solutions, one_configuration, read_scene
from fkarm.viz.sliders import Slider, sliders_of
from fkarm.viz.solids import solids_of
from fkarm.viz.visuals import Solid

_HEIGHT = 560  # pixels, in a notebook
_STEP = 0.1  # of a slider, degrees or mm
_QUATERNION_STEP = 0.001
_SHORTEST_QUATERNION = 1e-3


def view(
    robot: Robot,
    q: ArrayLike | None = None,
    link: str | None = None,
    *,
    others: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    path: ArrayLike | SolvedPath | None = None,
    seconds: float | None = None,
    bodies: bool = False,
    clearance: float = CLEARANCE,
    obstacles: Obstacle | Iterable[Obstacle] | None = None,
    urdf: str | os.PathLike[str] | None = None,
    task: Any = "pose",
    host: str = "127.0.0.1",
    port: int = 8080,
) -> Viewer:
    """Show a robot in the browser (extra `fkarm[view]`), on a server that runs in the background.

    The sliders are in degrees and mm. A target can be dragged, and the robot follows it by
    `fkarm.solve_ik`, which starts from the configuration shown. All solutions of the target can be
    shown see-through: those of the closed form where the robot has one, else those that
    `fkarm.solve_ik_all` finds. A script ends the server when it ends: call `wait` there. A notebook
    shows the viewer where it is the last value of a cell, if its kernel runs on the same machine as
    the browser; elsewhere `make_page` serves.

    Args:
        robot: The robot.
        q: Configuration at the start, rad or m; None: near the middle of the joints' ranges. Shape
            `(dof,)`.
        link: Link that follows the target; None: `robot.end_effector`.
        others: Configurations that are drawn see-through while no solutions are. Shape `(n, dof)`.
        targets: Poses that are drawn as frames, m. Shape `(n, 4, 4)`.
        path: Configurations that a button plays back, shape `(n, dof)`, or what `fkarm.solve_path`
            or `fkarm.retarget` returned of one clip, with its own times.
        seconds: How long that takes; None: as long as these times say, or 5 s without times.
        bodies: Whether to show `robot.bodies`, coloured by their distance from the nearest body
            that counts (`fkarm.collision.pairs`): green, yellow, red where they overlap. Bodies
            that no pair counts are grey.
        clearance: Distance from which on a body is green, m.
        obstacles: Objects of `fkarm.collision` in the root link's frame. They are shown
            see-through, and count for the colours of the bodies that a joint moves.
        urdf: Path of the URDF whose visuals are drawn, with the meshes that are at hand; None:
            capsules.
        task: Components of the target that count, as in `fkarm.solve_ik`.
        host: Address to serve on. The default can be reached from this machine only.
        port: Port to serve on; the next free one if it is taken.
    Returns:
        `Viewer`, with the address as `url` and the configuration shown as `q`.
    Raises:
        ModuleNotFoundError: If viser is not installed.
        UnknownLinkError: If the link does not exist.
        MissingFileError, URDFError: If `urdf` cannot be read.
        RobotError: With `bodies`, if the robot has none.
        TypeError: If an obstacle is of another kind.
        ValueError: If an array has another shape, or holds a number that is not finite.
    """
    require("viser", "view")
    scene = read_scene(robot, q, link, others, targets, path, seconds)
    around = shown_obstacles(obstacles)
    clearances = Clearances(robot, clearance, around) if bodies else None
    still = obstacle_solids(around, robot.root_link, scene)
    return Viewer(robot, scene, solids_of(robot, urdf), clearances, still, task, host, port)


class Viewer:
    """A robot in the browser, as `view` starts it.

    Attributes:
        robot: The robot.
        link: The link that follows the target.
        url: Address of the page.
    """

    def __init__(
        self,
        robot: Robot,
        scene: Scene,
        solids: Any,
        clearances: Clearances | None,
        obstacles: Sequence[Solid],
        task: Any,
        host: str,
        port: int,
    ) -> None:
        import viser

        self.robot, self.link, self._task, self._scene = robot, scene.link, task, scene
        self._q, self._nearest = scene.q.copy(), ""
        self._server = server = viser.ViserServer(host, port, label=robot.name, verbose=False)
        self.url = f"http://{host}:{server.get_port()}"
        server.gui.configure_theme(show_logo=False, show_share_button=False)
        server.scene.configure_default_lights(cast_shadow=False)  # slow without a GPU
        size, span = scene.size, scene.span
        server.initial_camera.position = scene.centre + 1.1 * span * np.array([0.75, -0.95, 0.5])
        server.initial_camera.look_at = scene.centre
        floor = (*np.round(scene.centre[:2]), 0.0)
        server.scene.add_grid(
            "/floor", 4 * span, 4 * span, cell_size=0.1, section_size=0.5, position=floor
        )
        self._solid = SolidRobot(server.scene, robot, solids, 0.12 * size)
        self._is_covered = cover(robot, solids)
        self._bodies = None if clearances is None else LiveBodies(server.scene, clearances)
        self._obstacles = StillSolids(server.scene, obstacles) if obstacles else None
        self._ghosts = Ghosts(server.scene, robot, solids)
        for k, pose in enumerate(scene.targets):
            add_axes(server.scene, f"/targets/{k}", pose, 0.15 * size)
        self._player: Player | None = None
        self._newest = Newest(self._show_ghosts)
        self._target = server.scene.add_transform_controls("/target", scale=0.22 * size)
        self._target.on_update(lambda _: self._newest.put(self._follow))
        self._add_controls()
        self._show(self._q)
        self._show_ghosts()

    @property
    def q(self) -> np.ndarray:
        """The configuration shown, rad or m; assign one to show it. Shape `(dof,)`."""
        return self._q.copy()

    @q.setter
    def q(self, q: ArrayLike) -> None:
        self._q = values = one_configuration(self.robot, "q", q)
        self._newest.put(lambda: self._show(values))

    def wait(self) -> None:
        """Block until the process is interrupted (Ctrl-C)."""
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """End the server."""
        if self._player is not None:
            self._player.stop()
        self._newest.stop()
        self._server.stop()

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{self.url}" width="100%" height="{_HEIGHT}" style="border: 0"></iframe>'
        )

    # ---- controls

    def _add_controls(self) -> None:
        gui = self._server.gui
        self._text = gui.add_markdown("")
        with gui.add_folder("Show"):
            if self._bodies is not None:
                self._add_switch("robot", not self._is_covered, self._solid.show)
                self._add_switch("bodies", True, self._bodies.show)
            if self._obstacles is not None:
                self._add_switch("obstacles", True, self._obstacles.show)
            self._with_solutions = gui.add_checkbox("all solutions", False)
            self._add_switch("frames", False, self._solid.show_frames)
            self._add_switch("target", True, lambda on: setattr(self._target, "visible", on))
        self._with_solutions.on_update(lambda _: self._newest.put(lambda: None))
        if len(self._scene.path) > 1:
            self._player = Player(gui, self._scene, lambda q: setattr(self, "q", q))
        with gui.add_folder("Joints"):
            self._sliders = [
                gui.add_slider(
                    f"{slider.label} {slider.symbol}".strip(),
                    float(slider.lower),
                    float(slider.upper),
                    _STEP if slider.symbol else _QUATERNION_STEP,
                    _shown(slider, value),
                )
                for slider, value in zip(sliders_of(self.robot), self._q, strict=True)
            ]
            for k, handle in enumerate(self._sliders):
                handle.on_update(lambda event, k=k: self._slid(event, k))
            gui.add_button("Reset").on_click(lambda _: setattr(self, "q", self._scene.q))

    def _add_switch(self, name: str, start: bool, show: Callable[[bool], None]) -> None:
        show(start)
        box = self._server.gui.add_checkbox(name, start)
        box.on_update(lambda event: show(event.target.value))

    def _slid(self, event: Any, k: int) -> None:
        if event.client_id is None:  # the viewer itself has set the slider
            return
        q = self._q.copy()
        q[k] = event.target.value * sliders_of(self.robot)[k].unit
        quaternions = (q[first : first + 4] for first in self.robot.quaternions)
        if all(np.linalg.norm(quat) > _SHORTEST_QUATERNION for quat in quaternions):
            self._newest.put(lambda: self._show(q))

    # ---- what is shown; in one thread

    def _show(self, q: np.ndarray) -> None:
        """Show a configuration, with the target at its link."""
        pose = self._place_robot(q)
        self._target.wxyz, self._target.position = wxyz_of(pose), pose[:3, 3]
        self._write(pose, "")

    def _follow(self) -> None:
        """Bring the link to the target, or as near to it as possible."""
        result = solve_ik(
            self.robot,
            self._target_pose(),
            self.link,
            q_init=self._q,
            q_ref=self._q,
            task=self._task,
        )
        pose = self._place_robot(result.q)
        off = (
            f"{1e3 * result.position_error:.1f} mm, "
            f"{np.rad2deg(result.orientation_error):.1f}° from the target"
        )
        self._write(pose, "on the target" if result.converged else off)

    def _place_robot(self, q: np.ndarray) -> np.ndarray:
        self._q = np.array(q, dtype=np.float64)
        with self._server.atomic():
            pose = self._solid.place(self._q)[self.link]
            if self._bodies is not None:
                self._nearest = self._bodies.colour(self._q)
            for handle, slider, value in zip(
                self._sliders, sliders_of(self.robot), self._q, strict=True
            ):
                handle.value = _shown(slider, value)
        return pose

    def _show_ghosts(self) -> None:
        others = self._scene.others
        if self._with_solutions.value:
            others = all_solutions(self.robot, self._target_pose(), self.link, self._q, self._task)
        count = f" ({len(others)})" if self._with_solutions.value else ""
        self._with_solutions.label = f"all solutions{count}"
        with self._server.atomic():
            self._ghosts.place(others)

    def _target_pose(self) -> np.ndarray:
        from viser.transforms import SO3

        pose = np.eye(4)
        pose[:3, :3] = SO3(np.asarray(self._target.wxyz)).as_matrix()
        pose[:3, 3] = self._target.position
        return pose

    def _write(self, pose: np.ndarray, state: str) -> None:
        x, y, z = 1e3 * pose[:3, 3]
        lines = [f"**{self.link}** at {x:.1f}, {y:.1f}, {z:.1f} mm", state, self._nearest]
        self._text.content = "  \n".join(filter(None, lines))


def _shown(slider: Slider, value: float) -> float:
    """The value of a slider at a value in rad or m, which may be beyond the limits."""
    digits = 1 if slider.symbol else 3
    return float(np.clip(round(value / slider.unit, digits), slider.lower, slider.upper))
