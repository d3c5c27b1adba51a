"""Encoding of recordings of any length in bounded memory: chunks that equal the whole.

Tower step t depends on samples 160 t - 1034 to 160 t + 1335 only, so a chunk with seven steps of
margin before it and eight behind it is exact, and the recurrence carries its state across. Every
length runs through the same few compiled programs.

There are two ways to end. `raw` is the original's: the recording as it is, ⌊(T + 9) / 160⌋ steps.
Of 151 steps and more only the first skip pools otherwise than the tower: 159 samples a step where
T mod 160 is 151 or more, so that it slides against the tower and is taken from earlier samples
(section 4). Shorter recordings are encoded whole. `padded` adds zeros to a multiple of 160 samples,
which keeps all skips in step and takes any length: ⌈T / 160⌉ steps, three at least. Where no skip
slides, only the last eight steps of `raw` are other ones.
"""

import functools
from collections.abc import Iterable, Iterator
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int

from llavataros_jax.errors import UserError
from llavataros_jax.pase.layout import HOP_SAMPLES, KERNELS, MIN_SAMPLES
from llavataros_jax.pase.network import Params, network
from llavataros_jax.pase.recurrence import RecurrentState, initial_state

CHUNK_STEPS = 2048
MIN_STEPS = -(-MIN_SAMPLES // HOP_SAMPLES)
STEPS_BEFORE, STEPS_BEHIND = 7, 8
_SMALLEST_CHUNK = 128
_BLOCK_SAMPLES = CHUNK_STEPS * HOP_SAMPLES
# From here on all skips pool as the tower steps, but the first one may pool a sample less.
_LEAST_STREAMED_STEPS = 151
_SLID_SAMPLES, _SLID_MARGIN = HOP_SAMPLES - 1, KERNELS[0] // 2

StepMode = Literal["raw", "padded"]
Sound = Float[np.ndarray, " T"] | Iterable[Float[np.ndarray, " n"]]


def encode_steps(
    sound: Sound,
    params: Params,
    *,
    mode: StepMode = "padded",
    num_samples: int | None = None,
    chunk_steps: int = CHUNK_STEPS,
) -> Iterator[Float32[np.ndarray, "n F"]]:
    """Yields the 256 features of each step of 10 ms, chunk by chunk.

    There are `count_steps` of them, and any `chunk_steps` gives the same values. Beyond a chunk,
    `raw` holds 1/160 of the recording's samples at most.

    Args:
        sound: Mono samples at 16 kHz in [-1, 1], or blocks of them in order.
        params: What `load_params` gave.
        mode: `raw` or `padded`; see above.
        num_samples: How many samples the blocks have together, which `raw` must know.
        chunk_steps: Steps encoded at a time; a larger chunk fills a larger accelerator.

    Raises:
        UserError: When there are no samples, fewer than `raw` can take, or not `num_samples`.
    """
    params = jax.device_put(params)
    source = blocks_of(sound)
    if mode == "raw":
        if isinstance(sound, np.ndarray | jax.Array):
            num_samples = len(sound)
        if num_samples is None:
            raise ValueError("the mode raw of blocks needs num_samples")
        steps = count_steps(num_samples, mode=mode)
        source = _counted(source, num_samples)
        if steps < _LEAST_STREAMED_STEPS:
            yield encode_whole(np.concatenate(list(source))[None], params)[0]
            return
        slides = num_samples // steps == _SLID_SAMPLES
    else:
        slides = False
    yield from _streamed(
        source, params, is_padded=mode == "padded", slides=slides, chunk=chunk_steps
    )


def count_steps(num_samples: int, *, mode: StepMode) -> int:
    """Returns how many steps a recording has.

    Raises:
        UserError: When there are no samples, or fewer than `raw` can take.
    """
    if not num_samples:
        raise UserError("the recording holds no samples, so there is nothing to encode")
    if mode == "padded":
        return max(MIN_STEPS, -(-num_samples // HOP_SAMPLES))
    if num_samples < MIN_SAMPLES:
        raise UserError(
            f"PASE+ needs at least {MIN_SAMPLES} samples (29.4 ms at 16 kHz) in the mode raw, but "
            f"the recording has {num_samples}; choose the mode padded"
        )
    return (num_samples + 9) // HOP_SAMPLES


def _streamed(
    source: Iterator[Float32[np.ndarray, " n"]],
    params: Params,
    *,
    is_padded: bool,
    slides: bool,
    chunk: int,
) -> Iterator[Float32[np.ndarray, "n F"]]:
    """Yields the steps of a recording, whose first skip may slide, as nothing else does."""
    state = initial_state(1)
    # `held` begins with step `origin`, the window of a chunk with step `first`.
    held, origin, is_over = np.zeros(0, np.float32), 0, False
    done = total = 0
    while not is_over or done < total:
        first = max(0, done - STEPS_BEFORE)
        wanted = (done + chunk + STEPS_BEHIND - origin) * HOP_SAMPLES
        held, ended = _filled_up(held, source, wanted)
        if ended and not is_over:
            is_over = True
            if is_padded:
                held = padded(held, is_whole=origin == 0)
            total = origin + (len(held) + 9) // HOP_SAMPLES
        begin = (first - origin) * HOP_SAMPLES
        samples = held[begin : min(len(held), wanted)]
        count = min(chunk, first + (len(samples) + 9) // HOP_SAMPLES - done)
        size = min(chunk, max(_SMALLEST_CHUNK, 1 << (count - 1).bit_length()))
        window = np.zeros((1, (STEPS_BEFORE + size + STEPS_BEHIND) * HOP_SAMPLES), np.float32)
        window[0, : len(samples)] = samples
        encoded, state = encode_chunk(
            params,
            window,
            state,
            np.int32(len(samples)),
            np.int32(done - first),
            _slid(held, origin, done, size) if slides else None,
            size=size,
        )
        yield np.asarray(encoded[0, :count])
        done += count
        kept_from = max(0, done - STEPS_BEFORE)
        if slides:
            kept_from = min(kept_from, max(0, _SLID_SAMPLES * done - _SLID_MARGIN) // HOP_SAMPLES)
        held, origin = held[(kept_from - origin) * HOP_SAMPLES :], kept_from


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


def _counted(source: Iterator[np.ndarray], expected: int) -> Iterator[np.ndarray]:
    """Passes blocks on and refuses if they are not as long as was said."""
    found = 0
    for block in source:
        found += len(block)
        yield block
    if found != expected:
        raise UserError(f"the recording has {found} samples, not {expected}; read it again")


def padded(held: np.ndarray, *, is_whole: bool) -> np.ndarray:
    """Adds zeros up to a whole step, and up to three if this is the whole recording."""
    steps = -(-len(held) // HOP_SAMPLES)
    if is_whole:
        steps = count_steps(len(held), mode="padded")
    return np.pad(held, (0, steps * HOP_SAMPLES - len(held)))


def _slid(held: np.ndarray, origin: int, done: int, size: int) -> Float32[np.ndarray, "1 S"]:
    """Returns what the first skip of `size` steps pools, with its margins, reflected at the start.

    Of 151 steps the last one's margin ends before the recording does.
    """
    begin = _SLID_SAMPLES * done - _SLID_MARGIN - origin * HOP_SAMPLES
    length = _SLID_SAMPLES * size + 2 * _SLID_MARGIN
    part = held[max(0, begin) : begin + length]
    if begin < 0:
        part = np.concatenate([part[-begin:0:-1], part])
    return np.pad(part, (0, length - len(part)))[None]


@functools.partial(jax.jit, static_argnames="size")
def encode_chunk(
    params: Params,
    window: Float[Array, "B T"],
    state: RecurrentState,
    window_samples: Int[Array, ""],
    first_step: Int[Array, ""],
    slid: Float[Array, "B S"] | None,
    *,
    size: int,
) -> tuple[Float[Array, "B N F"], RecurrentState]:
    return network(params).chunk(
        window,
        state,
        window_samples=window_samples,
        first_step=first_step,
        num_steps=size,
        slid=slid,
    )


@jax.jit
def _encode_whole(params: Params, samples: Float[Array, "B T"]) -> Float[Array, "B L F"]:
    return network(params)(jnp.asarray(samples))
