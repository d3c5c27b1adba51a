"""The sound of a film: mono or stereo at 48 kHz, out of whatever ffmpeg reads."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

FILM_RATE = 48000
LOUDNESS_RATE = 8000
_LOUDNESS_SECONDS = 30  # read at a time
# Where a WAV header has the number of channels; the chunk `fmt ` comes first from ffmpeg.
_CHANNELS_AT = slice(22, 24)


@dataclass(frozen=True)
class Soundtrack:
    """The part of a sound file that a film has.

    Attributes:
        path: The file.
        channels: How many it has.
        start_seconds: Where in it the film begins.
        film_seconds: How long the film is.
    """

    path: Path
    channels: int
    start_seconds: float
    film_seconds: float

    @property
    def input_options(self) -> list[str]:
        """What ffmpeg is told to open it."""
        start = ["-ss", f"{self.start_seconds:.6f}"] if self.start_seconds else []
        return [*start, "-t", f"{self.film_seconds:.6f}", "-i", str(self.path)]

    @property
    def film_options(self) -> list[str]:
        """What ffmpeg is told to write it: players know no more than two channels for certain."""
        return [*(_to_mono(self.channels) if self.channels > 2 else ()), "-ar", str(FILM_RATE)]


def open_soundtrack(
    audio: Path | str, *, start_seconds: float = 0.0, film_seconds: float
) -> Soundtrack:
    """Finds out that a file has sound and how many channels.

    Raises:
        UserError: The file is missing or holds no sound.
    """
    audio = Path(audio)
    if not audio.is_file():
        raise UserError(f"{audio}: there is no such audio file")
    # The head of a WAV tells what ffmpeg would only write into a sentence.
    sound = _decode(audio, "-t", "0.1", "-i", str(audio), "-map", "0:a:0", "-f", "wav")
    channels = int.from_bytes(sound[_CHANNELS_AT], "little")
    return Soundtrack(audio, channels, start_seconds, film_seconds)


def loudness(soundtrack: Soundtrack, *, steps_per_second: float) -> Float[np.ndarray, " steps"]:
    """Measures the peak of the sound in equal steps over the film, 0 to 1 of its loudest.

    ffmpeg decodes, so every format that the film accepts is accepted; the sound passes in blocks.

    Raises:
        UserError: The part that the film has holds no sound.
    """
    rate, peaks_size = LOUDNESS_RATE, round(soundtrack.film_seconds * steps_per_second)
    command = [ffmpeg_program(), "-v", "error", "-nostdin", *soundtrack.input_options]
    command += ["-map", "0:a:0", *_to_mono(soundtrack.channels), "-ar", str(rate)]
    command += ["-f", "s16le", "-"]
    peaks = np.zeros(max(1, peaks_size), np.float32)
    seen = 0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        while block := process.stdout.read(2 * rate * _LOUDNESS_SECONDS):
            samples = np.abs(np.frombuffer(block[: len(block) // 2 * 2], "<i2").astype(np.float32))
            step = ((np.arange(len(samples)) + seen) * (steps_per_second / rate)).astype(int)
            np.maximum.at(peaks, np.minimum(step, len(peaks) - 1), samples)
            seen += len(samples)
        process.stdout.close()
        code = process.wait()
        log.seek(0)
        said = log.read()
    if code or not seen:
        where = f" after {soundtrack.start_seconds:g} s" if soundtrack.start_seconds else ""
        raise _no_sound(soundtrack.path, said, where)
    return peaks / max(float(peaks.max()), 1.0)


def ffmpeg_program() -> str:
    """Finds the ffmpeg that imageio-ffmpeg brings.

    Raises:
        UserError: The extra `viz` is not installed, or its ffmpeg does not run here.
    """
    require_packages("drawing films", "imageio_ffmpeg", extra="viz")
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as missing:
        raise UserError(f"no ffmpeg was found for this machine: {missing}") from missing


def _to_mono(channels: int) -> list[str]:
    """Returns the filter that takes the mean of all channels, as the features of speech do.

    ffmpeg's own mixing goes by loudspeakers: it drops the one for low notes, where a recorder may
    have its microphone, and knows no loudspeakers for 9 channels or 32.
    """
    share = "+".join(f"{1 / channels:.9f}*c{channel}" for channel in range(channels))
    return ["-af", f"pan=mono|c0={share}"]


def _decode(audio: Path, *options: str) -> bytes:
    command = [ffmpeg_program(), "-v", "error", "-nostdin", *options, "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or len(done.stdout) < _CHANNELS_AT.stop:
        raise _no_sound(audio, done.stderr)
    return done.stdout


def _no_sound(audio: Path, said: bytes, where: str = "") -> UserError:
    lines = said.decode(errors="replace").strip().splitlines()
    reason = lines[-1].strip() if lines else "it holds no samples"
    return UserError(f"{audio}: ffmpeg finds no sound in it{where}: {reason}")
