"""What rooms, microphones and telephones do to a voice; when words are said stays as it was.

The direct sound is never delayed: echoes come after it, and filters act within a millisecond.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import signal

from data_prep.corpus.hours.delivery import SAMPLE_RATE

Noise = Literal["none", "white", "pink", "hum", "babble"]
Samples = Float[np.ndarray, " n"]

_CLEAN_SHARE = 0.25
_NOISES: tuple[Noise, ...] = ("none", "white", "pink", "hum", "babble")
_NOISE_SHARES = (0.15, 0.2, 0.3, 0.1, 0.25)
_MU = 255.0
_TELEPHONE_HERTZ = (300.0, 3400.0)
_TILT_CORNER_HERTZ = 1000.0
# Samples within this many decibels of the loudest tenth of the frames count as speech.
_ACTIVE_DECIBELS = 25.0


@dataclass(frozen=True)
class Room:
    """How a clip was recorded.

    Attributes:
        level_decibels: Level of the speech in the end, in dB of full scale.
        reverberation_seconds: Time in which echoes fall by 60 dB; 0 for none.
        direct_decibels: How much louder the direct sound is than all echoes.
        noise: Its kind.
        noise_decibels: How much louder the speech is than the noise.
        tilt_decibels: What the microphone adds far above 1 kHz.
        low_cut_hertz: What lies below is weakened; 0 for nothing.
        high_cut_hertz: What lies above is cut, as lossy coding does; 0 for nothing.
        telephone: Whether it went through one.
        drive: How far the amplifier is overdriven; 0 for not at all.
    """

    level_decibels: float
    reverberation_seconds: float = 0.0
    direct_decibels: float = 0.0
    noise: Noise = "none"
    noise_decibels: float = 0.0
    tilt_decibels: float = 0.0
    low_cut_hertz: float = 0.0
    high_cut_hertz: float = 0.0
    telephone: bool = False
    drive: float = 0.0


def draw_room(chance: np.random.Generator) -> Room:
    """Draws how a clip is recorded; a quarter is clean but for its level."""
    if chance.random() < _CLEAN_SHARE:
        return Room(level_decibels=chance.uniform(-36, -18))
    telephone = chance.random() < 0.15

    def sometimes(share: float, low: float, high: float) -> float:
        value = float(chance.uniform(low, high))
        return value if chance.random() < share else 0.0

    return Room(
        level_decibels=float(chance.uniform(-40, -16)),
        reverberation_seconds=sometimes(0.65, 0.15, 0.8),
        direct_decibels=float(chance.uniform(0, 15)),
        noise=_NOISES[int(chance.choice(len(_NOISES), p=_NOISE_SHARES))],
        noise_decibels=float(chance.uniform(10, 50)),
        tilt_decibels=float(chance.uniform(-9, 6)),
        low_cut_hertz=sometimes(0.6, 50, 200),
        high_cut_hertz=sometimes(0.3, 3800, 7500),
        telephone=telephone,
        drive=sometimes(0.2, 0.5, 3.0),
    )


def record(
    samples: Samples,
    room: Room,
    chance: np.random.Generator,
    babble: Float[np.ndarray, " m"] | None = None,
) -> Samples:
    """Returns what the room's recorder gets of a voice.

    Args:
        samples: The voice alone, at 16 kHz.
        room: What is done to it.
        chance: Draws echoes and noise.
        babble: Voices of others, needed when `room.noise` says so; repeated as often as it takes.
    """
    heard = samples / max(10 ** (active_level_decibels(samples) / 20), 1e-9)
    if room.reverberation_seconds:
        heard = _echo(heard, room, chance)
    if room.noise != "none":
        noise = _noise(room.noise, len(heard), chance, babble)
        heard = heard + noise * 10 ** (-room.noise_decibels / 20)
    if room.low_cut_hertz:
        heard = _filter(heard, 2, room.low_cut_hertz, "highpass")
    if room.tilt_decibels:
        heard = _tilt(heard, room.tilt_decibels)
    if room.drive:
        heard = np.tanh(room.drive * heard) / room.drive
    if room.telephone:
        heard = _telephone(heard)
    if room.high_cut_hertz:
        heard = _filter(heard, 6, room.high_cut_hertz, "lowpass")
    gain = room.level_decibels - active_level_decibels(heard)
    return limited(heard * 10 ** (gain / 20))


def active_level_decibels(samples: Samples) -> float:
    """Returns the level of the parts that are speech, in dB of full scale."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    levels = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    if not len(levels):
        return -120.0
    active = levels > np.percentile(levels, 90) - _ACTIVE_DECIBELS
    return float(10 * np.log10(np.mean(10 ** (levels[active] / 10))))


