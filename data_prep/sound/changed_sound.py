"""A recording as it would have sounded elsewhere: faster, higher, louder, duller, in noise.

ffmpeg changes it, in blocks: `rubberband`, the library of that name, changes speed and pitch each
without the other, `bass` and `treble` are shelving filters. Noise is added last, so that it is
neither stretched nor filtered.

Of what stretches time, Rubber Band keeps it best: at 0.9 to 1.1 times the speed, bursts stay where
they belong to 5 ms; with ffmpeg's `atempo` they come 30 ms early, and librosa's phase vocoder
smears them over 25 to 90 ms. Its treatment of transients is off, because with it steady tones are
up to half a semitone off; the 2 dB that are lost without it are given back.
"""

import math
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float32
from scipy.signal import lfilter

from llavataros_jax.errors import UserError
from llavataros_jax.sound.ffmpeg import ffmpeg_program
from llavataros_jax.sound.reader import blocks

LOW_HERTZ, HIGH_HERTZ = 300.0, 3000.0
_PADDING_SECONDS = 2
_BLOCK = 1 << 18  # samples
# White noise becomes pink to within 0.05 dB above 9 Hz at 44.1 kHz (J. O. Smith, Spectral Audio
# Signal Processing, 2011, "Example: Synthesis of 1/F Noise").
_PINK = (
    [0.049922035, -0.095993537, 0.050612699, -0.004408786],
    [1, -2.494956002, 2.017265875, -0.522189400],
)
_PINK_SETTLES_SECONDS = 0.5


@dataclass(frozen=True)
class SoundChange:
    """How a recording is changed, besides its speed.

    Attributes:
        pitch_semitones: How much higher voices become.
        gain_decibels: How much louder it becomes.
        low_decibels: How much louder its tones below 300 Hz become.
        high_decibels: How much louder those above 3000 Hz become.
        noise: Colour of the noise that is added, `none` for none.
        noise_decibels: How much louder the sound is than its noise, over its whole length.
        noise_seed: Number from which the noise is drawn.
    """

    pitch_semitones: float = 0.0
    gain_decibels: float = 0.0
    low_decibels: float = 0.0
    high_decibels: float = 0.0
    noise: Literal["pink", "white", "none"] = "none"
    noise_decibels: float = 0.0
    noise_seed: int = 0


@contextmanager
def changed_sound(
    path: Path, change: SoundChange, *, speed: float, seconds: float, sample_rate: int
) -> Iterator[Path]:
    """Gives the first seconds of a recording, changed, as a mono file that is removed afterwards.

    What was heard at time t is heard at t / speed.

    Args:
        path: The recording.
        change: What becomes of it.
        speed: How much faster it runs; its pitch does not change with it.
        seconds: How much of the recording is taken.
        sample_rate: Hertz of the file.

    Raises:
        UserError: When it cannot be read, or ffmpeg fails.
    """
    with tempfile.TemporaryDirectory(prefix="llavataros-") as name:
        speech, noise, result = (Path(name) / part for part in ("speech", "noise", "changed.wav"))
        power = _write_first(speech, path, round(seconds * sample_rate), sample_rate)
        raw = ("-f", "f32le", "-ar", str(sample_rate), "-ac", "1", "-i")
        stop, gain = round(seconds * sample_rate / speed), change.gain_decibels
        if stretching := _stretching(change, speed, stop):
            stretched = Path(name) / "stretched"
            _run(path, *raw, str(speech), "-af", stretching, "-f", "f32le", str(stretched))
            speech = stretched
            gain += _decibels(power / (_power(speech) or 1))
        graph = ",".join(_filters(change, gain, sample_rate))
        inputs = [*raw, str(speech)]
        if change.noise != "none":
            size = (power * 10 ** ((change.gain_decibels - change.noise_decibels) / 10)) ** 0.5
            _write_noise(noise, change, size, stop, sample_rate)
            inputs += [*raw, str(noise)]
            graph = f"[0]{graph}[s];[s][1]amix=inputs=2:duration=first:normalize=0"
        _run(path, *inputs, "-filter_complex", graph, "-c:a", "pcm_f32le", str(result))
        yield result


