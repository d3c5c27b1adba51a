"""Speech features on their way into the network: standardised, and nothing where nothing is."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from llavataros_jax.batch import Speech


@dataclass(frozen=True)
class FeatureStatistics:
    """Mean and deviation of the training features."""

    audio_mean: Float[np.ndarray, " A"]
    audio_std: Float[np.ndarray, " A"]
    words_mean: Float[np.ndarray, " E"]
    words_std: Float[np.ndarray, " E"]


def standardise(
    speech: Speech, statistics: FeatureStatistics | None, *, exists: Bool[Array, "B T"]
) -> Speech:
    """Subtracts mean and divides by deviation, and clears what belongs to no existing frame.

    Features outside `exists` and the vectors of words that no existing frame has become zeros
    whatever they hold, since 0 × NaN would carry a NaN on in a product or in its gradient.

    Args:
        speech: Raw features.
        statistics: Of the training features; None leaves features raw.
        exists: Frames in which this person is there.
    """
    audio = jnp.asarray(speech.audio, jnp.float32)
    words = jnp.asarray(speech.words, jnp.float32)
    if statistics is not None:
        audio = (audio - statistics.audio_mean[None, None]) / statistics.audio_std[None, None]
        words = (words - statistics.words_mean[None, None]) / statistics.words_std[None, None]
    index = jnp.where(exists, jnp.asarray(speech.word_index), -1)
    is_said = (index[:, :, None] == jnp.arange(words.shape[1], dtype=index.dtype)[None, None]).any(
        1
    )
    return speech.replace(
        audio=jnp.where(exists[..., None], audio, 0.0),
        words=jnp.where(is_said[..., None], words, 0.0),
        word_index=index,
    )


def repair(
    speech: Speech, statistics: FeatureStatistics | None
) -> tuple[Speech, Bool[Array, "B T"]]:
    """Puts the training mean in the place of numbers that are not finite as float16.

    Records hold features as float16, so the network was trained on no others; a number beyond that
    range is as meaningless as NaN, and its square may overflow. The other numbers stay as they are.

    Returns:
        The speech, and the frames of which something was replaced.
    """
    means = (0.0, 0.0)
    if statistics is not None:
        means = (statistics.audio_mean[None, None], statistics.words_mean[None, None])
    audio, audio_was = _finite(jnp.asarray(speech.audio, jnp.float32), means[0])
    words, words_were = _finite(jnp.asarray(speech.words, jnp.float32), means[1])
    index = jnp.asarray(speech.word_index)
    of_word = jnp.take_along_axis(words_were, jnp.maximum(index, 0), axis=1, mode="clip")
    return speech.replace(audio=audio, words=words), audio_was | (of_word & (index >= 0))


def _finite(
    values: Float[Array, "B T A"], mean: Float[np.ndarray, "1 1 A"] | float
) -> tuple[Float[Array, "B T A"], Bool[Array, "B T"]]:
    usable = jnp.isfinite(values.astype(jnp.float16))
    return jnp.where(usable, values, mean), ~usable.all(-1)
