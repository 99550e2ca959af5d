"""A conditional normalizing flow: many different configurations for one pose."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm._checks import check_count
from fkarm._types import Tensor, TensorLike
from fkarm.geometry import compose_transforms, invert_transform, matrix_to_pose, pose_to_matrix
from fkarm.geometry.native import clip, to_numpy
from fkarm.ik.request import Request, read_request
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.arguments import check_configuration_shape, configuration_array
from fkarm.kinematics.joint_space import representable_bounds, sampling_bounds
from fkarm.layers import ForwardKinematics
from fkarm.learning.ik_model import FEATURES, IKModel, checked_pose, pose_scale
from fkarm.learning.network import ResidualNetwork
from fkarm.learning.spline import MOST_BINS, spline, spline_size
from fkarm.losses.reduction import reduced
from fkarm.metrics import OrientationError, PositionError
from fkarm.model import Robot

CANDIDATES = 8  # samples that `predict_ik` chooses from
_METRICS_STRIDE = 16  # in training the metrics sample one pose in sixteen


@keras.saving.register_keras_serializable(package="fkarm")
class IKFlow(IKModel):
    """The distribution of the joint configurations that reach a pose, learned.

    An autoregressive flow maps uniform random numbers in a cube to configurations within the joint
    limits. From the root to the link, one spline [Durkan2019] per joint entry maps a number in
    [-1, 1] to the value of the entry. Every entry has a network of its own, which computes the
    numbers that describe the spline. Its input is the target pose, seen from the frame that the
    entries before it lead to, and the sines and cosines of those entries. Where no joint mimics
    another or has several entries, that pose alone decides which values of the entry are possible.
    So the networks learn small problems, and the last joints correct errors of the first ones. The
    splines have bounded bins and slopes on a bounded interval, so all numbers are finite. The loss
    is the negative logarithm of the density at configurations that reach the pose. Metrics are
    those of samples.

    Train it with `fit` on `pose_stream(..., labels="configuration")`, or from the command line.

    Args:
        robot: `fkarm.Robot`.
        link: Link to reach with; None: `robot.end_effector`.
        width: Units of a hidden layer.
        depth: Hidden layers per network; every joint entry has one.
        bins: Bins per spline.
        seed: Seed of the samples.
        **kwargs: `name`, `dtype`, ... of `keras.Model`.
    Call arguments:
        pose: Target poses as `"xyz_rot6d"`, m. Shape `(n, 9)`.
    Returns:
        The sample that belongs to the middle of the cube, rad or m. Shape `(n, dof)`.
    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link does not exist.
        RobotError: If a sliding joint lacks a limit, or a joint turns freely.
        ValueError: If no joint moves the link, an argument is out of range or `pose` has another
            shape.
    Reference:
        [Ames2022] for flows in inverse kinematics, [Papamakarios2017] for autoregressive ones,
        [Durkan2019] for the splines.
    Example:
        >>> flow = fkarm.learning.IKFlow(fkarm.robots.ur5e())
        >>> q = flow.sample(np.eye(4), 5)
        >>> q.shape, flow.log_prob(q, np.eye(4)).shape
        ((5, 6), (5,))
    """

    labels = "configuration"

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        width: int = 128,
        depth: int = 3,
        bins: int = 16,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        for name, count in {"width": width, "depth": depth, "bins": bins}.items():
            check_count(name, count)
        if bins > MOST_BINS:
            raise ValueError(f"bins must be at most {MOST_BINS}. Received: {bins}.")
        super().__init__(robot, link, **kwargs)
        self.width, self.depth, self.bins, self.seed = width, depth, bins, seed
        lower, upper = sampling_bounds(robot)
        self._middle = ((lower + upper) / 2).astype("float32")
        half = np.where(upper > lower, (upper - lower) / 2, 1.0)  # 1 for a joint that cannot move
        self._half = half.astype("float32")
        self._limits = lower.astype("float32"), upper.astype("float32")
        self._bounds = representable_bounds(lower, upper, "float32")
        self._order, self._frames = _from_the_root(robot, self.link)
        self._scales = [pose_scale(robot, frame) for frame in self._frames]
        self._links = list(dict.fromkeys(self._frames))
        self._forward = ForwardKinematics(robot, self._links, dtype="float32")
        self._networks = [
            ResidualNetwork(
                width, depth, spline_size(bins), self.dtype_policy, kernel_initializer="zeros"
            )
            for _ in self._order
        ]
        self._random = keras.random.SeedGenerator(seed)
        self._likelihood = keras.metrics.Mean("negative_log_likelihood")
        self._position, self._orientation = PositionError(), OrientationError()
        self.build((None, FEATURES))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self._forward.build((None, self.robot.dof))
        for before, network in enumerate(self._networks):
            network.build((None, FEATURES + 2 * before))
        self.built = True

    def call(self, pose: Tensor) -> Tensor:
        even = ops.zeros((ops.shape(pose)[0], self.robot.dof), "float32")
        return self._configurations(even, pose)

    def candidates(self, pose: Tensor) -> Tensor:
        """Samples to start from. `(n, 9)` to `(n, 8, dof)`."""
        return self._several(pose, CANDIDATES, 1.0)

    def sample(self, target_poses: TensorLike, n: int, spread: float = 1.0) -> np.ndarray:
        """Different configurations that nearly reach target poses.

        Args:
            target_poses: Poses in the root link's frame, m. Shape `(..., 4, 4)`.
            n: Number of samples per target.
            spread: Below 1, samples come from nearer to the middle of the cube and are more
                accurate and less different; 0: one sample, `n` times.
        Returns:
            Configurations within the limits, rad or m, float32; NaN for a target with NaN. Shape
            `(..., n, dof)`.
        Raises:
            ValueError: If a target is no pose, `n` is not a whole number >= 1 or `spread` is not
                from 0 to 1.
        """
        check_count("n", n)
        if not 0 <= spread <= 1:
            raise ValueError(f"spread must be from 0 to 1. Received: {spread!r}.")
        request, pose = self._features(target_poses)
        q = np.array(to_numpy(self._several(pose, n, spread)))
        q[~request.is_finite] = np.nan
        return q.reshape((*request.batch, n, self.robot.dof))

    def log_prob(self, q: TensorLike, target_poses: TensorLike) -> np.ndarray:
        """Logarithm of the density of configurations, given target poses.

        The density is that of the values of all entries, in rad or m.

        Args:
            q: Configurations, rad or m. Shape `(..., dof)`. Outside the limits, and outside -pi to
                pi for joints that turn endlessly, the density is 0.
            target_poses: Poses in the root link's frame, m. Shape `(..., 4, 4)`. Their batch axes
                are those of `q`, or all but its last one, as for the samples of every target.
        Returns:
            float32; -inf where the density is 0, NaN where an argument is NaN. Shape `(...)`.
        Raises:
            ValueError: If a target is no pose or shapes do not match.
        """
        request, pose = self._features(target_poses)
        q = configuration_array("q", q).astype(np.float32)
        check_configuration_shape(self.robot, q.shape)
        batch = q.shape[:-1]
        if request.batch not in (batch, batch[:-1]):
            raise ValueError(
                "target_poses must have the batch axes of q, or all but the last. Received: "
                f"{request.batch} and {batch}."
            )
        count = 1 if request.batch == batch else batch[-1]
        rows = q.reshape((-1, self.robot.dof))
        density = to_numpy(self.log_density(ops.repeat(pose, count, axis=0), rows))
        lower, upper = self._limits
        is_outside = ((rows < lower) | (rows > upper)).any(axis=-1)
        is_known = np.repeat(request.is_finite, count) & np.isfinite(rows).all(axis=-1)
        density = np.where(is_known, np.where(is_outside, -np.inf, density), np.nan)
        return density.reshape(batch)

    def log_density(self, pose: Tensor, q: Tensor) -> Tensor:
        """`log_prob` as a tensor, differentiable. `(n, 9)` and `(n, dof)` to `(n,)`."""
        q = ops.cast(q, "float32")
        target = _to_matrix(pose)
        reached = self._forward(q)  # (n, links, 4, 4)
        # The density of an even distribution within the limits, times the slope of every spline.
        total = ops.full_like(q[:, 0], -float(np.sum(np.log(2.0 * self._half))))
        for step, (entry, frame) in enumerate(zip(self._order, self._frames, strict=True)):
            raw = self._raw_spline(step, target, reached[:, self._links.index(frame)], q)
            even = (q[:, entry] - self._middle[entry]) / self._half[entry]  # in [-1, 1]
            total = total + spline(even, raw, self.bins)[1]
        return total

    def compile(
        self,
        optimizer: Any = "adam",
        loss: None = None,
        *,
        jit_compile: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`; the loss is the flow's own.

        Args:
            optimizer: Optimizer; give it `global_clipnorm`.
            loss: Must be None.
            jit_compile: As in Keras; None: wherever there is XLA, which halves the time of a step.
            **kwargs: The other arguments of `keras.Model.compile`.
        Raises:
            ValueError: If a loss is given.
        """
        if loss is not None:
            raise ValueError(
                f"IKFlow has a loss of its own: loss must be None. Received: {loss!r}. For a loss "
                "of poses see IKRegressor."
            )
        jit_compile = _has_xla() if jit_compile is None else jit_compile
        super().compile(optimizer, jit_compile=jit_compile, **kwargs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Negative log-likelihood of the configurations."""
        shape = None if y is None else tuple(y.shape)
        if shape is None or len(shape) != 2 or shape[-1] != self.robot.dof:
            raise ValueError(
                f"The labels of IKFlow must be configurations, (n, {self.robot.dof}). Received: "
                f"shape {shape}. Try pose_stream(..., labels='configuration')."
            )
        unlikely = -self.log_density(x, y)
        self._likelihood.update_state(unlikely, sample_weight)
        # Samples take longer than the likelihood, so the metrics of a training step take few.
        stride = _METRICS_STRIDE if training else 1
        q = self._samples(x[::stride], 1.0, self._random if training else self.seed)
        reached = forward_kinematics(self.robot, q, self.link)
        weight = None if sample_weight is None else sample_weight[::stride]
        for metric in (self._position, self._orientation):
            metric.update_state(_to_matrix(x[::stride]), reached, weight)
        return reduced(unlikely, sample_weight, None, "sum_over_batch_size", "float32")

    def _features(self, target_poses: TensorLike) -> tuple[Request, Any]:
        """The checked targets, and what the networks see of them, of shape `(n, 9)`."""
        request = read_request(self.robot, target_poses, self.link)
        poses = request.targets[:, 0].astype("float32")
        return request, matrix_to_pose(poses, "xyz_rot6d")

    def _several(self, pose: Tensor, n: int, spread: float) -> Tensor:
        """Samples for every pose. `(m, 9)` to `(m, n, dof)`."""
        q = self._samples(ops.repeat(pose, n, axis=0), spread, self._random)
        return ops.reshape(q, (-1, n, self.robot.dof))

    def _samples(self, pose: Tensor, spread: float, seed: Any) -> Tensor:
        """One sample per pose. `(n, 9)` to `(n, dof)`."""
        shape = (ops.shape(pose)[0], self.robot.dof)
        even = spread * keras.random.uniform(shape, -1.0, 1.0, "float32", seed)
        return self._configurations(even, pose)

    def _configurations(self, even: Tensor, pose: Tensor) -> Tensor:
        """From points of the cube to configurations, both `(n, dof)`, entry after entry."""
        target = _to_matrix(pose)
        columns = list(ops.unstack(ops.zeros_like(even), self.robot.dof, axis=-1))  # dof of (n,)
        for step, (entry, frame) in enumerate(zip(self._order, self._frames, strict=True)):
            # The frame does not depend on the entries that are still zero.
            q = ops.stack(columns, axis=-1)
            raw = self._raw_spline(step, target, forward_kinematics(self.robot, q, frame), q)
            bent, _ = spline(even[:, entry], raw, self.bins, inverse=True)
            lower, upper = (float(bound[entry]) for bound in self._bounds)
            bent = float(self._middle[entry]) + float(self._half[entry]) * bent
            columns[entry] = clip(bent, lower, upper)
        return ops.stack(columns, axis=-1)

    def _raw_spline(self, step: int, target: Tensor, frame: Tensor, q: Tensor) -> Tensor:
        """The numbers that describe the spline of an entry. Shape `(n, spline_size(bins))`.

        Args:
            step: Index of the entry in `_order`.
            target: Target poses. Shape `(n, 4, 4)`.
            frame: Frames that the entries before it lead to. Shape `(n, 4, 4)`.
            q: Configurations, of which only the entries before it count. Shape `(n, dof)`.
        """
        seen = compose_transforms(invert_transform(frame), target)  # the target in that frame
        features = [ops.multiply(matrix_to_pose(seen, "xyz_rot6d"), self._scales[step])]
        if step:
            before = ops.stack([q[:, entry] for entry in self._order[:step]], axis=-1)  # (n, step)
            features += [ops.sin(before), ops.cos(before)]
        return self._networks[step](ops.concatenate(features, axis=-1))

    def get_config(self) -> dict[str, Any]:
        sizes = {"width": self.width, "depth": self.depth, "bins": self.bins, "seed": self.seed}
        return {**super().get_config(), **sizes}


def _to_matrix(pose: Tensor) -> Tensor:
    return pose_to_matrix(checked_pose(pose), "xyz_rot6d")


def _from_the_root(robot: Robot, link: str) -> tuple[list[int], list[str]]:
    """The entries of `q` from the root to the link, and per entry the parent link of its joint.

    Entries that do not move the link come last, with the link itself instead of a parent.
    """
    frames: dict[int, str] = {}
    for joint in robot.path_to(link):
        if joint.name in robot.coordinates:
            first = robot.coordinates[joint.name].index
            for entry in range(first, first + len(joint.entries)):
                frames.setdefault(entry, str(joint.parent))
    for entry in range(robot.dof):
        frames.setdefault(entry, link)
    return list(frames), list(frames.values())


def _has_xla() -> bool:
    """Whether the backend can compile a step with XLA here."""
    if keras.backend.backend() != "tensorflow":
        return bool(keras.backend.backend() == "jax")
    import tensorflow as tf

    # Under a strategy, XLA cannot reach the state of the generator of samples.
    return not tf.distribute.has_strategy()