def check_sound_tools() -> None:
    """Refuses an ffmpeg that cannot change speed and pitch, before any work is done.

    Raises:
        UserError: When there is none, or it was built without Rubber Band.
    """
    program = ffmpeg_program()
    asked = [program, "-hide_banner", "-h", "filter=rubberband"]
    done = subprocess.run(asked, capture_output=True, check=False)
    if b"tempo" not in done.stdout:
        raise UserError(
            f"augmentation.copies needs an ffmpeg with Rubber Band, which {program} was built "
            "without; name another one by IMAGEIO_FFMPEG_EXE or set augmentation.copies=0"
        )


def noise_blocks(
    change: SoundChange, count: int, sample_rate: int
) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yields noise with a root mean square of about 1, the same for the same seed."""
    generator = np.random.default_rng(np.random.SeedSequence(change.noise_seed))
    if change.noise == "white":
        while count > 0:
            yield generator.standard_normal(min(count, _BLOCK), np.float32)
            count -= _BLOCK
        return
    impulse = np.zeros(sample_rate, np.float32)
    impulse[0] = 1
    size = np.sqrt(np.square(np.asarray(lfilter(*_PINK, impulse))).sum())
    state = np.zeros(len(_PINK[1]) - 1)
    settling = round(_PINK_SETTLES_SECONDS * sample_rate)
    _, state = lfilter(*_PINK, generator.standard_normal(settling, np.float32), zi=state)
    while count > 0:
        white = generator.standard_normal(min(count, _BLOCK), np.float32)
        pink, state = lfilter(*_PINK, white, zi=state)
        yield np.asarray(pink / size, np.float32)
        count -= _BLOCK


def _run(path: Path, *arguments: str) -> None:
    command = [ffmpeg_program(), "-v", "error", "-nostdin", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not Path(arguments[-1]).is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise UserError(
            f"ffmpeg could not change the sound of {path} ({''.join(said) or 'no reason'}); set "
            "augmentation.copies=0 or install another ffmpeg"
        )


def _stretching(change: SoundChange, speed: float, stop: int) -> str:
    """Returns ffmpeg's filters that change speed and pitch, after which there are `stop` samples.

    Of some lengths, up to a fifth of a second at the end does not come out without padding.
    """
    pitch = 2 ** (change.pitch_semitones / 12)
    if speed == 1 and pitch == 1:
        return ""
    options = f"tempo={speed:.12g}:pitch={pitch:.12g}:transients=smooth:window=short"
    return f"apad=pad_dur={_PADDING_SECONDS},rubberband={options},atrim=end_sample={stop}"


def _filters(change: SoundChange, gain_decibels: float, sample_rate: int) -> Iterator[str]:
    """Yields ffmpeg's other filters."""
    low, high = (min(hertz, sample_rate / 4) for hertz in (LOW_HERTZ, HIGH_HERTZ))
    yield f"bass=g={change.low_decibels:.9g}:f={low:g}"
    yield f"treble=g={change.high_decibels:.9g}:f={high:g}"
    yield f"volume={gain_decibels:.9g}dB"


def _decibels(ratio: float) -> float:
    """Returns a ratio of powers in decibels, 0 where there is silence."""
    return 10 * math.log10(ratio) if ratio > 0 else 0.0


def _power(place: Path) -> float:
    """Returns the mean square of samples in a file."""
    total = count = 0
    with place.open("rb") as file:
        while data := file.read(4 * _BLOCK):
            samples = np.frombuffer(data, "<f4")
            total += float(np.square(samples, dtype=np.float64).sum())
            count += len(samples)
    return total / max(1, count)


def _write_first(place: Path, path: Path, count: int, sample_rate: int) -> float:
    """Writes the first samples of a recording, and returns their mean square."""
    power, left = 0.0, count
    with place.open("wb") as file:
        for block in blocks(path, sample_rate):
            block = block[:left]
            power += float(np.square(block, dtype=np.float64).sum())
            file.write(block.astype("<f4").tobytes())
            left -= len(block)
            if left <= 0:
                break
    return power / max(1, count - left)


def _write_noise(
    place: Path, change: SoundChange, size: float, count: int, sample_rate: int
) -> None:
    with place.open("wb") as file:
        for block in noise_blocks(change, count, sample_rate):
            file.write((size * block).astype("<f4").tobytes())
