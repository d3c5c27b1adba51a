"""Audio features against librosa and closed forms; time, causality and memory."""

import tracemalloc

import librosa
import numpy as np
import pytest
import soundfile

from data_prep.sound.features import audio_features, feature_names, stack_steps
from llavataros_jax.config import AudioConfig
from llavataros_jax.sound.steps import step_features

CONFIG = AudioConfig(mels=20)
HOP = 160


def write(path, samples, rate=CONFIG.sample_rate):
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def steps_of(path, num_steps, config=CONFIG, block_steps=2000):
    return np.concatenate(list(step_features(path, num_steps, config, block_steps=block_steps)))


def test_log_mel_and_onset_are_librosas(tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal(HOP * 90).astype(np.float32)
    steps = steps_of(write(tmp_path / "noise.wav", noise), 90)
    window = 400  # 25 ms, ending at the step's end
    padded = np.concatenate([np.zeros(window - HOP, np.float32), noise, np.zeros(512, np.float32)])
    # librosa centres its window in the 512 samples of the transform.
    power = librosa.feature.melspectrogram(
        y=np.pad(padded, ((512 - window) // 2, 0)),
        sr=16000,
        n_fft=512,
        hop_length=HOP,
        win_length=window,
        center=False,
        n_mels=20,
    )[:, :90]
    np.testing.assert_allclose(steps[:, :20], np.log(power.T + 1e-8), atol=1e-3)
    onset = librosa.onset.onset_strength(S=steps[:, :20].T, center=False)
    np.testing.assert_allclose(steps[:, 23], onset, atol=1e-5)


@pytest.mark.parametrize("hertz", [80.0, 120.0, 220.0, 400.0])
def test_energy_pitch_and_voicing_of_a_tone(tmp_path, hertz):
    times = np.arange(HOP * 90) / 16000
    tone = sum(0.2 / k * np.sin(2 * np.pi * hertz * k * times) for k in (1, 2, 3))
    energy, pitch, voicing, _ = steps_of(write(tmp_path / "tone.wav", tone), 90)[:, 20:].T
    rms = np.sqrt(sum((0.2 / k) ** 2 / 2 for k in (1, 2, 3)))
    np.testing.assert_allclose(energy[10:], np.log(rms), atol=0.1)
    np.testing.assert_allclose(60 * np.exp(pitch[10:]), hertz, rtol=0.02)
    assert voicing[10:].min() > 0.9


def test_noise_and_silence_have_no_pitch(tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal(HOP * 90)
    steps = steps_of(write(tmp_path / "noise.wav", noise), 90)
    assert np.mean(steps[:, 21] > 0) < 0.1
    silent = steps_of(write(tmp_path / "silence.wav", np.zeros(HOP * 30)), 30)
    np.testing.assert_array_equal(silent[:, 21:], 0)
    np.testing.assert_allclose(silent[:, :20], np.log(1e-8), rtol=1e-5)
    np.testing.assert_allclose(silent[:, 20], np.log(1e-5), rtol=1e-4)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_any_block_size_gives_the_same(tmp_path, rate):
    noise = 0.1 * np.random.default_rng(0).standard_normal(rate * 4)
    path = write(tmp_path / "noise.wav", noise, rate)
    config = AudioConfig()
    whole = steps_of(path, 360, config)
    np.testing.assert_allclose(steps_of(path, 360, config, block_steps=37), whole, atol=1e-5)


def test_a_frame_hears_nothing_after_its_end(tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    config, frame = AudioConfig(mels=20), 14
    before = audio_features(write(tmp_path / "a.wav", noise, 16000), 30, config, 30)
    end = round((frame + 1) * 16000 / 30)
    changed = noise.copy()
    changed[end:] = 0.5
    after = audio_features(write(tmp_path / "b.wav", changed, 16000), 30, config, 30)
    np.testing.assert_array_equal(after[: frame + 1], before[: frame + 1])
    assert np.abs(after[frame + 1] - before[frame + 1]).max() > 0.1
    changed = noise.copy()
    changed[end - 1] = 0.9  # its last sample is heard
    after = audio_features(write(tmp_path / "c.wav", changed, 16000), 30, config, 30)
    np.testing.assert_array_equal(after[:frame], before[:frame])
    assert (after[frame] != before[frame]).any()


@pytest.mark.parametrize("sample", [0, 479, 480, 533, 1599, 1600, 16000 * 33 + 7, 16000 * 59])
def test_a_click_is_first_heard_in_the_frame_whose_steps_reach_it(tmp_path, sample):
    click = np.zeros(60 * 16000)
    click[sample] = 0.9
    features = audio_features(write(tmp_path / "c.wav", click, 16000), 1800, AudioConfig(), 30)
    energy = features.reshape(1800, 44, 3)[:, 40].max(axis=1)
    # Frame k ends with step floor(100 (k + 1) / 30), in whole numbers.
    expected = next(k for k in range(1800) if 160 * (10 * (k + 1) // 3) > sample)
    assert np.flatnonzero(energy > -10)[0] == expected


@pytest.mark.parametrize("fps", [24, 25, 30, 50, 60, 120])
def test_every_rate_takes_the_last_three_steps_of_each_frame(tmp_path, fps):
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    path = write(tmp_path / "noise.wav", noise)
    steps = steps_of(path, 100).astype(np.float16)
    frames = audio_features(path, fps, CONFIG, fps).reshape(fps, 24, 3)
    for k in range(fps):
        end = 100 * (k + 1) // fps
        for t in range(3):
            step = end - 3 + t
            expected = steps[step] if step >= 0 else np.zeros(24)
            np.testing.assert_array_equal(frames[k, :, t], expected)


def test_layout_is_channel_major(tmp_path):
    steps = np.arange(18, dtype=np.float16).reshape(9, 2)  # 3 of padding, 6 of two channels
    stacked = stack_steps(steps, np.array([3, 6]))
    np.testing.assert_array_equal(stacked, [[6, 8, 10, 7, 9, 11], [12, 14, 16, 13, 15, 17]])
    names = feature_names(AudioConfig(mels=2))
    assert names[:4] == ["mel0/0", "mel0/1", "mel0/2", "mel1/0"]
    assert names[-3:] == ["onset/0", "onset/1", "onset/2"]
    path = write(tmp_path / "a.wav", np.zeros(16000), 16000)
    features = audio_features(path, 30, AudioConfig(mels=2), 30)
    assert features.shape == (30, len(names))
    assert features.dtype == np.float16


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2)])
def test_other_rates_and_stereo(tmp_path, rate, channels):
    times = np.arange(rate) / rate
    tone = np.repeat(0.3 * np.sin(2 * np.pi * 200 * times)[:, None], channels, axis=1)
    features = audio_features(write(tmp_path / "t.wav", tone, rate), 30, AudioConfig(), 30)
    pitch = features.reshape(30, 44, 3)[5:25, 41].astype(np.float32)
    np.testing.assert_allclose(60 * np.exp(pitch), 200, rtol=0.02)


def test_audio_shorter_than_a_frame_and_frames_after_the_end(tmp_path):
    path = write(tmp_path / "click.wav", 0.5 * np.ones(80), 16000)  # 5 ms
    features = audio_features(path, 2, AudioConfig(), 30)
    assert features.shape == (2, 132)
    assert np.isfinite(features).all()
    assert features[0, 0] > features[1, 2]  # sound, then silence
    assert audio_features(path, 0, AudioConfig(), 30).shape == (0, 132)


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path):
    noise = (0.1 * np.random.default_rng(0).standard_normal(16000 * 80)).astype(np.float32)
    peaks = []
    for seconds in (16, 80):
        path = write(tmp_path / f"{seconds}.wav", noise[: seconds * 16000], 16000)
        tracemalloc.start()
        for _ in step_features(path, seconds * 100, AudioConfig(), block_steps=300):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
