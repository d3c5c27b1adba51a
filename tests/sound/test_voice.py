"""Voice activity against the words of the bundled corpus, and of streams cut anyhow."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.steps import step_features
from llavataros_jax.sound.voice import (
    energy_of,
    recorded_activity,
    reset_voice,
    start_voice,
    voice_activity,
)

CORPUS = Path(__file__).parents[2] / "corpus"
MEL, PASE = AudioConfig(), AudioConfig(kind="pase", pase="FE_e199.ckpt")


def heard(name: str, frames: int, *, gain: float = 1.0, noise: float = 0.0) -> np.ndarray:
    """Returns features of a clip with energy alone, which is all that activity reads."""
    import soundfile

    samples, rate = soundfile.read(CORPUS / f"{name}.flac", dtype="float32")
    samples = gain * samples[: frames * rate // 30]
    samples = samples + noise * np.random.default_rng(0).normal(size=len(samples))
    parts = np.array_split(samples, frames)
    energy = np.log(np.array([np.sqrt(np.mean(part**2)) for part in parts]) + 1e-5)
    audio = np.zeros((frames, 132), np.float32)
    audio[:, 120:123] = energy[:, None]
    return audio


def spoken(name: str, frames: int) -> np.ndarray:
    words = json.loads((CORPUS / f"{name}.json").read_text())["words"]
    times = (np.arange(frames) + 0.5) / 30
    return np.any([(w["start"] <= times) & (times < w["end"]) for w in words], axis=0)


def bridged(speaks: np.ndarray) -> np.ndarray:
    """Returns frames at or shortly after speech: stops and gaps between words are no pauses."""
    return np.convolve(speaks, np.ones(7))[: len(speaks)] > 0


def test_energy_is_where_the_features_have_it() -> None:
    steps = np.concatenate(list(step_features(CORPUS / "ada_1.flac", 30, MEL)))
    audio = np.zeros((10, 132), np.float32)
    audio[:, :] = steps.reshape(10, 3, 44).transpose(0, 2, 1).reshape(10, 132)
    decibels = energy_of(audio[None], MEL)
    assert decibels is not None
    wanted = 20 * np.log10(np.exp(steps[:, 40].reshape(10, 3).max(axis=1)))
    np.testing.assert_allclose(decibels[0], wanted, rtol=1e-5)
    assert energy_of(audio[None], PASE) is None


@pytest.mark.parametrize("gain", [1.0, 0.1])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_loudness_tells_speech_from_pauses(gain: float, noise: float) -> None:
    agreement = []
    for name in ("ada_1", "ben_1"):
        audio, truth = heard(name, 450, gain=gain, noise=gain * noise), spoken(name, 450)
        activity = recorded_activity(np.full(450, -1, np.int32), audio, MEL, fps=30)
        assert activity.min() >= 0
        assert activity.max() <= 1
        agreement.append(np.mean(bridged(activity > 0.5) == bridged(truth)))
    assert min(agreement) > 0.85, agreement


def test_silence_is_silent() -> None:
    silent = np.full((300, 132), np.log(1e-5), np.float32)
    assert recorded_activity(np.full(300, -1, np.int32), silent, MEL, fps=30).max() < 0.5


def test_words_count_alone_once_there_is_one() -> None:
    audio = heard("ada_1", 300)
    index = np.full(300, -1, np.int32)
    index[100:130] = 3
    activity = recorded_activity(index, audio, MEL, fps=30)
    np.testing.assert_array_equal(activity[100:], index[100:] >= 0)
    wordless = recorded_activity(index * 0 - 1, audio, MEL, fps=30)
    np.testing.assert_array_equal(activity[:100], wordless[:100])
    without = recorded_activity(index, np.zeros((300, 768), np.float32), PASE, fps=30)
    np.testing.assert_array_equal(without, np.r_[np.ones(100), index[100:] >= 0])


@pytest.mark.slow
def test_streams_are_cut_start_and_wait_as_they_like() -> None:
    audio = np.stack([heard(name, 120) for name in ("ada_1", "ben_1")])
    energy = energy_of(audio, MEL)
    assert energy is not None
    index = np.full((2, 120), -1, np.int32)
    index[1, 60:80] = 0
    whole, _ = voice_activity(start_voice(2), index, energy, fps=30)
    _, state = voice_activity(start_voice(2), index * 0, energy + 30, fps=30)
    state, parts = reset_voice(state, jnp.ones(2, bool)), []
    for first in range(0, 120, 40):
        # Every second frame of a call is no frame.
        cut = slice(first, first + 40)
        padded = jnp.repeat(energy[:, cut], 2, axis=1).at[:, 1::2].set(jnp.nan)
        mask = np.tile([True, False], (2, 40))
        words = np.where(mask, np.repeat(index[:, cut], 2, axis=1), 7)
        part, state = voice_activity(state, words, padded, fps=30, frame_mask=mask)
        parts.append(part[:, ::2])
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)
