"""What the network remembers of earlier segments: data that goes in and comes out."""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float


class Memory(struct.PyTreeNode):
    """The last M frames of every remembered stream, newest on the right.

    The length is fixed and validity is a mask, which equals Transformer-XL's growing memory
    because distances are counted from the right end, and never recompiles. Lanes come first, so
    that every leaf of the carry shards on axis 0.

    Attributes:
        hidden: Inputs of the blocks; slot l is what block l takes its keys and values from.
        valid: Frames that the main speaker's streams really hold.
        interlocutor_valid: Frames in which the interlocutor was there.
    """

    hidden: Float[Array, "B L M D"]
    valid: Bool[Array, "B M"]
    interlocutor_valid: Bool[Array, "B M"]


def empty_memory(*, lanes: int, slots: int, frames: int, d_model: int) -> Memory:
    """Returns a memory in which nothing can be attended to."""
    # Two masks, not one twice: a buffer can only be donated once.
    return Memory(
        hidden=jnp.zeros((lanes, slots, frames, d_model)),
        valid=jnp.zeros((lanes, frames), bool),
        interlocutor_valid=jnp.zeros((lanes, frames), bool),
    )


def reset(
    memory: Memory, is_start: Bool[Array, " B"], *, mode: Literal["mask", "zeros"] = "mask"
) -> Memory:
    """Forgets everything in the lanes where a clip starts.

    The mode `mask` clears the mask. The ancestor writes `zeros` instead and leaves them attendable,
    where they still win softmax mass through the position term (spec section 2.6).
    """
    if mode == "zeros":
        return memory.replace(hidden=jnp.where(is_start[:, None, None, None], 0.0, memory.hidden))
    keep = ~is_start[:, None]
    return memory.replace(
        valid=memory.valid & keep, interlocutor_valid=memory.interlocutor_valid & keep
    )


def remember(
    memory: Memory,
    streams: list[Float[Array, "B T D"]],
    *,
    frame_mask: Bool[Array, "B T"],
    interlocutor_mask: Bool[Array, "B T"],
) -> Memory:
    """Shifts a segment into the memory; no gradient passes from one segment to the next."""
    frames = memory.valid.shape[1]
    current = jnp.stack(streams, axis=1)

    def shift(old: Array, new: Array, axis: int) -> Array:
        both = jnp.concatenate([old, new], axis=axis)
        return jax.lax.slice_in_dim(both, both.shape[axis] - frames, both.shape[axis], axis=axis)

    return Memory(
        hidden=jax.lax.stop_gradient(shift(memory.hidden, current.astype(memory.hidden.dtype), 2)),
        valid=shift(memory.valid, frame_mask, 1),
        interlocutor_valid=shift(memory.interlocutor_valid, interlocutor_mask, 1),
    )
