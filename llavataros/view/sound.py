"""The sound of a page: compressed, with the peaks that are drawn of it."""

import base64
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from llavataros_jax.errors import UserError
from llavataros_jax.rendering.soundtrack import loudness, open_soundtrack
from llavataros_jax.sound.ffmpeg import ffmpeg_program

PEAKS_PER_SECOND = 50
# Every browser plays MP3, also from a file, and finds any place of one with a constant rate.
_CODEC = ("-c:a", "libmp3lame", "-ar", "44100", "-map_metadata", "-1", "-f", "mp3")
_KILOBITS = {1: "64k", 2: "112k"}  # by channels


@dataclass(frozen=True, eq=False)
class PageSound:
    """What a page plays and draws of a recording.

    Attributes:
        address: MP3 as a `data:` address.
        peaks: Loudest sample of each step, 0 to 1 of the loudest of all.
        peak_seconds: Length of a step.
    """

    address: str
    peaks: Float[np.ndarray, " steps"]
    peak_seconds: float


def page_sound(audio: Path | str, *, seconds: float) -> PageSound:
    """Compresses the first `seconds` of a recording.

    Raises:
        UserError: When it cannot be read, or ffmpeg fails.
    """
    soundtrack = open_soundtrack(audio, film_seconds=seconds)
    with tempfile.TemporaryDirectory(prefix="llavataros-") as folder:
        path = Path(folder) / "sound.mp3"
        command = [ffmpeg_program(), "-y", "-v", "error", "-nostdin", *soundtrack.input_options]
        command += [*_CODEC, "-b:a", _KILOBITS[soundtrack.channels], str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise UserError(f"{audio} cannot be put into the page by ffmpeg: {reason}")
        text = base64.b64encode(path.read_bytes()).decode("ascii")
    peaks = loudness(soundtrack, steps_per_second=PEAKS_PER_SECOND)
    return PageSound(f"data:audio/mpeg;base64,{text}", peaks, 1 / PEAKS_PER_SECOND)
