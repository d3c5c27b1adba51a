"""The sound of a film: the part that it shows, mono or stereo, laid out for ffmpeg.

It comes from the reader that the features come from, so what is heard and what moves the body
begin at the same sample, whatever the container says of delay, edits and late beginnings.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_sides

FILM_RATE = 48000
_LOUDNESS_VALUES = 1 << 20  # read at a time


@dataclass(frozen=True)
class Soundtrack:
    """The part of a sound file that a film has.

    Attributes:
        path: The sound file.
        sample_rate: Hertz, as stored.
        channels: 1 or 2: players know no more for certain.
        film_seconds: How long the film is.
        samples: A file of 16-bit samples, which is gone when this object is.
    """

    path: Path
    sample_rate: int
    channels: int
    film_seconds: float
    samples: IO[bytes] = field(repr=False)

    @property
    def input_options(self) -> list[str]:
        """What ffmpeg is told to open it."""
        form = ["-f", "s16le", "-ar", str(self.sample_rate), "-ac", str(self.channels)]
        return [*form, "-i", self.samples.name]

    @property
    def film_options(self) -> list[str]:
        """What ffmpeg is told to write it."""
        return ["-ar", str(FILM_RATE)]


def open_soundtrack(
    audio: Path | str, *, start_seconds: float = 0.0, film_seconds: float
) -> Soundtrack:
    """Lays out the sound of a film that begins at `start_seconds` of a recording.

    Raises:
        UserError: The file is missing, cannot be read, or holds no sound there.
    """
    audio = Path(audio)
    if not audio.is_file():
        raise UserError(f"{audio}: there is no such audio file")
    sides = read_sides(audio)
    first = round(start_seconds * sides.sample_rate)
    last = first + round(film_seconds * sides.sample_rate)
    samples = tempfile.NamedTemporaryFile(prefix="llavataros-", suffix=".pcm")  # noqa: SIM115
    done = 0
    for block in sides.blocks():
        part = block[max(0, first - done) : max(0, last - done)]
        samples.write(np.round(np.clip(part, -1, 1) * 32767).astype("<i2").tobytes())
        done += len(block)
        if done >= last:
            break
    samples.flush()
    if not samples.tell():
        raise UserError(
            f"{audio} holds no sound after {start_seconds:g} s, where the film begins; it lasts "
            f"{done / sides.sample_rate:.2f} s"
        )
    return Soundtrack(audio, sides.sample_rate, sides.channels, film_seconds, samples)


def loudness(soundtrack: Soundtrack, *, steps_per_second: float) -> Float[np.ndarray, " steps"]:
    """Measures the peak of the sound in equal steps over the film, 0 to 1 of its loudest."""
    peaks = np.zeros(max(1, round(soundtrack.film_seconds * steps_per_second)), np.float32)
    samples_per_step, seen = soundtrack.sample_rate / steps_per_second, 0
    with Path(soundtrack.samples.name).open("rb") as file:
        while data := file.read(2 * soundtrack.channels * _LOUDNESS_VALUES):
            block = np.frombuffer(data, "<i2").reshape(-1, soundtrack.channels)
            size = np.abs(sum(column.astype(np.float32) for column in block.T))
            last = seen + len(size) - 1
            steps = np.arange(int(seen / samples_per_step), int(last / samples_per_step) + 1)
            starts = np.ceil(steps * samples_per_step).astype(int) - seen
            loudest = np.maximum.reduceat(size, np.clip(starts, 0, len(size) - 1))
            np.maximum.at(peaks, np.minimum(steps, len(peaks) - 1), loudest)
            seen += len(size)
    return peaks / max(float(peaks.max()), 1.0)
