"""Beats of speech against librosa on the whole file, and on clicks at known times."""

import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from llavataros_jax.errors import UserError
from llavataros_jax.sound import beats as module
from llavataros_jax.sound.beats import audio_beats
from llavataros_jax.sound.reader import read_mono

ROOT = Path(__file__).parents[2]
RATE, HOP = 16000, 512


def by_librosa(path):
    samples = read_mono(path, RATE)
    onsets = librosa.onset.onset_detect(y=samples, sr=RATE, hop_length=HOP)
    energy = librosa.feature.rms(y=samples, hop_length=HOP)[0]
    frames = librosa.onset.onset_backtrack(onsets, energy)
    return np.unique(librosa.frames_to_time(frames, sr=RATE, hop_length=HOP))


def test_bundled_speech_equals_librosas():
    beats = audio_beats(ROOT / "corpus" / "ada_4.flac")
    assert len(beats) > 20
    np.testing.assert_array_equal(beats, by_librosa(ROOT / "corpus" / "ada_4.flac"))


def test_real_speech_in_many_blocks_equals_librosas_whole():
    path = ROOT / ".." / "shared" / "data" / "avataros" / "001_Neutral_0_x_1_0.wav"
    if not path.is_file():
        pytest.skip(f"real recording {path.name} is not here")
    np.testing.assert_array_equal(audio_beats(path), by_librosa(path))


@pytest.mark.parametrize("block_samples", [100, 511, 5000])
def test_blocks_of_any_size_give_the_same(monkeypatch, block_samples):
    path = ROOT / "corpus" / "ben_4.flac"
    whole = read_mono(path, RATE)[: 3 * RATE]
    parts = [whole[at : at + block_samples] for at in range(0, len(whole), block_samples)]
    monkeypatch.setattr(module, "blocks", lambda *_: iter(parts))
    mel, energy = module._mel_and_energy(path)
    expected = librosa.feature.melspectrogram(y=whole, sr=RATE, n_fft=2048, hop_length=HOP)
    np.testing.assert_allclose(mel, expected, rtol=1e-4, atol=1e-6)
    expected = librosa.feature.rms(y=whole, hop_length=HOP)[0]
    np.testing.assert_allclose(energy, expected, rtol=1e-4, atol=1e-7)


def test_clicks_are_found_where_they_begin(tmp_path):
    random = np.random.default_rng(0)
    clicks = np.array([0.8, 1.7, 2.3, 3.4])
    samples = 1e-3 * random.standard_normal(5 * RATE)
    for click in clicks:
        at = round(click * RATE)
        ring = np.exp(-np.arange(RATE // 4) / (0.04 * RATE))
        samples[at : at + RATE // 4] += 0.5 * ring * random.standard_normal(RATE // 4)
    path = tmp_path / "clicks.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    beats = audio_beats(path)
    for click in clicks:
        before = beats[beats <= click]
        # A window of 128 ms hears a click up to 64 ms early, and the minimum lies before that.
        assert 0 <= click - before[-1] < 0.064 + 4 * HOP / RATE


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros(1), np.full(10, 0.5)])
def test_silence_and_scraps_have_no_beats(tmp_path, samples):
    path = tmp_path / "nothing.wav"
    soundfile.write(path, samples, RATE)
    assert audio_beats(path).shape == (0,)


def test_without_librosa_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(UserError, match="beats of speech needs librosa; install with: "):
        audio_beats(tmp_path / "a.wav")


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        audio_beats(tmp_path / "nothing.wav")
