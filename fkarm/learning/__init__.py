"""Training networks on a robot: data, time budget, evaluation.

Import it by name: it needs TensorFlow's data pipeline, which the rest of fkarm does not.
"""

from fkarm.learning.callbacks import TimeBudget
from fkarm.learning.data import pose_stream
from fkarm.learning.evaluation import PoseErrors, pose_errors
from fkarm.learning.profiling import last_layer_share

__all__ = ["PoseErrors", "TimeBudget", "last_layer_share", "pose_errors", "pose_stream"]
