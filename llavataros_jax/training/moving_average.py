"""The exponential moving average of parameters, which wanders less than the parameters do."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

Weights = PyTree[Float[Array, "..."]]


def moving_average(
    average: Weights, params: Weights, step: Int[Array, ""], *, decay: float
) -> Weights:
    """Moves the average towards parameters that a step has just changed.

    The decay is min(decay, (1 + step) / (10 + step)), so that the draw with which training began
    is soon forgotten (`num_updates` of TensorFlow's `tf.train.ExponentialMovingAverage`).

    Args:
        average: The average so far; before the first step the parameters themselves.
        params: The parameters after the step.
        step: Steps done before this one.
        decay: Share of the average that stays, in [0, 1), once it is warm.
    """
    done = step.astype(jnp.float32)
    moved = 1 - jnp.minimum(decay, (1 + done) / (10 + done))
    return jax.tree.map(lambda old, new: old + moved * (new - old), average, params)
