"""Windows of motion as they might have been: larger, smoother, noisier, mirrored, faster."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from llavataros_jax.alignment.body import HEAD, POINTS
from llavataros_jax.alignment.material import MARGIN_FRAMES, TEMPO
from llavataros_jax.alignment.settings import Settings

_OCTAVES = 1.0  # of amplitude, either way
_MOST_NOISE = 0.01  # hands move 1 a second on average; white noise at 20 a second is fast
_SMOOTH_FRAMES = (0.2, 2.0)  # deviations of the Gaussian
_HEADLESS = 0.3
_TWINS = (1, 0, 3, 2, 4, 5)


def drawn_windows(
    points: Float[Array, "T 6 3"],
    speech: Float[Array, "T C"],
    starts: Int[Array, " B"],
    settings: Settings,
    key: Key[Array, ""],
) -> tuple[Float[Array, "B m 6 3"], Float[Array, "B n C"]]:
    """Returns windows of motion, changed at random, and of their speech.

    Motion: 0.5 to 2 times as large, white noise, a Gaussian low-pass, left and right swapped in
    half, no head in three of ten. Both: 10 % faster or slower at most.

    Args:
        points: Motion of all clips.
        speech: Speech of all clips.
        starts: Where windows with their margins begin.
        settings: How long windows are.
        key: All chance comes from it.
    """
    keys = jax.random.split(key, 8)
    count = len(starts)

    def each(number: int, low: float, high: float) -> Float[Array, "B 1 1 1"]:
        return jax.random.uniform(keys[number], (count, 1, 1, 1), minval=low, maxval=high)

    tempo = each(0, 1 - TEMPO, 1 + TEMPO).reshape(-1)
    frames = settings.window_frames + 2 * MARGIN_FRAMES
    motion = _at(points.reshape(len(points), -1), starts, frames, tempo)
    motion = motion.reshape(count, frames, len(POINTS), 3)
    heard = _at(speech, starts, frames, tempo)[:, MARGIN_FRAMES:-MARGIN_FRAMES]
    is_mirrored = jax.random.bernoulli(keys[1], 0.5, (count, 1, 1, 1))
    motion = jnp.where(is_mirrored, motion[:, :, jnp.array(_TWINS)] * _mirror(), motion)
    mean = motion.mean(axis=1, keepdims=True)
    motion = mean + (motion - mean) * 2 ** each(2, -_OCTAVES, _OCTAVES)
    noise = jax.random.normal(keys[3], motion.shape) * each(4, 0, _MOST_NOISE)
    motion = smoothed(motion + noise, each(5, *_SMOOTH_FRAMES).reshape(-1))
    is_headless = jax.random.bernoulli(keys[6], _HEADLESS, (count, 1, 1, 1))
    is_head = (jnp.arange(len(POINTS)) == HEAD)[None, None, :, None]
    return jnp.where(is_headless & is_head, 0.0, motion), heard


def smoothed(
    motion: Float[Array, "B n 6 3"], deviation_frames: Float[Array, " B"]
) -> Float[Array, "B n 6 3"]:
    """Low-passes windows by Gaussians of 13 taps, each of its own deviation; ends are held."""
    reach = 6
    lags = jnp.arange(-reach, reach + 1, dtype=jnp.float32)[None]
    weights = jnp.exp(-0.5 * jnp.square(lags / deviation_frames[:, None]))
    weights = weights / weights.sum(axis=1, keepdims=True)
    padded = jnp.pad(motion, ((0, 0), (reach, reach), (0, 0), (0, 0)), mode="edge")
    taps = [
        weights[:, tap, None, None, None] * padded[:, tap : tap + motion.shape[1]]
        for tap in range(2 * reach + 1)
    ]
    return sum(taps[1:], taps[0])


def _mirror() -> Float[Array, "1 1 1 3"]:
    return jnp.array([-1.0, 1.0, 1.0])[None, None, None]


def _at(
    rows: Float[Array, "T C"],
    starts: Int[Array, " B"],
    frames: int,
    tempo: Float[Array, " B"],
) -> Float[Array, "B n C"]:
    """Reads rows from the starts on, at a tempo of each window's own, linearly between frames."""
    place = jnp.arange(frames, dtype=jnp.float32)[None] * tempo[:, None]
    before = jnp.floor(place)
    share = (place - before)[..., None]
    index = starts[:, None] + before.astype(jnp.int32)
    return rows[index] * (1 - share) + rows[index + 1] * share
