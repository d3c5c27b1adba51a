"""What one segment hands to the next: memory, and the two frames that differences need."""

from typing import Literal

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float

from llavataros_jax.model import GestureModel, Memory, reset_memory

TAIL_FRAMES = 2


class Carry(struct.PyTreeNode):
    """The state of every lane between two segments.

    Attributes:
        memory: The network's memory.
        prediction: Un-normalised poses predicted for the last two frames.
        target: Their targets.
        valid: Which of the two frames belong to the clip that goes on.
    """

    memory: Memory
    prediction: Float[Array, "B 2 P"]
    target: Float[Array, "B 2 P"]
    valid: Bool[Array, "B 2"]


def empty_carry(model: GestureModel, lanes: int) -> Carry:
    """Returns the carry before the first segment."""
    poses = jnp.zeros((lanes, TAIL_FRAMES, model.sizes.pose))
    return Carry(model.empty_memory(lanes), poses, poses, jnp.zeros((lanes, TAIL_FRAMES), bool))


def reset_carry(
    carry: Carry, is_start: Bool[Array, " B"], *, mode: Literal["mask", "zeros"] = "mask"
) -> Carry:
    """Clears the lanes in which a clip starts; `mode` is `model.memory_reset`."""
    starts = is_start[:, None, None]
    return carry.replace(
        memory=reset_memory(carry.memory, is_start, mode=mode),
        prediction=jnp.where(starts, 0.0, carry.prediction),
        target=jnp.where(starts, 0.0, carry.target),
        valid=carry.valid & ~is_start[:, None],
    )
