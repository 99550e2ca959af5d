"""What networks for inverse kinematics share: a pose goes in, an exact configuration comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.collision.obstacles import Obstacle
from fkarm.errors import RobotError
from fkarm.geometry import matrix_to_pose
from fkarm.geometry.native import to_numpy
from fkarm.ik import IKResult, solve_ik
from fkarm.ik.batch import run_in_chunks
from fkarm.ik.clearance import judged, surroundings
from fkarm.ik.problem import (
    ORIENTATION_TOLERANCE,
    POSITION_TOLERANCE,
    WEIGHTS,
    Task,
    Weights,
    make_problem,
)
from fkarm.ik.proposals import best_refined
from fkarm.ik.request import read_request
from fkarm.kinematics.joint_space import FREE_LENGTH, sampling_bounds
from fkarm.layers.robot_argument import robot_entry, with_robot
from fkarm.learning.presets import PresetModel
from fkarm.model import Robot
from fkarm.model.argument import check_robot
from fkarm.model.report import reach_below

FEATURES = 9  # numbers of a pose written as "xyz_rot6d"


class IKModel(PresetModel):
    """A Keras model from a pose to several candidate configurations. Subclasses say how.

    Args:
        robot: `fkarm.Robot`.
        link: Link to reach with; None: `robot.end_effector`.
        **kwargs: `name`, `dtype`, ... of `keras.Model`.
    Attributes:
        labels: What it is trained on together with poses, as for `pose_stream`: `"pose"` or
            `"configuration"`.
    """

    labels = "pose"

    def __init__(self, robot: Robot, link: str | None, **kwargs: Any) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        self.autocast = False  # rounded to half precision, a pose is off by millimetres
        self.robot, self.link = robot, robot.end_effector if link is None else link
        make_problem(robot, (self.link,))  # raises if no joint moves the link
        sampling_bounds(robot)  # raises if a joint slides without limits
        if any("quaternion" in joint.entries for joint in robot.independent_joints):
            raise RobotError(
                f"{type(self).__name__} needs a robot on a fixed base. Received: joints that turn "
                "freely. Fix them: with_fixed_joints."
            )

    def candidates(self, pose: Tensor) -> Tensor:
        """Configurations to start from. `(n, 9)` to `(n, count, dof)`."""
        raise NotImplementedError

    def propose(self, pose: np.ndarray) -> np.ndarray:
        """The candidates as an array, computed in chunks that Keras compiles.

        Args:
            pose: Target poses as `"xyz_rot6d"`, m. Shape `(n, 9)`.
        Returns:
            Configurations within the limits, rad or m. Float32, shape `(n, count, dof)`.
        Raises:
            ValueError: If `pose` has another shape.
        """
        pose = np.asarray(pose)
        _check_pose_shape(pose.shape)
        return run_in_chunks(lambda part: [self._proposed(part)], pose)[0]

    @cached_property
    def _proposed(self) -> Callable[[Tensor], np.ndarray]:
        # A bound method instead of the proposer: Keras cannot save a model that holds a model that
        # holds it.
        return _Proposer(self).predict_on_batch

    def predict_ik(
        self,
        target_poses: TensorLike,
        steps: int = 3,
        *,
        retry: bool = True,
        position_tolerance: float = POSITION_TOLERANCE,
        orientation_tolerance: float = ORIENTATION_TOLERANCE,
        q_init: TensorLike | None = None,
        q_ref: TensorLike | None = None,
        joint_mask: Sequence[bool] | None = None,
        task: Task = "pose",
        frame: str = "root",
        weights: Weights = WEIGHTS,
        limit_margin: float = 0.0,
        posture_weight: float = 0.0,
        clearance: float | None = None,
        obstacles: Obstacle | Iterable[Obstacle] | None = None,
    ) -> IKResult:
        """Configurations that reach target poses, from the best candidates of the network.

        Forward kinematics picks the two best candidates per target. A few damped least-squares
        steps refine them, and the better one is the answer. Where it misses a tolerance,
        `fkarm.solve_ik` starts from it.

        Args:
            target_poses: Poses in the root link's frame, m. Shape `(..., 4, 4)`. float32 or
                float64: the type to refine in.
            steps: Number of refinement steps; 0: the network's answer as it is.
            retry: Whether to solve for the targets that are still missed.
            position_tolerance: Largest position error of a solution, m.
            orientation_tolerance: Largest orientation error of a solution, rad.
            q_init: Values of joints that may not move or that move no link, rad or m. Shape
                `(..., dof)`, or `(dof,)` for all targets.
            q_ref: Preferred configuration, rad or m: of the candidates that reach the target, the
                nearest one is the answer. Shape as `q_init`.
            joint_mask: Which entries of `q` may move; the others keep the value of `q_init`.
            task: What of the pose counts, as in `fkarm.solve_ik`.
            frame: Whose axes the task refers to, as in `fkarm.solve_ik`.
            weights: Weights of a metre and of a radian.
            limit_margin: Distance that joints keep from their limits, rad or m.
            posture_weight: Weight of the distance to `q_ref`; with a weight the solver takes over.
            clearance: Smallest distance of a solution between bodies, m, as in `fkarm.solve_ik`,
                which takes over where the network's answer is not clear.
            obstacles: What bodies keep clear of besides, as in `fkarm.solve_ik`.
        Returns:
            `fkarm.IKResult` with the batch axes of the targets. `start_index` is the number of
            the candidate, or of the solver's start where the solver took over.
        Raises:
            TypeError: If it is called while tracing.
            ValueError: If a target is no pose, `steps` is not a whole number >= 0 or an argument is
                out of range.
        """
        if not isinstance(steps, (int, np.integer)) or steps < 0:
            raise ValueError(f"steps must be a whole number >= 0. Received: {steps!r}.")
        values: dict[str, Any] = {
            "position_tolerance": position_tolerance,
            "orientation_tolerance": orientation_tolerance,
            "joint_mask": joint_mask,
            "task": task,
            "frame": frame,
            "weights": weights,
            "limit_margin": limit_margin,
            "posture_weight": posture_weight,
        }
        request = read_request(
            self.robot, target_poses, self.link, q_init=q_init, q_ref=q_ref, **values
        )
        around = surroundings(request, clearance, obstacles)
        poses = request.targets[:, 0]
        pose = to_numpy(matrix_to_pose(poses.astype("float32"), "xyz_rot6d"))
        result = best_refined(request, self.propose(pose), steps)
        if around is not None:
            result = judged(result, around)
            values |= {"clearance": clearance, "obstacles": around.obstacles or None}
        is_missed = ~result.converged if not posture_weight else np.ones_like(result.converged)
        missed = np.flatnonzero(is_missed & request.is_finite)
        if retry and missed.size:
            wish = None if request.q_ref is None else request.q_ref[missed]
            solved = solve_ik(
                self.robot, poses[missed], self.link, q_init=result.q[missed], q_ref=wish, **values
            )
            for field, of_missed in zip(result, solved, strict=True):
                field[missed] = of_missed
        return IKResult(*(field.reshape((*request.batch, *field.shape[1:])) for field in result))

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as the configuration in a file says, with the optimizer's variables."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **robot_entry(self.robot), "link": self.link}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**with_robot(config))


def check_network(model: object) -> None:
    """Raise TypeError unless `model` is a network for inverse kinematics."""
    if not isinstance(model, IKModel):
        raise TypeError(
            "model must be a network for inverse kinematics: IKRegressor or IKFlow. Received: "
            f"{type(model).__name__}."
        )


def checked_pose(pose: Tensor) -> Tensor:
    """Pose features, float32."""
    _check_pose_shape(pose.shape)
    return ops.cast(pose, "float32")


def _check_pose_shape(shape: tuple[int | None, ...]) -> None:
    if len(shape) != 2 or shape[1] not in (None, FEATURES):
        raise ValueError(
            f"pose must have shape (n, {FEATURES}). Received: shape {tuple(shape)}. See "
            "geometry.matrix_to_pose, xyz_rot6d; predict_ik takes poses as matrices."
        )


def pose_scale(robot: Robot, link: str) -> np.ndarray:
    """Factors that bring the features of a pose in a link's frame to about 1. Shape `(9,)`."""
    reach = reach_below(robot.joints, unlimited=FREE_LENGTH)
    longest = max(reach.get(link, 0.0), 0.01 * reach[robot.root_link]) or 1.0
    return np.array([1.0 / longest] * 3 + [1.0] * (FEATURES - 3), np.float32)


class _Proposer(keras.Model):
    """A model that predicts the candidates of a network: Keras compiles `predict`."""

    def __init__(self, network: IKModel) -> None:
        super().__init__(name="candidates")
        self.autocast = False
        self.network = network

    def call(self, pose: Tensor) -> Tensor:
        return self.network.candidates(pose)
