"""How JAX and PyTorch trace the caller; `tensorflow.py` has the same names."""

from __future__ import annotations

from fkarm import config


def is_traced_for_cpu() -> bool:
    """Whether TensorFlow's XLA compiles the caller for a CPU."""
    return False


def is_traced_for_file() -> bool:
    """Whether the caller is traced for a file, which knows plain operations only."""
    return config.wants_plain_operations()
