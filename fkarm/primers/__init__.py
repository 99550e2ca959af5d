"""Forum questions about TensorFlow, answered as functions to import.

One value a channel, the entropy of a vector and its derivative, what `backward(z)` means, and
whether a multiplication by zero is free. They know no robot and need TensorFlow.
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
