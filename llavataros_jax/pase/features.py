"""From PASE+ to 768 numbers for each frame of motion, in two ways that do not mix (section 9).

`isolated` is the ancestor's: one window of 534 samples for each frame, encoded without anything
around it. `context` encodes the whole recording at 100 steps a second and takes three for each
frame; its steps are the `padded` ones of `stream`, not the original's, so that any length of sound
works and the skips stay in step with the tower. Either way the number at 3c + t is channel c at
step t. A model trained on one way cannot read the other.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

import jax
import numpy as np
from jaxtyping import Float32, Int

from llavataros_jax.errors import UserError
from llavataros_jax.pase.layout import FEATURES, SAMPLE_RATE, STEPS_PER_SECOND
from llavataros_jax.pase.network import Params
from llavataros_jax.pase.stream import Sound, blocks_of, encode_steps, encode_whole

FrameMode = Literal["context", "isolated"]
STEPS_PER_FRAME = 3
WINDOW_SAMPLES = 534
_WINDOWS = 128  # encoded at a time
_BLOCK_FRAMES = 4096


def pase_features(
    sound: Sound,
    params: Params,
    *,
    num_frames: int,
    fps: float = 30.0,
    mode: FrameMode = "context",
) -> Float32[np.ndarray, "N 768"]:
    """Computes the features of `num_frames` frames; beyond the result no memory grows with them.

    Args:
        sound: Mono samples at 16 kHz in [-1, 1], or blocks of them in order.
        params: What `load_params` gave.
        num_frames: Frames of motion. Those after the sound's end repeat its last steps (`context`)
            or are of silence (`isolated`).
        fps: Frames per second.
        mode: `context` or `isolated`; see above.

    Raises:
        UserError: When there are no samples or the mode is unknown.
    """
    features = np.zeros((num_frames, STEPS_PER_FRAME * FEATURES), np.float32)
    done = 0
    for block in frame_features(sound, params, num_frames=num_frames, fps=fps, mode=mode):
        features[done : done + len(block)] = block
        done += len(block)
    return features


def frame_features(
    sound: Sound, params: Params, *, num_frames: int, fps: float = 30.0, mode: FrameMode
) -> Iterator[Float32[np.ndarray, "n 768"]]:
    """Yields the same features in blocks of frames."""
    ways = {"context": _in_context, "isolated": _isolated}
    if mode not in ways:
        raise UserError(f"PASE+ has no mode {mode!r}; choose context or isolated")
    if fps <= 0:
        raise UserError(f"PASE+ features need a positive frame rate, but fps is {fps}")
    return ways[mode](sound, params, num_frames, fps)


def count_frames(num_samples: int, *, mode: FrameMode, fps: float = 30.0) -> int:
    """Returns how many frames a recording has, one at least.

    The ancestor counts a frame only when one sample more than it is there (`isolated`).
    """
    counted = num_samples - 1 if mode == "isolated" else num_samples
    return max(1, int(counted * _exact(fps) // SAMPLE_RATE))


def first_of_frames(
    num_frames: int, fps: float, rate: int, *, first: int = 0
) -> Int[np.ndarray, " N"]:
    """Returns ⌊k · rate / fps⌋ for each frame k from `first` to before `num_frames`.

    It is computed in whole numbers, so that nothing drifts.
    """
    exact = _exact(fps)
    frames = np.arange(first, num_frames, dtype=np.int64)
    return frames * (rate * exact.denominator) // exact.numerator


def _exact(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)


def _in_context(
    sound: Sound, params: Params, num_frames: int, fps: float
) -> Iterator[Float32[np.ndarray, "n 768"]]:
    wanted = first_of_frames(num_frames, fps, STEPS_PER_SECOND)[:, None]
    wanted = wanted + np.arange(STEPS_PER_FRAME)
    held, first, done = np.zeros((0, FEATURES), np.float32), 0, 0
    for steps in encode_steps(sound, params):
        held = np.concatenate([held, steps])
        ready = int(np.searchsorted(wanted[:, -1], first + len(held)))
        if ready > done:
            yield _stacked(held[wanted[done:ready] - first])
            done = ready
        if done == num_frames:
            return
        # The last step is kept whatever comes, for frames beyond the end.
        drop = max(0, min(int(wanted[done, 0]) - first, len(held) - 1))
        held, first = held[drop:], first + drop
    for start in range(done, num_frames, _BLOCK_FRAMES):
        rows = wanted[start : start + _BLOCK_FRAMES]
        yield _stacked(held[np.minimum(rows - first, len(held) - 1)])


def _isolated(
    sound: Sound, params: Params, num_frames: int, fps: float
) -> Iterator[Float32[np.ndarray, "n 768"]]:
    params = jax.device_put(params)
    source, starts = blocks_of(sound), first_of_frames(num_frames, fps, SAMPLE_RATE)
    held, first, received = np.zeros(0, np.float32), 0, 0
    for batch in range(0, num_frames, _WINDOWS):
        begins = starts[batch : batch + _WINDOWS]
        parts, size = [held], len(held)
        while first + size < begins[-1] + WINDOW_SAMPLES:
            block = next(source, None)
            received += 0 if block is None else len(block)
            if block is None:
                block = np.zeros(begins[-1] + WINDOW_SAMPLES - first - size, np.float32)
            parts.append(block)
            size += len(block)
        held = np.concatenate(parts)
        if not received:
            raise UserError("the recording holds no samples, so there is nothing to encode")
        # A batch is always full, so that one compiled program serves the last one too.
        windows = np.zeros((_WINDOWS, WINDOW_SAMPLES), np.float32)
        windows[: len(begins)] = held[begins[:, None] - first + np.arange(WINDOW_SAMPLES)]
        yield _stacked(encode_whole(windows, params)[: len(begins)])
        drop = min(int(begins[-1]) - first, len(held))
        held, first = held[drop:], first + drop


def _stacked(steps: Float32[np.ndarray, "n 3 256"]) -> Float32[np.ndarray, "n 768"]:
    return steps.transpose(0, 2, 1).reshape(len(steps), -1)
