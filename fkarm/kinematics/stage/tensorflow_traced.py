"""How TensorFlow traces the caller; `traced.py` has the names that other backends need.

`control_flow_util`, a private name of TensorFlow, tells whether XLA compiles the caller. It has no
public counterpart.
"""

from __future__ import annotations

import sys
from types import FrameType

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from fkarm import config

# The modules that trace a function in order to write it to a file.
EXPORTERS = ("keras.src.export.", "tensorflow.python.saved_model.", "tf2onnx.")


def is_traced_for_cpu() -> bool:
    """Whether XLA compiles the caller for a CPU."""
    return is_traced_for_xla() and not tf.config.list_physical_devices("GPU")


def is_traced_for_xla() -> bool:
    """Whether XLA compiles the caller."""
    graph = tf.compat.v1.get_default_graph()
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(graph)


def is_traced_for_file() -> bool:
    """Whether the caller is traced for a file.

    The program that reads it may have no XLA, and converters know plain operations only.
    """
    is_traced = not tf.executing_eagerly()
    return is_traced and (config.wants_plain_operations() or _is_traced_for_export())


def _is_traced_for_export() -> bool:
    # No library announces that it exports, but an exporter is among the callers of the trace.
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(EXPORTERS):
            return True
        frame = frame.f_back
    return False