def limited(samples: Samples) -> Samples:
    """Bends what would clip so that it stays below full scale."""
    return samples / (1 + np.abs(samples) ** 6) ** (1 / 6) * 0.98


def _echo(samples: Samples, room: Room, chance: np.random.Generator) -> Samples:
    seconds = np.arange(round(room.reverberation_seconds * SAMPLE_RATE)) / SAMPLE_RATE
    decay = np.exp(-np.log(1000) * seconds / room.reverberation_seconds)
    response = chance.standard_normal(len(seconds)) * decay
    response[: round(chance.uniform(0.002, 0.015) * SAMPLE_RATE)] = 0.0
    response *= 10 ** (-room.direct_decibels / 20) / np.sqrt(np.sum(response**2))
    # Walls swallow high tones more than low ones.
    response = _filter(response, 1, 3000.0, "lowpass")
    response[0] += 1.0
    return signal.oaconvolve(samples, response)[: len(samples)]


def _noise(
    kind: Noise, length: int, chance: np.random.Generator, babble: Float[np.ndarray, " m"] | None
) -> Samples:
    if kind == "babble":
        if babble is None:
            raise ValueError("babble needs voices")
        noise = np.resize(np.roll(babble, int(chance.integers(len(babble)))), length)
    elif kind == "hum":
        base = float(chance.choice((50.0, 60.0)))
        seconds = np.arange(length) / SAMPLE_RATE
        noise = 0.02 * chance.standard_normal(length)
        for harmonic in (1, 2, 3, 4, 5, 7):
            phase = chance.uniform(0, 2 * np.pi)
            noise += np.sin(2 * np.pi * base * harmonic * seconds + phase) / harmonic
    else:
        noise = chance.standard_normal(length)
        if kind == "pink":
            # A sum of first-order filters an octave or so apart falls by 3 dB an octave.
            denominator = [1.0, -2.494956002, 2.017265875, -0.522189400]
            numerator = [0.049922035, -0.095993537, 0.050612699, -0.004408786]
            noise = signal.lfilter(numerator, denominator, noise)
    noise = np.asarray(noise)
    return noise / np.sqrt(np.mean(noise**2) + 1e-12)


def _filter(samples: Samples, order: int, hertz: float | tuple[float, float], kind: str) -> Samples:
    sections = signal.butter(order, hertz, kind, fs=SAMPLE_RATE, output="sos")
    return np.asarray(signal.sosfilt(sections, samples))


def _tilt(samples: Samples, decibels: float) -> Samples:
    """Raises or lowers what lies far above the corner: a shelf of first order."""
    gain = 10 ** (decibels / 20)
    corner = 2 * np.pi * _TILT_CORNER_HERTZ
    numerator, denominator = signal.bilinear([gain, corner], [1.0, corner], fs=SAMPLE_RATE)
    return np.asarray(signal.lfilter(numerator, denominator, samples))


def _telephone(samples: Samples) -> Samples:
    """Keeps the band of a telephone line and codes it in 8 bits by mu-law (ITU-T G.711)."""
    narrow = signal.resample_poly(_filter(samples, 4, _TELEPHONE_HERTZ, "bandpass"), 1, 2)
    peak = np.abs(narrow).max() + 1e-9
    squeezed = np.sign(narrow) * np.log1p(_MU * np.abs(narrow) / peak) / np.log1p(_MU)
    coded = np.round(squeezed * 127) / 127
    opened = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU * peak
    return signal.resample_poly(opened, 2, 1)[: len(samples)]
