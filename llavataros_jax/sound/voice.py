"""Whether somebody speaks on a frame, from what a network hears anyway: words, or else loudness.

Once a word was seen in a lane, words alone count, since loudness takes music and noise for speech.
Until then a frame counts by its energy over a floor and under a peak that follow the sound: the
floor falls at once and rises slowly, as in minimum statistics (Martin, "Noise power spectral
density estimation based on optimal smoothing and minimum statistics", 2001), the peak the other way
round. PASE+ features tell no energy: without words every frame counts as spoken.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.steps import PROSODY

_STEPS_PER_FRAME = 3
_NEPER = 20 / np.log(10)  # decibels in one unit of the features' natural logarithm
# Decibels below full scale; per second; over the floor and under the peak.
_FLOOR_LEAST, _FLOOR_START, _FLOOR_RISE = -70.0, -60.0, 5.0
_PEAK_LEAST, _PEAK_FALL = -50.0, 2.0
_OVER_FLOOR, _UNDER_PEAK = 9.0, 28.0
_SLOPE = 6.0  # from silence to speech


class VoiceState(NamedTuple):
    """What one call leaves to the next, of each lane.

    Attributes:
        floor: Loudness of the background, decibels.
        peak: Loudness of speech, decibels.
        has_words: Lanes in which a word was seen.
    """

    floor: Float[Array, " B"]
    peak: Float[Array, " B"]
    has_words: Bool[Array, " B"]


def start_voice(lanes: int) -> VoiceState:
    """Returns the state of lanes that have heard nothing."""
    # Types that are not weak, as the next states have: a live step is compiled once.
    floor, peak = (jnp.full(lanes, x, jnp.float32) for x in (_FLOOR_START, _PEAK_LEAST))
    return VoiceState(floor, peak, jnp.zeros(lanes, bool))


def reset_voice(state: VoiceState, is_start: Bool[Array, " B"]) -> VoiceState:
    """Starts anew the lanes in which a stream starts."""
    fresh = start_voice(len(is_start))
    return VoiceState(*(jnp.where(is_start, f, s) for f, s in zip(fresh, state, strict=True)))


def has_energy(config: AudioConfig) -> bool:
    """Says whether audio features tell how loud a frame is."""
    return config.kind == "mel"


def energy_of(
    audio: Float[Array | np.ndarray, "B T A"], config: AudioConfig
) -> Float[Array, "B T"] | None:
    """Returns the loudness of frames in decibels, from their features; None where these have none.

    It is that of the loudest of the frame's three steps.
    """
    if not has_energy(config):
        return None
    first = _STEPS_PER_FRAME * (config.mels + PROSODY.index("energy"))
    steps = jnp.asarray(audio)[..., first : first + _STEPS_PER_FRAME].astype(jnp.float32)
    return _NEPER * jnp.max(steps, axis=-1)


def voice_activity(
    state: VoiceState,
    word_index: Int[Array | np.ndarray, "B T"],
    energy: Float[Array, "B T"] | None,
    *,
    fps: float,
    frame_mask: Bool[Array | np.ndarray, "B T"] | None = None,
) -> tuple[Float[Array, "B T"], VoiceState]:
    """Returns voice activity from 0 to 1, and the state of the next call; pure and causal.

    However a stream is cut into calls, it comes out the same.

    Args:
        state: Of the call before, or of `start_voice`.
        word_index: Word of each frame, -1 where there is none.
        energy: Of `energy_of`.
        fps: Frames per second.
        frame_mask: Frames that exist; the others leave the state alone.
    """
    index = jnp.asarray(word_index)
    exists = jnp.ones(index.shape, bool) if frame_mask is None else jnp.asarray(frame_mask)
    in_word = (index >= 0) & exists
    seen = (jnp.cumsum(in_word, axis=1) > 0) | state.has_words[:, None]
    words = in_word.astype(jnp.float32)
    state = state._replace(has_words=seen[:, -1])
    if energy is None:
        return jnp.where(seen, words, 1.0), state
    rise, fall = _FLOOR_RISE / fps, _PEAK_FALL / fps

    def step(state: VoiceState, frame: tuple[Array, Array]) -> tuple[VoiceState, Array]:
        loud, exists = frame
        floor = jnp.clip(loud, _FLOOR_LEAST, state.floor + rise)
        peak = jnp.maximum(jnp.maximum(loud, state.peak - fall), _PEAK_LEAST)
        level = jnp.maximum(floor + _OVER_FLOOR, peak - _UNDER_PEAK)
        activity = jnp.clip((loud - level) / _SLOPE + 0.5, 0.0, 1.0)
        floor = jnp.where(exists, floor, state.floor)
        peak = jnp.where(exists, peak, state.peak)
        return state._replace(floor=floor, peak=peak), activity

    state, heard = jax.lax.scan(step, state, (energy.T, exists.T))
    return jnp.where(seen, words, heard.T), state


def recorded_activity(
    word_index: Int[np.ndarray, " T"],
    audio: Float[np.ndarray, "T A"],
    config: AudioConfig,
    *,
    fps: float,
) -> Float[np.ndarray, " T"]:
    """Returns the voice activity of a whole recording as `voice_activity` gives it live."""
    energy = energy_of(audio[None], config)
    activity, _ = voice_activity(start_voice(1), word_index[None], energy, fps=fps)
    return np.asarray(activity[0])
