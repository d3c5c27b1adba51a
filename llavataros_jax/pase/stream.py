"""Encoding of recordings of any length in bounded memory: chunks that equal the whole.

Tower step t hears samples 160 t - 1034 to 160 t + 1335 only, so a chunk with seven steps of margin
before it and eight behind it is exact, and the recurrence carries its state across. Every length
runs through the same few compiled programs.
"""

import functools
from collections.abc import Iterable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int

from llavataros_jax.errors import UserError
from llavataros_jax.pase.layout import HOP_SAMPLES, MIN_SAMPLES
from llavataros_jax.pase.network import Params, network
from llavataros_jax.pase.recurrence import RecurrentState, initial_state

CHUNK_STEPS = 2048
MIN_STEPS = -(-MIN_SAMPLES // HOP_SAMPLES)
_BEFORE, _BEHIND = 7, 8
_SMALLEST_CHUNK = 128
_BLOCK_SAMPLES = CHUNK_STEPS * HOP_SAMPLES

Sound = Float[np.ndarray, " T"] | Iterable[Float[np.ndarray, " n"]]


def encode_steps(
    sound: Sound, params: Params, *, chunk_steps: int = CHUNK_STEPS
) -> Iterator[Float32[np.ndarray, "n F"]]:
    """Yields the 256 features of each step of 10 ms, chunk by chunk.

    The recording is padded with zeros to a multiple of 160 samples and to 480 at least, so that
    it has max(3, ⌈T / 160⌉) steps. Any `chunk_steps` gives the same values.

    Args:
        sound: Mono samples at 16 kHz in [-1, 1], or blocks of them in order.
        params: What `load_params` gave.
        chunk_steps: Steps encoded at a time; a larger chunk fills a larger accelerator.

    Raises:
        UserError: When there are no samples.
    """
    params = jax.device_put(params)
    source, state = blocks_of(sound), initial_state(1)
    held, first, is_over = np.zeros(0, np.float32), 0, False
    done = total = 0
    while not is_over or done < total:
        wanted = (done + chunk_steps + _BEHIND - first) * HOP_SAMPLES
        held, ended = _filled_up(held, source, wanted)
        if ended and not is_over:
            is_over, total = True, first + _padded_steps(first, len(held))
            held = np.pad(held, (0, (total - first) * HOP_SAMPLES - len(held)))
        window_steps = min(len(held), wanted) // HOP_SAMPLES
        count = min(chunk_steps, first + window_steps - done)
        size = min(chunk_steps, max(_SMALLEST_CHUNK, 1 << (count - 1).bit_length()))
        window = np.zeros((1, (_BEFORE + size + _BEHIND) * HOP_SAMPLES), np.float32)
        window[0, : window_steps * HOP_SAMPLES] = held[: window_steps * HOP_SAMPLES]
        encoded, state = _encode_chunk(
            params, window, state, np.int32(window_steps), np.int32(done - first), size=size
        )
        yield np.asarray(encoded[0, :count])
        done += count
        kept_from = max(0, done - _BEFORE)
        held, first = held[(kept_from - first) * HOP_SAMPLES :], kept_from


def blocks_of(sound: Sound) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yields a recording's blocks, whether it came whole or in blocks."""
    if isinstance(sound, np.ndarray | jax.Array):
        sound = np.split(np.asarray(sound), range(_BLOCK_SAMPLES, len(sound), _BLOCK_SAMPLES))
    for block in sound:
        block = np.asarray(block, np.float32)
        if block.ndim != 1:
            raise ValueError(f"samples must be mono with one axis, but have shape {block.shape}")
        yield block


def encode_whole(samples: Float[np.ndarray, "B T"], params: Params) -> Float32[np.ndarray, "B L F"]:
    """Encodes recordings of equal length at once, as the original does, without padding them.

    Raises:
        UserError: When they are shorter than 471 samples.
    """
    if samples.shape[1] < MIN_SAMPLES:
        raise UserError(
            f"PASE+ needs at least {MIN_SAMPLES} samples (29.4 ms at 16 kHz), but the recording "
            f"has {samples.shape[1]}; pad it with zeros"
        )
    return np.asarray(_encode_whole(params, np.asarray(samples, np.float32)))


def _filled_up(
    held: np.ndarray, source: Iterator[np.ndarray], wanted: int
) -> tuple[np.ndarray, bool]:
    """Joins blocks to `held` until there are more samples than wanted; tells if the end came."""
    parts, size = [held], len(held)
    while size <= wanted:
        block = next(source, None)
        if block is None:
            return np.concatenate(parts), True
        parts.append(block)
        size += len(block)
    return np.concatenate(parts), False


def _padded_steps(first: int, num_samples: int) -> int:
    """Returns how many steps the samples from step `first` to the recording's end make."""
    if first == 0 and num_samples == 0:
        raise UserError("the recording holds no samples, so there is nothing to encode")
    steps = -(-num_samples // HOP_SAMPLES)
    return max(MIN_STEPS, steps) if first == 0 else steps


@functools.partial(jax.jit, static_argnames="size")
def _encode_chunk(
    params: Params,
    window: Float[Array, "B T"],
    state: RecurrentState,
    window_steps: Int[Array, ""],
    first_step: Int[Array, ""],
    *,
    size: int,
) -> tuple[Float[Array, "B N F"], RecurrentState]:
    return network(params).chunk(
        window, state, window_steps=window_steps, first_step=first_step, num_steps=size
    )


@jax.jit
def _encode_whole(params: Params, samples: Float[Array, "B T"]) -> Float[Array, "B L F"]:
    return network(params)(jnp.asarray(samples))
