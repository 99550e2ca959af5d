"""Forum questions about TensorFlow, answered as functions to import.

One value a channel, the entropy of a vector and its derivative, what `backward(z)` means, and
whether a multiplication by zero is free. They know no robot and need TensorFlow.
"""

from fkarm.primers.broadcasting import ChannelAffine, add_per_channel, scale_per_channel

__all__ = [
    "ChannelAffine",
    "add_per_channel",
    "scale_per_channel",
]
