"""Training networks on a robot: data, time budget, checkpoints, many hosts, evaluation.

`pose_stream` and `last_layer_share` need TensorFlow; the rest runs on every backend.
"""

from fkarm.learning.callbacks import TimeBudget
from fkarm.learning.data import PoseBatches, pose_stream
from fkarm.learning.evaluation import PoseErrors, pose_errors
from fkarm.learning.hosts import Checkpoint, join_hosts
from fkarm.learning.profiling import last_layer_share

__all__ = [
    "Checkpoint",
    "PoseBatches",
    "PoseErrors",
    "TimeBudget",
    "join_hosts",
    "last_layer_share",
    "pose_errors",
    "pose_stream",
]
