"""A conditional normalizing flow: many different configurations for one pose."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm._checks import check_count, check_non_negative
from fkarm._types import Tensor, TensorLike
from fkarm.geometry import matrix_to_pose, pose_to_matrix
from fkarm.geometry.native import clip
from fkarm.ik.arguments import WEIGHTS, Question, read_question
from fkarm.kinematics.forward import check_configuration_shape
from fkarm.kinematics.sampling import inward_bounds, sampling_bounds
from fkarm.layers import ForwardKinematics
from fkarm.learning.ik_model import FEATURES, IKModel
from fkarm.learning.spline import spline, spline_size
from fkarm.losses import PoseLoss
from fkarm.metrics import OrientationError, PositionError
from fkarm.model import Robot

CANDIDATES = 8  # samples that `predict_ik` chooses from
_FEW = 8  # in training one pose in eight is sampled, for the metrics


@keras.saving.register_keras_serializable(package="fkarm")
class IKFlow(IKModel):
    """The distribution of the joint configurations that reach a pose, learned.

    A conditional flow of spline couplings [Durkan2019] between numbers drawn evenly from a cube and
    configurations within the joint limits: half of the entries are bent by splines that the other
    half and the pose describe, then the other half, and so on. Splines with bounded bins
    and slopes on a bounded interval keep all numbers finite. The loss is the negative logarithm of
    the density of configurations that reach the pose; metrics are of samples.

    Train it with `fit` on `pose_stream(..., target="configuration")`, or from the command line.

    Args:
        robot: `fkarm.Robot`; needs two joint entries.
        link: Link to reach with; None: `robot.end_effector`.
        couplings: How many times half of the entries are bent.
        width: Units of a hidden layer.
        bins: Pieces of a spline.
        reach_weight: Above 0 the loss is also `reach_weight` times the pose error of a sample
            (1 a metre, 0.3 a radian) less the logarithm of its volume: samples become more
            accurate sooner and stand for fewer of the solutions, and a step takes twice as long.
        seed: Of the choice of halves and of samples.
        **kwargs: `name`, `dtype`, ... of `keras.Model`.
    Call arguments:
        pose: Target as `"xyz_rot6d"`, m. Shape `(n, 9)`.
    Returns:
        The sample in the middle, the same one each time, rad or m. Shape `(n, dof)`.
    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link does not exist.
        RobotError: If a sliding joint lacks a limit, or a joint turns freely.
        ValueError: If no joint moves the link, the robot has one joint entry only, an argument is
            out of range or the input's shape is another.
    Reference:
        [Ames2022] for the idea; [Durkan2019] for the splines.
    Example:
        >>> flow = fkarm.learning.IKFlow(fkarm.robots.ur5e())
        >>> q = flow.sample(np.eye(4), 5)
        >>> q.shape, flow.log_prob(q, np.eye(4)).shape
        ((5, 6), (5,))
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        couplings: int = 6,
        width: int = 128,
        bins: int = 8,
        reach_weight: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        for name, count in {"couplings": couplings, "width": width, "bins": bins}.items():
            check_count(name, count)
        check_non_negative("reach_weight", reach_weight)
        super().__init__(robot, link, **kwargs)
        if robot.dof < 2:
            raise ValueError(f"IKFlow needs two joint entries. Received: {robot.dof}.")
        self.couplings, self.width, self.bins = couplings, width, bins
        self.reach_weight, self.seed = float(reach_weight), seed
        lower, upper = sampling_bounds(robot)
        self._middle, self._half = np.float32((lower + upper) / 2), np.float32((upper - lower) / 2)
        self._bounds = inward_bounds(lower, upper, "float32")
        self._forward = ForwardKinematics(robot, self.link, dtype="float32")
        self._parts = _halves(robot.dof, couplings, seed)
        self._encoder = [self._dense(2 * width), self._dense(width)]
        self._networks = [
            [
                self._dense(width),
                self._dense(width),
                keras.layers.Dense(
                    len(moved) * spline_size(bins), kernel_initializer="zeros", dtype="float32"
                ),
            ]
            for _, moved in self._parts
        ]
        self._random = keras.random.SeedGenerator(seed)
        self._likelihood = keras.metrics.Mean("negative_log_likelihood")
        self._position, self._orientation = PositionError(), OrientationError()
        self.build((None, FEATURES))

    @staticmethod
    def _dense(units: int) -> keras.layers.Dense:
        return keras.layers.Dense(units, activation="silu")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self._forward.build((None, self.robot.dof))
        chains = [(FEATURES, self._encoder)]
        chains += [
            (self.width + 3 * len(kept), network)
            for (kept, _), network in zip(self._parts, self._networks, strict=True)
        ]
        for size, chain in chains:
            for layer in chain:
                layer.build((None, size))
                size = layer.units
        self.built = True

    def call(self, pose: Tensor) -> Tensor:
        return self._configurations(
            ops.zeros((ops.shape(pose)[0], self.robot.dof), "float32"), pose
        )[0]

    def candidates(self, pose: Tensor) -> Tensor:
        """Samples to start from. `(n, 9)` to `(n, 8, dof)`."""
        return self._several(pose, CANDIDATES, 1.0)

    def sample(self, target: TensorLike, n: int, spread: float = 1.0) -> np.ndarray:
        """Different configurations that nearly reach targets.

        Args:
            target: Poses in the root link's frame, m. Shape `(..., 4, 4)`.
            n: How many for each.
            spread: Below 1 samples come from nearer to the middle of the cube: more accurate and
                less different; 0: one sample, `n` times.
        Returns:
            Within the limits, rad or m; NaN for a target with NaN; float32. Shape `(..., n, dof)`.
        Raises:
            ValueError: If a target is no pose, `n` is not a whole number >= 1 or `spread` is not
                from 0 to 1.
        """
        check_count("n", n)
        if not 0 <= spread <= 1:
            raise ValueError(f"spread must be from 0 to 1. Received: {spread!r}.")
        question, pose = self._features(target)
        q = np.array(ops.convert_to_numpy(self._several(pose, n, spread)))
        q[~question.is_finite] = np.nan
        return q.reshape((*question.batch, n, self.robot.dof))

    def log_prob(self, q: TensorLike, target: TensorLike) -> np.ndarray:
        """Logarithm of the density of configurations, given the pose; its unit is rad^-dof.

        Args:
            q: Configurations, rad or m. Shape `(..., dof)`; the density outside the limits is 0.
            target: Poses in the root link's frame, m. Shape `(..., 4, 4)`, batch axes those of `q`,
                or all but its last, as for the samples of each target.
        Returns:
            NaN where an argument is. Shape `(...)`.
        Raises:
            ValueError: If a target is no pose or shapes do not match.
        """
        question, pose = self._features(target)
        q = np.asarray(ops.convert_to_numpy(q), np.float32)
        check_configuration_shape(self.robot, q.shape)
        batch = q.shape[:-1]
        if question.batch not in (batch, batch[:-1]):
            raise ValueError(
                "target must have the batch axes of q, or all but the last. Received: "
                f"{question.batch} and {batch}."
            )
        count = 1 if question.batch == batch else batch[-1]
        rows = q.reshape((-1, self.robot.dof))
        found = ops.convert_to_numpy(self.log_density(ops.repeat(pose, count, axis=0), rows))
        lower, upper = self._bounds
        is_outside = ((rows < lower) | (rows > upper)).any(axis=-1)
        is_known = np.repeat(question.is_finite, count) & np.isfinite(rows).all(axis=-1)
        found = np.where(is_known, np.where(is_outside, -np.inf, found), np.nan)
        return found.reshape(batch)

    def log_density(self, pose: Tensor, q: Tensor) -> Tensor:
        """`log_prob` as a tensor, differentiable. `(n, 9)` and `(n, dof)` to `(n,)`."""
        x = (ops.cast(q, "float32") - self._middle) / self._half
        _, logarithm = self._bent(x, pose, inverse=False)
        return logarithm - float(np.sum(np.log(2.0 * self._half)))

    def compile(self, optimizer: Any = "adam", jit_compile: Any = None, **kwargs: Any) -> None:
        """As `keras.Model.compile`; the loss is the flow's own.

        Args:
            optimizer: Optimizer; give it `global_clipnorm`.
            jit_compile: As in Keras; None: wherever there is XLA, which halves the time.
            **kwargs: The other arguments of `keras.Model.compile`, but for a loss.
        """
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
        """Negative log-likelihood of the configurations; see `reach_weight` for the rest."""
        if len(y.shape) != 2 or y.shape[-1] != self.robot.dof:
            raise ValueError(
                f"The targets of IKFlow must be configurations, (n, {self.robot.dof}). Received: "
                f"shape {tuple(y.shape)}. Try pose_stream(..., target='configuration')."
            )
        total = unlikely = -self.log_density(x, y)
        self._likelihood.update_state(unlikely, sample_weight)
        # Samples cost as much as the likelihood: for the metrics of training a few will do.
        stride = _FEW if training and not self.reach_weight else 1
        seed = self._random if training else self.seed
        q, volume = self._drawn(x[::stride], 1.0, seed)
        target, reached = pose_to_matrix(x[::stride], "xyz_rot6d"), self._forward(q)
        weight = None if sample_weight is None else sample_weight[::stride]
        for metric in (self._position, self._orientation):
            metric.update_state(target, reached, weight)
        if self.reach_weight:
            total += self.reach_weight * PoseLoss(*WEIGHTS).call(target, reached) - volume
        # Keras' own reduction, which knows of weights and of several devices.
        return _Given(name="given")(total, total, sample_weight)

    def _features(self, target: TensorLike) -> tuple[Question, Any]:
        question = read_question(self.robot, target, self.link, tolerances=(1.0, 1.0))
        poses = question.targets[:, 0].astype("float32")
        return question, matrix_to_pose(poses, "xyz_rot6d")

    def _several(self, pose: Tensor, n: int, spread: float) -> Tensor:
        q, _ = self._drawn(ops.repeat(pose, n, axis=0), spread, self._random)
        return ops.reshape(q, (-1, n, self.robot.dof))

    def _drawn(self, pose: Tensor, spread: float, seed: Any) -> tuple[Tensor, Tensor]:
        """One sample for each pose, and the logarithm of the volume that stands for it."""
        shape = (ops.shape(pose)[0], self.robot.dof)
        z = spread * keras.random.uniform(shape, -1.0, 1.0, "float32", seed)
        return self._configurations(z, pose)

    def _configurations(self, z: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        x, logarithm = self._bent(z, pose, inverse=True)
        return clip(ops.multiply(x, self._half) + self._middle, *self._bounds), logarithm

    def _bent(self, x: Tensor, pose: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        """From the cube of configurations to that of even numbers, or back; log of the volume."""
        about = ops.cast(self._through(self._encoder, self.scaled(pose)), "float32")
        columns = list(ops.unstack(x, self.robot.dof, axis=-1))
        logarithm = ops.zeros_like(columns[0])
        steps = list(zip(self._parts, self._networks, strict=True))
        for (kept, moved), network in reversed(steps) if inverse else steps:
            known = ops.stack([columns[k] for k in kept], axis=-1)
            turns = math.pi * known
            raw = self._through(
                network, ops.concatenate([known, ops.sin(turns), ops.cos(turns), about], axis=-1)
            )
            raw = ops.reshape(raw, (-1, len(moved), spline_size(self.bins)))
            old = ops.stack([columns[k] for k in moved], axis=-1)
            new, slopes = spline(old, raw, self.bins, inverse)
            for k, column in zip(moved, ops.unstack(new, len(moved), axis=-1), strict=True):
                columns[k] = column
            logarithm = logarithm + ops.sum(slopes, axis=-1)
        return ops.stack(columns, axis=-1), logarithm

    @staticmethod
    def _through(layers: list[keras.layers.Layer], x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "couplings": self.couplings,
            "width": self.width,
            "bins": self.bins,
            "reach_weight": self.reach_weight,
            "seed": self.seed,
        }


def _has_xla() -> bool:
    """Whether the backend can compile a step with XLA here."""
    if keras.backend.backend() != "tensorflow":
        return bool(keras.backend.backend() == "jax")
    import tensorflow as tf

    # A strategy keeps the state of the samples' generator where XLA cannot reach it.
    return not tf.distribute.has_strategy()


class _Given(keras.losses.Loss):
    """A loss that was computed before: its reduction."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_pred


def _halves(dof: int, couplings: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """For each coupling which entries are kept and which are bent; each pair bends all."""
    rng = np.random.default_rng(seed)
    parts: list[tuple[list[int], list[int]]] = []
    for _ in range((couplings + 1) // 2):
        order = rng.permutation(dof).tolist()
        first, second = sorted(order[: dof // 2]), sorted(order[dof // 2 :])
        parts += [(first, second), (second, first)]
    return parts[:couplings]
