"""Cached keys and values of the past in rings, one for each attention.

Weights do not change while speech streams in, so keys and values of past frames are kept instead of
being projected from hidden states again. A ring never grows and its frames never move. Each lane
has a clock of its own, which only its own frames advance.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int


class Ring(struct.PyTreeNode):
    """Keys and values of the last C-1 frames that one attention attended to, in lanes.

    The last slot takes the frames outside the mask and is never attended to. Each head's keys and
    values are matrices as its products want them, so that none is transposed.
    """

    keys: Float[Array, "B N H C"]
    values: Float[Array, "B N C H"]


class Cache(struct.PyTreeNode):
    """All rings and what is in them.

    Attributes:
        rings: Of the self blocks, of the cross blocks, and of the front end if it attends (both
            persons' lanes in turn).
        valid: Slots that hold a frame of the lane's stream.
        interlocutor_valid: Slots whose frame had an interlocutor.
        head: The slot that each lane writes next.
    """

    rings: tuple[Ring, ...]
    valid: Bool[Array, "B C"]
    interlocutor_valid: Bool[Array, "B C"]
    head: Int[Array, " B"]


class Window(NamedTuple):
    """What the frames of a call see of a ring in which they are written already.

    Attributes:
        visible: Slots that a query sees.
        distance: Frames between query and slot, clipped to the span.
        slots: Where each frame of this call is written.
    """

    visible: Bool[Array, "B T C"]
    distance: Int[Array, "B T C"]
    slots: Int[Array, "B T"]


def call_limit(cache: Cache, span: int) -> int:
    """Returns how many frames one call may have: as many as overwrite nothing that it sees."""
    return cache.valid.shape[1] - span


def empty_ring(*, lanes: int, heads: int, frames: int, width: int, dtype: str) -> Ring:
    """Returns a ring of zeros."""
    return Ring(
        keys=jnp.zeros((lanes, heads, width, frames), dtype),
        values=jnp.zeros((lanes, heads, frames, width), dtype),
    )


def reset_cache(cache: Cache, is_start: Bool[Array, " B"]) -> Cache:
    """Clears the rings of the lanes in which a stream starts, and starts them at slot 0.

    Their contents become zero, since a weight of zero times NaN is NaN.
    """
    keep = ~is_start[:, None]

    def cleared(ring: Ring) -> Ring:
        starts = jnp.repeat(is_start, len(ring.keys) // len(is_start))[:, None, None, None]
        return jax.tree.map(lambda x: jnp.where(starts, jnp.zeros((), x.dtype), x), ring)

    return cache.replace(
        rings=tuple(map(cleared, cache.rings)),
        valid=cache.valid & keep,
        interlocutor_valid=cache.interlocutor_valid & keep,
        head=jnp.where(is_start, 0, cache.head),
    )


def advance(
    cache: Cache, *, frame_mask: Bool[Array, "B T"], interlocutor_mask: Bool[Array, "B T"]
) -> tuple[Cache, Int[Array, "B T"]]:
    """Makes room for the frames of a call; returns the slots that their keys go to.

    Frames outside `frame_mask` do not advance their lane and go to the last slot.
    """
    capacity = cache.valid.shape[1] - 1
    number = jnp.cumsum(frame_mask, axis=1, dtype=jnp.int32)
    slots = jnp.where(frame_mask, (cache.head[:, None] + number - 1) % capacity, capacity)
    cache = cache.replace(
        valid=write_mask(cache.valid, slots, frame_mask),
        interlocutor_valid=write_mask(cache.interlocutor_valid, slots, interlocutor_mask),
        head=(cache.head + number[:, -1]) % capacity,
    )
    return cache, slots


def window_of_call(
    valid: Bool[Array, "B C"],
    head: Int[Array, " B"],
    *,
    slots: Int[Array, "B T"],
    frame_mask: Bool[Array, "B T"],
    span: int,
) -> Window:
    """Finds what each frame of a call sees, after `advance` made room for the call.

    Args:
        valid: Slots that may be attended to.
        head: The slot that comes after this call.
        slots: Slots of this call's frames.
        frame_mask: Frames that exist.
        span: Keys that a query sees, itself included.
    """
    capacity = valid.shape[1] - 1
    number = jnp.cumsum(frame_mask, axis=1, dtype=jnp.int32)
    slot_age = (head[:, None] - 1 - jnp.arange(capacity + 1, dtype=jnp.int32)[None]) % capacity
    query_age = number[:, -1:] - number
    distance = slot_age[:, None] - query_age[:, :, None]
    return Window(
        visible=valid[:, None] & (distance >= 0) & (distance < span),
        distance=jnp.clip(distance, 0, span - 1),
        slots=slots,
    )


def write(
    ring: Ring,
    slots: Int[Array, "B T"],
    *,
    keys: Float[Array, "B T N H"],
    values: Float[Array, "B T N H"],
) -> Ring:
    """Writes the keys and values of a call into their slots."""
    dtype = ring.keys.dtype
    lane = jnp.arange(len(slots))[:, None]
    return Ring(
        keys=ring.keys.at[lane, :, :, slots].set(keys.astype(dtype), mode="promise_in_bounds"),
        values=ring.values.at[lane, :, slots].set(values.astype(dtype), mode="promise_in_bounds"),
    )


def write_mask(
    mask: Bool[Array, "B C"], slots: Int[Array, "B T"], rows: Bool[Array, "B T"]
) -> Bool[Array, "B C"]:
    """Writes whether the frames of a call may be attended to."""
    return mask.at[jnp.arange(slots.shape[0])[:, None], slots].set(rows, mode="promise_in_bounds")


def in_turn(first: Array, second: Array) -> Array:
    """Joins the lanes of two persons, each lane's two beside each other."""
    both = jnp.stack([first, second], axis=1)
    return both.reshape(-1, *first.shape[1:])


def split_turns(both: Array) -> tuple[Array, Array]:
    """Undoes `in_turn`."""
    pairs = both.reshape(-1, 2, *both.shape[1:])
    return pairs[:, 0], pairs[:, 1]
