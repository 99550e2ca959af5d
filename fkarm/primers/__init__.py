"""Answers to four forum questions about TensorFlow, as functions to import.

How to add one value per channel; the derivative of the entropy of a vector; the meaning of
`backward(z)`; whether a multiplication by zero costs time. The functions know no robots and need
TensorFlow.
"""

try:
    import tensorflow  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "fkarm.primers needs TensorFlow. Install it: pip install tensorflow."
    ) from error

from fkarm.primers.autograd import (
    GradientCost,
    detach,
    full_jacobian,
    gradient_cost,
    jacobian_vector_product,
    masked_loss,
    vector_jacobian_product,
)
from fkarm.primers.broadcasting import ChannelAffine, add_per_channel, scale_per_channel
from fkarm.primers.entropy import (
    EntropyRegularizer,
    entropy_gradient,
    entropy_of_probabilities,
    projected_entropy_gradient,
    shannon_entropy,
    soft_entropy,
    soft_entropy_of_points,
)

__all__ = [
    "ChannelAffine",
    "EntropyRegularizer",
    "GradientCost",
    "add_per_channel",
    "detach",
    "entropy_gradient",
    "entropy_of_probabilities",
    "full_jacobian",
    "gradient_cost",
    "jacobian_vector_product",
    "masked_loss",
    "projected_entropy_gradient",
    "scale_per_channel",
    "shannon_entropy",
    "soft_entropy",
    "soft_entropy_of_points",
    "vector_jacobian_product",
]
