"""The gate in front of Whisper: by loudness everywhere, by Silero VAD where it is installed."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.sound import voice_activity
from data_prep.sound.voice_activity import joined, speech_spans
from data_prep.words.timed_files import read_timed_words
from llavataros_jax.sound.reader import SPEECH_RATE

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"


@pytest.fixture(params=["loudness", "silero"])
def gate(request, monkeypatch):
    if request.param == "silero":
        pytest.importorskip("silero_vad")
    else:
        monkeypatch.setattr(voice_activity, "tells_music", lambda: False)
    return request.param


def speech(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"real recordings are not at {SHARED}")
    return soundfile.read(path, dtype="float32")[0]


def music(seconds):
    """Returns chords of decaying strings with a beat under them."""
    times = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    sound = np.zeros(len(times))
    for beat, root in enumerate(np.resize([220.0, 174.6, 261.6, 196.0], int(seconds * 2))):
        since = times - beat / 2
        envelope = np.where(since >= 0, np.exp(-3 * np.maximum(since, 0)), 0)
        for ratio in (1, 1.26, 1.5, 2):
            sound += envelope * np.sin(2 * np.pi * root * ratio * times) / 8
    return (0.5 * sound).astype(np.float32)


def test_silence_noise_and_nothing_hold_no_speech(gate):
    noise = np.random.default_rng(0).standard_normal(10 * SPEECH_RATE).astype(np.float32)
    for samples in (noise[:0], 0 * noise, 1e-4 * noise, 0.1 * noise, noise[:800]):
        assert speech_spans(samples) == []


def test_music_holds_no_speech_for_silero(gate):
    spans = speech_spans(music(10))
    if gate == "silero":
        assert spans == []
    else:
        assert spans  # why a note says so


@pytest.mark.parametrize("gain", [1.0, 0.05])
def test_all_words_of_a_real_recording_lie_in_speech(gate, gain):
    samples = gain * speech("avataros/001_Neutral_0_x_1_0.wav")
    words = read_timed_words(
        SHARED / "avataros/alignments/001_Neutral_0_x_1_0.TextGrid", len(samples) / SPEECH_RATE
    )
    spans = speech_spans(samples)
    middles = [(word.start_seconds + word.end_seconds) / 2 for word in words]
    inside = [any(start <= middle < end for start, end in spans) for middle in middles]
    assert np.mean(inside) > 0.98
    assert sum(end - start for start, end in spans) < 0.9 * len(samples) / SPEECH_RATE


def test_speech_between_long_silences_is_found(gate):
    voice = speech("whisper/jfk_16k.wav")
    samples = np.concatenate(
        [np.zeros(60 * SPEECH_RATE, np.float32), voice, np.zeros(60 * SPEECH_RATE)]
    )
    spans = speech_spans(samples.astype(np.float32))
    assert spans[0][0] == pytest.approx(60.2, abs=0.4)
    assert spans[-1][1] == pytest.approx(71, abs=0.7)
    assert len(spans) < 8


def test_joined():
    assert joined([(0, 1), (1.4, 2), (3, 4)], 0.5) == [(0, 2), (3, 4)]
    assert joined([(0, 5), (1, 2)], 0.5) == [(0, 5)]
