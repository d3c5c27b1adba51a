"""Rooms change how a voice sounds, and never when its words are said."""

from typing import get_args

import numpy as np
import pytest
from scipy import signal

from data_prep.corpus.hours.rooms import (
    Noise,
    Room,
    active_level_decibels,
    draw_room,
    limited,
    record,
)

RATE = 16000


def chance() -> np.random.Generator:
    return np.random.default_rng(3)


def click() -> np.ndarray:
    sound = np.zeros(RATE)
    sound[5000:5003] = 0.5
    return sound


def speech(seconds: float = 4.0) -> np.ndarray:
    """Noise in bursts of a syllable's length, with a pause in the middle."""
    noise = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    time = np.arange(len(noise)) / RATE
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * time)
    return 0.05 * noise * loud * (np.abs(time - seconds / 2) > 0.4)


@pytest.mark.parametrize(
    "room",
    [
        Room(-20),
        Room(-20, reverberation_seconds=0.8, direct_decibels=3),
        Room(-20, low_cut_hertz=200, tilt_decibels=-9),
        Room(-20, telephone=True),
        Room(-20, high_cut_hertz=3800),
        Room(-20, noise="pink", noise_decibels=30),
    ],
)
def test_a_click_stays_in_its_place(room):
    heard = record(click(), room, chance())
    assert len(heard) == RATE
    assert abs(int(np.argmax(np.abs(heard))) - 5001) <= 0.001 * RATE


def test_echoes_decay_as_long_as_the_room_says():
    sound = np.zeros(2 * RATE)
    sound[100] = 1.0
    for seconds in (0.3, 0.8):
        room = Room(-20, reverberation_seconds=seconds, direct_decibels=0)
        tail = record(sound, room, chance())[500:]
        # Schroeder's backward integration, over the first 25 dB.
        energy = np.cumsum(tail[::-1] ** 2)[::-1]
        fall = 10 * np.log10(energy / energy[0])
        span = np.flatnonzero((fall < -5) & (fall > -25))
        slope = np.polyfit(span / RATE, fall[span], 1)[0]
        assert -60 / slope == pytest.approx(seconds, rel=0.2)


def test_nothing_is_heard_before_the_first_sound():
    sound = click()
    heard = record(sound, Room(-20, reverberation_seconds=0.6, direct_decibels=0), chance())
    assert np.abs(heard[:4999]).max() < 1e-6


def band_decibels(samples: np.ndarray, low: float, high: float) -> float:
    hertz, power = signal.welch(samples, RATE, nperseg=1024)
    return 10 * np.log10(power[(hertz >= low) & (hertz < high)].mean())


def test_a_telephone_passes_its_band_alone():
    heard = record(speech(), Room(-20, telephone=True), chance())
    inside = band_decibels(heard, 500, 3000)
    assert band_decibels(heard, 4400, 7900) < inside - 30
    assert band_decibels(heard, 0, 120) < inside - 20
    plain = record(speech(), Room(-20), chance())
    assert abs(band_decibels(plain, 4400, 7900) - band_decibels(plain, 500, 3000)) < 1


def test_coding_cuts_high_tones_and_the_microphone_tilts():
    coded = record(speech(), Room(-20, high_cut_hertz=4000), chance())
    assert band_decibels(coded, 6000, 7900) < band_decibels(coded, 500, 3000) - 20
    tilted = record(speech(), Room(-20, tilt_decibels=-9), chance())
    difference = band_decibels(tilted, 5000, 7000) - band_decibels(tilted, 50, 200)
    assert difference == pytest.approx(-9, abs=1.5)


@pytest.mark.parametrize("noise", get_args(Noise)[1:])
@pytest.mark.parametrize("decibels", [10.0, 30.0])
def test_noise_is_as_far_below_the_speech_as_asked(noise: Noise, decibels):
    room = Room(-20, noise=noise, noise_decibels=decibels)
    babble = np.random.default_rng(1).standard_normal(RATE)
    silent = speech()
    heard = record(silent, room, chance(), babble)
    pause = heard[round(1.7 * RATE) : round(2.3 * RATE)]
    noise_level = 10 * np.log10(np.mean(pause**2))
    # Far below the speech, the level of all is that of the speech.
    assert noise_level == pytest.approx(-20 - decibels, abs=1.2)


def test_noise_has_its_colour():
    silent = 1e-6 * np.random.default_rng(0).standard_normal(RATE * 4)
    silent[:RATE] = speech()[:RATE]
    white, pink = (Room(-30, noise=kind, noise_decibels=10) for kind in get_args(Noise)[1:3])
    for room, expected in ((white, 0.0), (pink, -3.0)):
        heard = record(silent, room, chance())[RATE:]
        octaves = [band_decibels(heard, f, 2 * f) for f in (200, 400, 800, 1600, 3200)]
        assert np.mean(np.diff(octaves)) == pytest.approx(expected, abs=0.5)


def test_levels_are_those_asked_for():
    for level in (-40.0, -28.0, -16.0):
        heard = record(speech(), Room(level), chance())
        assert active_level_decibels(heard) == pytest.approx(level, abs=0.6)


def test_nothing_clips_and_a_quarter_is_clean():
    drawn = np.random.default_rng(5)
    rooms = [draw_room(drawn) for _ in range(400)]
    clean = [room for room in rooms if room == Room(room.level_decibels)]
    assert 0.18 < len(clean) / len(rooms) < 0.32
    assert all(10 <= room.noise_decibels <= 50 for room in rooms if room.noise != "none")
    babble = np.random.default_rng(1).standard_normal(RATE)
    for room in rooms[:60]:
        heard = record(20 * speech(1.0), room, drawn, babble)
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() < 0.985


def test_silence_stays_finite():
    drawn = np.random.default_rng(6)
    for _ in range(20):
        room = draw_room(drawn)
        heard = record(np.zeros(RATE), room, drawn, np.zeros(RATE))
        assert np.isfinite(heard).all()
        assert np.abs(heard).max() < 0.985


def test_the_limiter_leaves_speech_alone():
    quiet = np.linspace(-0.3, 0.3, 101)
    np.testing.assert_allclose(limited(quiet), 0.98 * quiet, atol=1e-4)
