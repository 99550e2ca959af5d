"""Training data: reachable poses, computed by forward kinematics when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import keras
import numpy as np

from fkarm._checks import check_choice, check_count
from fkarm._types import Tensor
from fkarm.errors import RobotError
from fkarm.geometry import matrix_to_pose
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.learning.ahead import Ahead
from fkarm.learning.epochs import EpochCounter
from fkarm.learning.sampler import Sampler
from fkarm.model import Robot

if TYPE_CHECKING:
    import tensorflow as tf

LABELS = ("pose", "configuration")


def pose_stream(
    robot: Robot,
    link: str | None = None,
    *,
    labels: str = "pose",
    batch_size: int = 1024,
    seed: int = 0,
    first_batch: int = 0,
    near_limits: float = 0.0,
    balanced: bool = False,
    is_free: Callable[[Tensor], Tensor] | str | None = None,
) -> tf.data.Dataset:
    """Endless batches of reachable poses, for training inverse kinematics.

    Configurations are uniform within the limits (endless joints over one turn) unless an option
    says otherwise. Their poses come from forward kinematics, so every pose can be reached.
    Nothing is stored: batch `k` depends on `seed` and `k` alone.

    Args:
        robot: The robot.
        link: Link to reach with; None: `robot.end_effector`.
        labels: What to pair a pose with: `"pose"`, the pose as a matrix `(batch_size, 4, 4)`,
            for a loss in task space, or `"configuration"`, the configuration
            `(batch_size, dof)` that it was computed from.
        batch_size: Poses per batch.
        seed: Seed; equal seeds give equal batches.
        first_batch: Number `k` of the first batch. A training with `steps_per_epoch` resumes at
            `first_epoch * steps_per_epoch`.
        near_limits: Share of the configurations, 0 to 1, with one random joint within 2 % of
            its range of a limit. With `balanced` or `is_free` it is the share of the candidates
            that these choose from.
        balanced: Spread the positions of the link evenly over the reachable space. Uniform
            configurations crowd some regions of it. Four candidates are drawn for every
            configuration, and candidates at rare positions are more likely to be chosen.
        is_free: Says which configurations are allowed, such as those free of obstacles: takes
            float32 `(n, dof)`, rad or m, gives bool `(n,)`, in operations that `tf.data` can
            trace (`tf.numpy_function` is one). A trial on 4096 configurations (32768 if
            `balanced`) estimates the share that it accepts, and every batch draws at least twice
            as many candidates as that share asks for. If it still accepts too few of them, the
            batch repeats those. `"self"`: configurations in which the robot's bodies do not
            overlap, `fkarm.collision.self_distance(robot, q) > 0`.
    Returns:
        Dataset of `(pose, label)`, float32. The pose is written as position and first two
        rotation columns (`"xyz_rot6d"`), shape `(batch_size, 9)`.
    Raises:
        UnknownLinkError: If the link does not exist.
        RobotError: If a prismatic joint lacks a limit, a joint turns freely, or `near_limits` is
            given for a robot without limits.
        RuntimeError: If Keras runs on another backend than TensorFlow.
        ValueError: If `labels` is unknown, `batch_size` is not a whole number >= 1, `first_batch`
            is not a whole number >= 0, `near_limits` is no share, or `is_free` does not give one
            bool per configuration, accepts under 1/32 of them or is another text than `"self"`.
    """
    check_tensorflow("pose_stream")
    import tensorflow as tf

    link = _checked_link(robot, link, labels=labels, batch_size=batch_size)
    if not isinstance(first_batch, (int, np.integer)) or first_batch < 0:
        raise ValueError(f"first_batch must be a whole number >= 0. Received: {first_batch!r}.")
    sampler = Sampler(robot, link, batch_size, near_limits, balanced, is_free)

    def batch(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        uniform = tf.random.stateless_uniform(
            sampler.shape, seed=tf.stack([tf.cast(seed, index.dtype), index])
        )
        q = sampler(uniform)
        pose = forward_kinematics(robot, q, link)
        return matrix_to_pose(pose, "xyz_rot6d"), pose if labels == "pose" else q

    numbers = tf.data.Dataset.counter(first_batch)
    return numbers.map(batch).prefetch(2).with_options(without_autotune())


class PoseBatches(keras.utils.PyDataset):
    """Reachable poses as `pose_stream` makes them, on any backend, in epochs, for many processes.

    Batch `k` of epoch `e` depends on `seed`, `e` and `k` alone, whichever thread asks for it. Every
    epoch that `fit` begins has new batches: `fit(epochs=2)` and then
    `fit(initial_epoch=2, epochs=4)` train on the batches of `fit(epochs=4)`. An evaluation counts
    as an epoch too, unless the data have `fixed=True`. Give `shuffle=False` to `fit`: batches are
    random already, and only in their order does an interrupted training end like an uninterrupted
    one. `fit` needs no `steps_per_epoch` of its own.

    Args:
        robot: The robot.
        link: Link to reach with; None: `robot.end_effector`.
        labels: `"pose"` or `"configuration"`, as for `pose_stream`.
        batch_size: Poses per batch, of all processes together.
        steps_per_epoch: Batches per epoch.
        seed: Seed; equal seeds give equal batches.
        part: `(process, processes)`: which share of every batch to give, see `join_hosts`.
        first_epoch: Epoch to begin with, see `Checkpoint.first_epoch`.
        near_limits, balanced, is_free: Where configurations are drawn, as for `pose_stream`.
        fixed: Whether all epochs have the batches of the first one, as an evaluation needs it.
        workers: Threads that make batches ahead of the training; 1: the thread that asks.
        max_queue_size: How many batches several workers make ahead, at most.
        use_multiprocessing: Must be False: TensorFlow, JAX and PyTorch do not survive a fork.
    Raises:
        UnknownLinkError, RobotError: As `pose_stream`.
        ValueError: As `pose_stream`, or if `batch_size` is no multiple of the number of processes,
            `part` is no process among them, `steps_per_epoch`, `workers` or `max_queue_size` is not
            a whole number >= 1, or `use_multiprocessing` is True.
    Example:
        >>> x, y = PoseBatches(fkarm.robots.ur5e(), batch_size=64)[0]
        >>> x.shape, y.shape
        ((64, 9), (64, 4, 4))
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        *,
        labels: str = "pose",
        batch_size: int = 1024,
        steps_per_epoch: int = 100,
        seed: int = 0,
        part: tuple[int, int] = (0, 1),
        first_epoch: int = 0,
        near_limits: float = 0.0,
        balanced: bool = False,
        is_free: Callable[[Tensor], Tensor] | str | None = None,
        fixed: bool = False,
        workers: int = 1,
        max_queue_size: int = 10,
        use_multiprocessing: bool = False,
    ) -> None:
        super().__init__()
        self.robot = robot
        self.link = _checked_link(robot, link, labels=labels, batch_size=batch_size)
        _check_part(part, batch_size)
        check_count("steps_per_epoch", steps_per_epoch)
        check_count("workers", workers)
        check_count("max_queue_size", max_queue_size)
        if use_multiprocessing:
            raise ValueError(
                "use_multiprocessing must be False: TensorFlow, JAX and PyTorch do not survive a "
                f"fork. Received: {use_multiprocessing!r}. Workers are threads: try workers=4."
            )
        self.labels, self.batch_size, self.steps_per_epoch = labels, batch_size, steps_per_epoch
        self.seed, self.part = seed, part
        self._epochs = EpochCounter(first_epoch, fixed)
        self._sampler = Sampler(robot, self.link, batch_size, near_limits, balanced, is_free)
        self._ahead = Ahead(self._batch, workers, max_queue_size) if workers > 1 else None

    @property
    def epoch(self) -> int:
        """The epoch that runs or, between epochs, the next one."""
        return self._epochs.number

    @property
    def workers(self) -> int:
        """Keras' workers: one, because more would change the order of the batches."""
        # Keras reads it once for every reader that it makes.
        self._epochs.reader_made()
        return 1

    def __len__(self) -> int:
        # Keras asks at the beginning of every pass.
        self._epochs.pass_began()
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        self.on_epoch_begin()
        return super().__iter__()

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        epoch = self._epochs.read
        if self._ahead:
            return self._ahead.get(epoch, index, self.steps_per_epoch)
        return self._batch(epoch, index)

    def _batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self.seed, epoch, index))
        q = to_numpy(self._sampler(rng.uniform(size=self._sampler.shape)))
        process, processes = self.part
        q = q[process::processes]
        pose = forward_kinematics(self.robot, q, self.link)
        x = to_numpy(matrix_to_pose(pose, "xyz_rot6d"))
        return x, to_numpy(pose) if self.labels == "pose" else q

    def on_epoch_begin(self) -> None:
        self._epochs.epoch_began()

    def on_epoch_end(self) -> None:
        self._epochs.epoch_ended()


