"""Sound files as blocks of mono samples at the rate PASE+ hears."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from llavataros_jax.errors import UserError
from llavataros_jax.pase.layout import SAMPLE_RATE

_BLOCK_SECONDS = 20
_UNKNOWN_SIZE = 0x7FFFFFFF  # what writers into a pipe announce, or more


def sound_blocks(path: Path | str) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yields a sound file mixed down to mono and resampled to 16 kHz, block by block.

    Raises:
        UserError: When it is missing, empty, truncated, not audio, or holds samples that are not
            finite numbers.
    """
    try:
        import soundfile
        import soxr
    except ImportError as problem:
        raise UserError(
            f"reading audio needs {problem.name}; install it with: "
            "pip install 'llavataros-jax[prep]'"
        ) from problem
    path = Path(path)
    _check_is_whole(path)
    try:
        with soundfile.SoundFile(str(path)) as file:
            stream = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 1, dtype="float32")
            is_resampled, done = file.samplerate != SAMPLE_RATE, 0
            while len(block := file.read(_BLOCK_SECONDS * file.samplerate, "float32", True)):
                done += len(block)
                mono = block.mean(axis=1, dtype=np.float32)
                if not np.isfinite(mono).all():
                    raise UserError(
                        f"{path} has samples that are not finite numbers in the block before "
                        f"{done / file.samplerate:.1f} s; export it again"
                    )
                yield stream.resample_chunk(mono) if is_resampled else mono
            if done < file.frames or not done:
                raise UserError(
                    f"audio {path} announces {file.frames} samples but holds {done}; export it "
                    "again"
                )
            if is_resampled:
                yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
    except soundfile.LibsndfileError as problem:
        raise UserError(
            f"{path} is not audio that can be read ({problem.error_string}); give WAV, FLAC, OGG "
            "or MP3"
        ) from problem


def describe_sound(path: Path | str) -> str:
    """Says what is done to a sound file before it is encoded, in a clause for each thing."""
    import soundfile

    info = soundfile.info(str(path))
    notes = []
    if info.channels > 1:
        notes.append(f"{info.channels} channels mixed down")
    if info.samplerate != SAMPLE_RATE:
        notes.append(f"resampled from {info.samplerate} Hz")
    return ", ".join(notes)


def _check_is_whole(path: Path) -> None:
    """Compares the size a WAV announces with the file's: libsndfile reads what is left."""
    if not path.is_file():
        raise UserError(f"audio {path} does not exist; check the path")
    size = path.stat().st_size
    if not size:
        raise UserError(f"audio {path} is empty (0 bytes); export it again")
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        announced = int.from_bytes(head[4:8], "little")
        if announced and announced + 8 > size and announced < _UNKNOWN_SIZE:
            raise UserError(
                f"audio {path} is truncated: it announces {announced + 8} bytes but has {size}; "
                "copy it again"
            )
