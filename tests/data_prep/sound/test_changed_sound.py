"""Sound that was changed: what is heard when, how high, how loud, and in which noise."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import welch

from data_prep.sound import changed_sound as module
from data_prep.sound.changed_sound import SoundChange, changed_sound, check_sound_tools
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_mono
from tests.data_prep.recordings import make_samples

RATE = 16000


def changed(folder: Path, samples: np.ndarray, change: SoundChange, *, speed=1.0, seconds=None):
    soundfile.write(folder / "in.wav", samples, RATE, subtype="FLOAT")
    seconds = len(samples) / RATE if seconds is None else seconds
    place = folder / "in.wav"
    with changed_sound(place, change, speed=speed, seconds=seconds, sample_rate=RATE) as path:
        found = read_mono(path, RATE)
    assert not path.exists()
    return found


def decibels(ratio: float) -> float:
    return 20 * float(np.log10(ratio))


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


@pytest.mark.parametrize(("speed", "semitones"), [(0.9, 0), (1.1, 1), (1.0, -1), (1.25, -3)])
def test_what_was_heard_at_t_is_heard_at_t_by_speed(tmp_path, speed, semitones):
    times = np.arange(8 * RATE) / RATE
    starts = np.arange(0.5, 7.5, 1.3)
    samples = np.zeros_like(times)
    for start in starts:
        burst = (times >= start) & (times < start + 0.15)
        samples[burst] = 0.5 * np.sin(2 * np.pi * 200 * (times[burst] - start))
    change = SoundChange(pitch_semitones=semitones)
    found = changed(tmp_path, samples, change, speed=speed)
    assert len(found) == pytest.approx(8 * RATE / speed, abs=1)
    envelope = np.convolve(np.abs(found), np.ones(80) / 80, "same") > 0.05
    heard = np.flatnonzero(np.diff(envelope.astype(int)) == 1) / RATE
    for start in starts:
        # Well below a frame of 33 ms, and the same for early and late bursts: nothing drifts.
        assert np.abs(heard - start / speed).min() < 0.015


def test_pitch_changes_by_semitones_and_not_with_speed(tmp_path):
    samples = 0.3 * np.sin(2 * np.pi * 220 * np.arange(4 * RATE) / RATE)
    for semitones in (0, 2, -3):
        found = changed(tmp_path, samples, SoundChange(semitones), speed=1.2)[RATE : 3 * RATE]
        spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found)), 8 * len(found)))
        hertz = np.argmax(spectrum) * RATE / (8 * len(found))
        assert hertz == pytest.approx(220 * 2 ** (semitones / 12), rel=0.003)


def test_speed_and_pitch_leave_the_level(tmp_path):
    samples = make_samples(0, 4.0)
    wanted = np.sqrt(np.mean(np.square(samples)))
    for change, speed in ((SoundChange(1.5), 1.0), (SoundChange(-1), 0.9), (SoundChange(), 1.1)):
        found = changed(tmp_path, samples, change, speed=speed)
        assert decibels(rms(found) / wanted) == pytest.approx(0, abs=0.1)
    assert rms(changed(tmp_path, 0 * samples, SoundChange(1), speed=1.1)) == 0


def test_low_and_high_tones_and_all_of_it_become_louder(tmp_path):
    samples = 0.1 * np.random.default_rng(0).standard_normal(8 * RATE)
    change = SoundChange(gain_decibels=3, low_decibels=-6, high_decibels=4)
    found = changed(tmp_path, samples, change)
    hertz, before = welch(samples, RATE, nperseg=2048)
    _, after = welch(found, RATE, nperseg=2048)
    gain = 10 * np.log10(after / before)
    for low, high, wanted in ((20, 60, 3 - 6), (850, 1100, 3), (7000, 7800, 3 + 4)):
        assert gain[(hertz > low) & (hertz < high)].mean() == pytest.approx(wanted, abs=0.7)


@pytest.mark.parametrize(("colour", "slope"), [("white", 0.0), ("pink", -10.0)])
def test_noise_has_its_level_and_colour(tmp_path, colour, slope):
    samples = 0.2 * np.sin(2 * np.pi * 300 * np.arange(8 * RATE) / RATE)
    plain = changed(tmp_path, samples, SoundChange(gain_decibels=-4), speed=1.05)
    change = SoundChange(gain_decibels=-4, noise=colour, noise_decibels=15, noise_seed=3)
    noisy = changed(tmp_path, samples, change, speed=1.05)
    noise = noisy - plain
    assert decibels(0.2 / 2**0.5) - 4 - decibels(rms(noise)) == pytest.approx(15, abs=0.5)
    hertz, power = welch(noise, RATE, nperseg=2048)
    band = (hertz > 50) & (hertz < 5000)
    fitted = np.polyfit(np.log10(hertz[band]), 10 * np.log10(power[band]), 1)
    assert fitted[0] == pytest.approx(slope, abs=0.6)  # decibels a decade


def test_the_same_seed_gives_the_same_bytes_and_only_the_first_seconds_count(tmp_path):
    samples = 0.1 * np.random.default_rng(1).standard_normal(3 * RATE)
    change = SoundChange(1, 2, 3, 4, "pink", 20, noise_seed=5)
    first = changed(tmp_path, samples, change, speed=1.03, seconds=2)
    other_end = np.concatenate([samples[: 2 * RATE], 0.5 * np.ones(2 * RATE)])
    np.testing.assert_array_equal(
        changed(tmp_path, other_end, change, speed=1.03, seconds=2), first
    )
    other = SoundChange(1, 2, 3, 4, "pink", 20, noise_seed=6)
    assert np.abs(changed(tmp_path, samples, other, speed=1.03, seconds=2) - first).max() > 1e-3


def test_an_ffmpeg_without_rubber_band_is_refused_by_name(tmp_path, monkeypatch):
    check_sound_tools()
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho Unknown filter\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(module, "ffmpeg_program", lambda: str(program))
    with pytest.raises(UserError, match="Rubber Band"):
        check_sound_tools()
    with pytest.raises(UserError, match=r"could not change the sound of .*in\.wav"):
        changed(tmp_path, np.zeros(RATE), SoundChange())
