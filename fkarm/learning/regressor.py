"""A network that proposes several configurations for a pose."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._checks import check_count
from fkarm._types import Tensor
from fkarm.geometry.native import clip
from fkarm.kinematics.joint_space import representable_bounds, without_wide_limits
from fkarm.layers import ForwardKinematics, JointLimits
from fkarm.learning.ik_model import FEATURES, IKModel, checked_pose, pose_scale
from fkarm.learning.network import ResidualNetwork
from fkarm.losses import BestHeadPoseLoss, PoseLoss
from fkarm.metrics import OrientationError, PositionError
from fkarm.model import Robot


@keras.saving.register_keras_serializable(package="fkarm")
class IKRegressor(IKModel):
    """Pose in, several joint configurations out, learned through forward kinematics.

    A pose has several solutions, and a network with one answer learns a mean between them that
    solves nothing: here every head learns answers of its own. The loss is that of the head whose
    pose is best (`fkarm.losses.BestHeadPoseLoss`), and metrics are of that head. Configurations are
    within the joint limits by construction. Joints that turn endlessly, or by a turn and more, come
    from a sine and a cosine (`fkarm.layers.JointLimits`), between -pi and pi. `predict_ik` makes
    exact solutions of the candidates.

    Train it with `fit` on `fkarm.learning.pose_stream` or `PoseBatches`, whose labels are poses, or
    from the command line: `python -m fkarm train`.

    Args:
        robot: `fkarm.Robot`.
        link: Link to reach with; None: `robot.end_effector`.
        heads: Candidates per pose.
        width: Units of a hidden layer.
        depth: Hidden layers.
        **kwargs: `name`, `dtype`, ... of `keras.Model`.
    Call arguments:
        pose: Target poses as `"xyz_rot6d"`, m. Shape `(n, 9)`.
    Returns:
        Configurations, rad or m. Shape `(n, heads, dof)`.
    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link does not exist.
        RobotError: If a sliding joint lacks a limit, or a joint turns freely.
        ValueError: If no joint moves the link, `heads`, `width` or `depth` is not a whole number
            >= 1, or `pose` has another shape.
    Example:
        >>> model = fkarm.learning.IKRegressor(fkarm.robots.ur5e(), heads=4)
        >>> model(np.zeros((2, 9), "float32")).shape
        TensorShape([2, 4, 6])
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        heads: int = 4,
        width: int = 256,
        depth: int = 5,
        **kwargs: Any,
    ) -> None:
        for name, count in {"heads": heads, "width": width, "depth": depth}.items():
            check_count(name, count)
        super().__init__(robot, link, **kwargs)
        self.heads, self.width, self.depth = heads, width, depth
        self._limits = JointLimits(without_wide_limits(robot), dtype="float32")
        self._bounds = representable_bounds(robot.lower_limits, robot.upper_limits, "float32")
        self._forward = ForwardKinematics(robot, self.link, dtype="float32")
        self._scale = pose_scale(robot, robot.root_link)
        self._network = ResidualNetwork(
            width, depth, heads * self._limits.input_size, self.dtype_policy
        )
        self.build((None, FEATURES))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self._limits.build((None, self.heads, self._limits.input_size))
        self._forward.build((None, self.heads, self.robot.dof))
        self._network.build((None, FEATURES))
        self.built = True

    def call(self, pose: Tensor) -> Tensor:
        x = self._network(ops.multiply(checked_pose(pose), self._scale))
        x = ops.reshape(x, (-1, self.heads, self._limits.input_size))
        return clip(self._limits(x), *self._bounds)

    def candidates(self, pose: Tensor) -> Tensor:
        """The configurations of the heads. `(n, 9)` to `(n, heads, dof)`."""
        return self(pose)

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`; the loss gets the poses of all heads, metrics the best one.

        Args:
            optimizer: Optimizer.
            loss: Loss of true poses `(n, 4, 4)` and reached poses `(n, heads, 4, 4)`; None:
                `BestHeadPoseLoss` with its default weights.
            loss_weights: As in Keras.
            metrics: Metrics of true poses and reached poses, both `(n, 4, 4)`; None: position error
                in mm and orientation error in degrees.
            **kwargs: The other arguments of `keras.Model.compile`.
        Raises:
            ValueError: If the loss compares single poses, as `PoseLoss` does, or is one of Keras,
                which know no heads.
        """
        is_of_keras = isinstance(loss, str) or str(getattr(loss, "__module__", "")).startswith(
            "keras."
        )
        is_of_one_pose = isinstance(loss, PoseLoss) and not isinstance(loss, BestHeadPoseLoss)
        if is_of_keras or is_of_one_pose:
            raise ValueError(
                "loss must compare true poses (n, 4, 4) with those of all heads (n, heads, 4, 4). "
                f"Received: {loss!r}. Try fkarm.losses.BestHeadPoseLoss."
            )
        loss = BestHeadPoseLoss() if loss is None else loss
        metrics = [PositionError(), OrientationError()] if metrics is None else metrics
        super().compile(optimizer, loss, loss_weights, metrics, **kwargs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The compiled loss, of the poses that the heads reach."""
        shape = None if y is None else tuple(y.shape)
        if shape is None or len(shape) != 3 or shape[1:] != (4, 4):
            raise ValueError(
                f"The labels of IKRegressor must be poses, (n, 4, 4). Received: shape {shape}. "
                "Try pose_stream(..., labels='pose')."
            )
        return super().compute_loss(x, y, self._forward(y_pred), sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The compiled metrics, of the pose that the best head reaches."""
        poses = self._forward(y_pred)  # (n, heads, 4, 4)
        best = ops.argmin(BestHeadPoseLoss().of_heads(y, poses), axis=-1)
        is_best = ops.one_hot(best, self.heads, dtype=poses.dtype)[..., None, None]
        return super().compute_metrics(x, y, ops.sum(is_best * poses, axis=-3), sample_weight)

    def get_config(self) -> dict[str, Any]:
        sizes = {"heads": self.heads, "width": self.width, "depth": self.depth}
        return {**super().get_config(), **sizes}