def _checked_link(robot: Robot, link: str | None, *, labels: str, batch_size: int) -> str:
    """The link of a robot whose poses can be sampled; or an error."""
    check_choice("labels", labels, LABELS)
    check_count("batch_size", batch_size)
    link = robot.end_effector if link is None else link
    robot.check_link(link)
    if any("quaternion" in joint.entries for joint in robot.independent_joints):
        raise RobotError(
            "Sampling poses needs a robot on a fixed base. Received: joints that turn freely. "
            "Fix them: with_fixed_joints."
        )
    return link


def _check_part(part: tuple[int, int], batch_size: int) -> None:
    if not 0 <= part[0] < part[1]:
        raise ValueError(
            f"part must be (process, processes) with 0 <= process < processes. Received: {part}."
        )
    if batch_size % part[1]:
        raise ValueError(
            f"batch_size must be a multiple of {part[1]}, the number of processes. Received: "
            f"{batch_size}."
        )


def check_tensorflow(name: str) -> None:
    """Raise RuntimeError unless Keras runs on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"{name} runs in tf.data: the backend of Keras must be tensorflow. Received: "
            f"{keras.backend.backend()}. Set KERAS_BACKEND=tensorflow, or use PoseBatches, which "
            "runs on every backend."
        )


def without_autotune() -> tf.data.Options:
    """Options that switch the tuner of `tf.data` off, where there is nothing to tune.

    The tuner's thread sleeps for up to a minute, and freeing the iterator waits for it.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options
