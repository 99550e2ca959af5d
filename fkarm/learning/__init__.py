"""Training networks on a robot: models, data, time budget, checkpoints, many hosts, evaluation.

`pose_stream` and `last_layer_share` need TensorFlow; the rest runs on every backend.
"""

from fkarm.learning.callbacks import FiniteGuard, TimeBudget
from fkarm.learning.checkpoint import Checkpoint
from fkarm.learning.coverage import Coverage, solution_coverage
from fkarm.learning.data import PoseBatches, pose_stream
from fkarm.learning.evaluation import (
    PoseErrors,
    errors_by_steps,
    evaluate_ik,
    pose_errors,
    to_markdown,
)
from fkarm.learning.flow import IKFlow
from fkarm.learning.hosts import join_devices, join_hosts
from fkarm.learning.profiling import last_layer_share
from fkarm.learning.regressor import IKRegressor
from fkarm.learning.target_sets import ik_targets
from fkarm.learning.training import train_ik

__all__ = [
    "Checkpoint",
    "Coverage",
    "FiniteGuard",
    "IKFlow",
    "IKRegressor",
    "PoseBatches",
    "PoseErrors",
    "TimeBudget",
    "errors_by_steps",
    "evaluate_ik",
    "ik_targets",
    "join_devices",
    "join_hosts",
    "last_layer_share",
    "pose_errors",
    "pose_stream",
    "solution_coverage",
    "to_markdown",
    "train_ik",
]
