"""What the network remembers of earlier segments: data that goes in and comes out."""

from typing import Literal

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float


class Memory(struct.PyTreeNode):
    """The last M frames of every remembered stream, newest on the right; zeros where none was.

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


def empty_memory(
    *, lanes: int, slots: int, frames: int, d_model: int, dtype: str = "float32"
) -> Memory:
    """Returns a memory in which nothing can be attended to."""
    # Two masks, not one twice: a buffer can only be donated once.
    return Memory(
        hidden=jnp.zeros((lanes, slots, frames, d_model), dtype),
        valid=jnp.zeros((lanes, frames), bool),
        interlocutor_valid=jnp.zeros((lanes, frames), bool),
    )


def reset_memory(
    memory: Memory, is_start: Bool[Array, " B"], *, mode: Literal["mask", "zeros"] = "mask"
) -> Memory:
    """Clears the memory of the lanes in which a clip starts.

    Hidden states become zero, since a weight of zero times NaN is NaN. The mode `mask` clears the
    masks too. The ancestor's mode `zeros` leaves the zeros attendable, where they still win softmax
    mass through the position term (spec section 2.6).
    """
    memory = memory.replace(hidden=jnp.where(is_start[:, None, None, None], 0.0, memory.hidden))
    if mode == "zeros":
        return memory
    keep = ~is_start[:, None]
    return memory.replace(
        valid=memory.valid & keep, interlocutor_valid=memory.interlocutor_valid & keep
    )


def remember(
    memory: Memory,
    streams: list[Float[Array, "B T D"]],
    exist: list[Bool[Array, "B T"]],
    *,
    frame_mask: Bool[Array, "B T"],
    interlocutor_mask: Bool[Array, "B T"],
) -> Memory:
    """Shifts a segment into the memory; no gradient passes from one segment to the next.

    Args:
        memory: Of the segment before.
        streams: The segment's streams, in the order of the slots.
        exist: For each stream the frames that it holds; the others are remembered as zeros.
        frame_mask: Frames that exist.
        interlocutor_mask: Frames in which the interlocutor was there.
    """
    frames = memory.valid.shape[1]
    current = jnp.where(jnp.stack(exist, axis=1)[..., None], jnp.stack(streams, axis=1), 0.0)

    def shift(old: Array, new: Array, axis: int) -> Array:
        both = jnp.concatenate([old, new], axis=axis)
        return jax.lax.slice_in_dim(both, both.shape[axis] - frames, both.shape[axis], axis=axis)

    return Memory(
        hidden=jax.lax.stop_gradient(shift(memory.hidden, current.astype(memory.hidden.dtype), 2)),
        valid=shift(memory.valid, frame_mask, 1),
        interlocutor_valid=shift(memory.interlocutor_valid, interlocutor_mask, 1),
    )
