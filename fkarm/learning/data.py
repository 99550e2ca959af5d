"""Training data: target poses made on the fly by forward kinematics."""

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

TARGETS = ("pose", "configuration")


def pose_stream(
    robot: Robot,
    link: str | None = None,
    batch_size: int = 1024,
    seed: int = 0,
    target: str = "pose",
    *,
    near_limits: float = 0.0,
    balanced: bool = False,
    is_free: Callable[[Tensor], Tensor] | None = None,
) -> tf.data.Dataset:
    """Endless batches of reachable poses, for training inverse kinematics.

    Configurations are uniform within the limits (endless joints over one turn) unless an option
    says otherwise; their poses come from forward kinematics, so every pose can be reached.
    Nothing is stored: batch `k` depends on `seed` and `k` alone.

    Args:
        robot: The robot.
        link: Link to reach with; None: `robot.end_effector`.
        batch_size: Poses a batch.
        seed: Seed; equal seeds give equal batches.
        target: What to pair a pose with: `"pose"`, the pose as a matrix `(batch_size, 4, 4)`,
            for a loss in task space, or `"configuration"`, the configuration
            `(batch_size, dof)` it was made from.
        near_limits: Share of the configurations, 0 to 1, that have one random joint within 2 % of
            its range of a limit; of the candidates, if `balanced` or `is_free` then choose.
        balanced: Spread the positions of the link evenly over the reachable space, of which
            uniform configurations crowd some parts: four candidates are drawn for each
            configuration, those at rare positions are likelier to be kept.
        is_free: Says which configurations may be given, such as those free of obstacles: takes
            float32 `(n, dof)`, rad or m, gives bool `(n,)`, in operations that `tf.data` can
            trace (`tf.numpy_function` is one). It is tried on 4096 configurations (32768 if
            `balanced`), then asked about at least twice as many as its share there says are
            needed; should it refuse more, a batch repeats what it accepted.
    Returns:
        Dataset of `(pose, target)`, float32. The pose is written as position and first two
        rotation columns (`"xyz_rot6d"`), shape `(batch_size, 9)`.
    Raises:
        UnknownLinkError: If the link does not exist.
        RobotError: If a prismatic joint lacks a limit, a joint turns freely, or `near_limits` is
            asked of a robot without limits.
        RuntimeError: If Keras runs on another backend than TensorFlow.
        ValueError: If `target` is unknown, `batch_size` is not positive, `near_limits` is no share,
            or `is_free` gives no bool for each configuration or accepts under 1/32 of them.
    """
    check_tensorflow("pose_stream")
    import tensorflow as tf

    link = _checked(robot, link, batch_size, target)
    sampler = Sampler(robot, link, batch_size, near_limits, balanced, is_free)

    def batch(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        uniform = tf.random.stateless_uniform(
            sampler.shape, seed=tf.stack([tf.cast(seed, index.dtype), index])
        )
        q = sampler(uniform)
        pose = forward_kinematics(robot, q, link)
        return matrix_to_pose(pose, "xyz_rot6d"), pose if target == "pose" else q

    return tf.data.Dataset.counter().map(batch).prefetch(2).with_options(without_autotune())


class PoseBatches(keras.utils.PyDataset):
    """Reachable poses as `pose_stream` makes them, on any backend, in epochs, for many processes.

    Batch `k` of epoch `e` depends on `seed`, `e` and `k` alone, whichever thread asks for it. Each
    epoch that a `fit` begins has new batches: two epochs and then `fit(initial_epoch=2, epochs=4)`
    are the same as four. Evaluation data have `fixed=True`, else each evaluation is an epoch
    too. Give `shuffle=False` to `fit`, for there is nothing to shuffle, and an interrupted training
    then ends like a whole one; `steps` says how long an epoch is, `steps_per_epoch` is not needed.

    Args:
        robot: The robot.
        link: Link to reach with; None: `robot.end_effector`.
        batch_size: Poses a batch, of all processes together.
        steps: Batches an epoch.
        seed: Seed; equal seeds give equal batches.
        target: `"pose"` or `"configuration"`, as for `pose_stream`.
        part: `(process, processes)`: which share of each batch to give, see `join_hosts`.
        first_epoch: Epoch to begin with, see `Checkpoint.first_epoch`.
        near_limits, balanced, is_free: Where configurations are drawn, as for `pose_stream`.
        fixed: Whether all epochs have the batches of the first one, as evaluation needs it.
        workers: Threads that make batches ahead of the training; 1: the one that asks.
        max_queue_size: How many batches more than one worker has ready, at most.
        use_multiprocessing: False; what computes the poses survives no fork.
    Raises:
        UnknownLinkError, RobotError, ValueError: As `pose_stream`; `batch_size` must be a multiple
            of the number of processes, `workers` and `max_queue_size` whole numbers >= 1,
            `use_multiprocessing` False.
    Example:
        >>> x, y = PoseBatches(fkarm.robots.ur5e(), batch_size=64)[0]
        >>> x.shape, y.shape
        ((64, 9), (64, 4, 4))
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        batch_size: int = 1024,
        steps: int = 100,
        seed: int = 0,
        target: str = "pose",
        part: tuple[int, int] = (0, 1),
        first_epoch: int = 0,
        *,
        near_limits: float = 0.0,
        balanced: bool = False,
        is_free: Callable[[Tensor], Tensor] | None = None,
        fixed: bool = False,
        workers: int = 1,
        max_queue_size: int = 10,
        use_multiprocessing: bool = False,
    ) -> None:
        super().__init__()
        self.robot, self.link = robot, _checked(robot, link, batch_size, target)
        if not 0 <= part[0] < part[1]:
            raise ValueError(f"part must be a process and how many there are. Received: {part}.")
        if batch_size % part[1]:
            raise ValueError(
                f"batch_size must be a multiple of {part[1]}, the number of processes. Received: "
                f"{batch_size}."
            )
        check_count("workers", workers)
        check_count("max_queue_size", max_queue_size)
        if use_multiprocessing:
            raise ValueError(
                "use_multiprocessing must be False: what computes the poses survives no fork. "
                f"Received: {use_multiprocessing!r}. Workers are threads: workers=4, say."
            )
        self.batch_size, self.steps, self.seed, self.target = batch_size, steps, seed, target
        self.part = part
        self._epochs = EpochCounter(first_epoch, fixed)
        self._sampler = Sampler(robot, self.link, batch_size, near_limits, balanced, is_free)
        self._ahead = Ahead(self._batch, workers, max_queue_size) if workers > 1 else None

    @property
    def epoch(self) -> int:
        """The epoch that runs or, between epochs, the next one."""
        return self._epochs.number

    @property
    def workers(self) -> int:
        """Keras' workers: one, for more would mix up the order. Keras asks once for each reader."""
        self._epochs.reader_made()
        return 1

    def __len__(self) -> int:
        # Asked at the beginning of each pass.
        self._epochs.pass_began()
        return self.steps

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        self.on_epoch_begin()
        return super().__iter__()

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        epoch = self._epochs.read
        return (
            self._ahead.get(epoch, index, self.steps) if self._ahead else self._batch(epoch, index)
        )

    def _batch(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self.seed, epoch, index))
        q = to_numpy(self._sampler(rng.uniform(size=self._sampler.shape)))
        process, processes = self.part
        q = q[process::processes]
        pose = forward_kinematics(self.robot, q, self.link)
        x = to_numpy(matrix_to_pose(pose, "xyz_rot6d"))
        return x, to_numpy(pose) if self.target == "pose" else q

    def on_epoch_begin(self) -> None:
        self._epochs.epoch_began()

    def on_epoch_end(self) -> None:
        self._epochs.epoch_ended()


def _checked(robot: Robot, link: str | None, batch_size: int, target: str) -> str:
    """The link of a robot that poses can be sampled of; or an error."""
    check_choice("target", target, TARGETS)
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1. Received: {batch_size}.")
    link = robot.end_effector if link is None else link
    robot.check_link(link)
    if any("quaternion" in joint.entries for joint in robot.independent_joints):
        raise RobotError(
            "Sampling poses needs a robot on a fixed base. Received: joints that turn freely. "
            "Fix them: with_fixed_joints."
        )
    return link


def check_tensorflow(name: str) -> None:
    """Raise RuntimeError unless Keras runs on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"{name} computes in tf.data: the backend of Keras must be tensorflow. Received: "
            f"{keras.backend.backend()}. Set KERAS_BACKEND; PoseBatches runs on all."
        )


def without_autotune() -> tf.data.Options:
    """Options for a pipeline with nothing to tune.

    The tuner's thread sleeps for up to a minute, and whoever frees the iterator waits for it.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options
