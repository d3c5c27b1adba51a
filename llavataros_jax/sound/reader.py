"""Recordings: what a sound file is, and its samples as mono blocks at the rate we want."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages

SILENT_PEAK = 1e-4  # −80 dB of full scale
BLOCK_SECONDS = 20.0
SPEECH_RATE = 16000  # hertz: what every tool that reads speech here is made for
_LOWEST_RATE, _HIGHEST_RATE = 1000, 1_000_000  # hertz; a damaged header may say anything
_BLOCK_VALUES = 1 << 24  # 64 MB, however many channels there are


@dataclass(frozen=True)
class AudioFile:
    """A sound file that was found to be readable.

    Attributes:
        path: Where it is.
        sample_rate: Hertz, as stored.
        channels: Channels, as stored.
        num_samples: Samples of each channel.
        notes: What is done to it or strange about it, one clause each.
    """

    path: Path
    sample_rate: int
    channels: int
    num_samples: int
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate


def read_info(path: Path | str, sample_rate: int = SPEECH_RATE) -> AudioFile:
    """Opens a sound file, checks its header, and notes what will be done to it.

    The notes say when it is mixed down, resampled to `sample_rate` or silent. Samples are read up
    to the first loud one; what is damaged behind that is found by `blocks`.

    Raises:
        UserError: When it is missing, empty, shorter than its header says, without samples, damaged
            as far as it is read, or not audio.
    """
    path = Path(path)
    audio = _read_header(path)
    notes = []
    if audio.channels > 1:
        kind = "stereo" if audio.channels == 2 else f"{audio.channels} channels"
        notes.append(f"{kind} mixed down to mono")
    if audio.sample_rate != sample_rate:
        notes.append(f"resampled from {audio.sample_rate} Hz to {sample_rate} Hz")
    if is_silent(path):
        notes.append("silent: no sample is louder than -80 dB of full scale")
    return AudioFile(path, audio.sample_rate, audio.channels, audio.num_samples, tuple(notes))


def is_silent(path: Path | str) -> bool:
    """Tells whether no sample is louder than −80 dB; stops reading at the first that is.

    Raises:
        UserError: When the file cannot be read so far.
    """
    with_sound = (np.abs(block).max(initial=0) > SILENT_PEAK for block in _stored_blocks(path, 1.0))
    return not any(with_sound)


def read_mono(path: Path | str, sample_rate: int) -> Float32[np.ndarray, " n"]:
    """Reads a whole sound file, mixed down and resampled; see `blocks` for long ones.

    Raises:
        UserError: When the file cannot be read to its end, or has samples that are no numbers.
    """
    parts = list(blocks(path, sample_rate))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def blocks(
    path: Path | str, sample_rate: int, *, block_seconds: float = BLOCK_SECONDS
) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yields a sound file in blocks, mixed down to mono and resampled.

    Blocks are about `block_seconds` long; together they are exactly what resampling the whole
    file would give, so that one hour needs no more memory than a block.

    Raises:
        UserError: When the file cannot be read to its end, or has samples that are no numbers.
    """
    audio = _read_header(Path(path))
    require_packages("reading audio", "soxr", extra="prep")
    import soxr

    if audio.sample_rate == sample_rate:
        yield from _stored_blocks(path, block_seconds)
        return
    stream = soxr.ResampleStream(audio.sample_rate, sample_rate, 1, dtype="float32")
    for block in _stored_blocks(path, block_seconds):
        resampled = stream.resample_chunk(block)
        if len(resampled):
            yield resampled
    rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    if len(rest):
        yield rest


def _stored_blocks(path: Path | str, block_seconds: float) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yields mono blocks at the stored rate."""
    import soundfile

    audio = _read_header(Path(path))
    size = min(round(block_seconds * audio.sample_rate), _BLOCK_VALUES // audio.channels)
    size, done = max(1, size), 0
    try:
        file = soundfile.SoundFile(str(path))
    except (soundfile.SoundFileError, OSError) as problem:
        raise UserError(f"audio {path} can no longer be opened ({problem}); try again") from problem
    with file:
        while done < audio.num_samples:
            try:
                block = file.read(size, dtype="float32", always_2d=True)
            except soundfile.SoundFileError as problem:
                raise _damaged(audio, done, size) from problem
            if not len(block):
                raise _damaged(audio, done, size)
            finite = np.isfinite(block).all(axis=1)
            if not finite.all():
                at_seconds = (done + int(np.argmin(finite))) / audio.sample_rate
                raise UserError(
                    f"{path} has a sample that is not a finite number at {at_seconds:.3f} s; "
                    "export it again"
                )
            done += len(block)
            yield block[:, 0] if audio.channels == 1 else block.mean(axis=1, dtype=np.float32)


def _read_header(path: Path) -> AudioFile:
    require_packages("reading audio", "soundfile", extra="prep")
    try:
        import soundfile
    except OSError as problem:
        raise UserError(
            f"reading audio needs libsndfile, which does not load here ({problem}); install it "
            "with your system's packages"
        ) from problem
    if not path.is_file():
        raise UserError(f"audio {path} does not exist; check the path")
    if not path.stat().st_size:
        raise UserError(f"audio {path} is empty (0 bytes); export it again")
    _check_wav_is_whole(path)
    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as problem:
        # The others are for names that end in .raw, of which nothing else is known.
        raise UserError(
            f"{path} is not audio that can be read; give WAV, FLAC, OGG or MP3"
        ) from problem
    if info.frames <= 0:
        raise UserError(f"audio {path} holds no samples; export it again")
    if not _LOWEST_RATE <= info.samplerate <= _HIGHEST_RATE:
        raise UserError(
            f"audio {path} has {info.samplerate} samples a second, but {_LOWEST_RATE} to "
            f"{_HIGHEST_RATE} are possible; export it again"
        )
    return AudioFile(path, info.samplerate, info.channels, info.frames)


def _check_wav_is_whole(path: Path) -> None:
    """Compares the size that a WAV announces with the file's: libsndfile reads what is left."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"RIFX") or head[8:12] != b"WAVE":
            return
        integer = "<I" if head[:4] == b"RIFF" else ">I"
        position = 12
        while position + 8 <= size:
            file.seek(position)
            name, length = file.read(4), struct.unpack(integer, file.read(4))[0]
            position += 8
            if name == b"data":
                # Writers into a pipe cannot know the length and announce none or the largest.
                is_unknown = length == 0 or length >= 0x7FFFFFFF
                if not is_unknown and position + length > size:
                    raise UserError(
                        f"audio {path} is truncated: it announces {length} bytes of samples but "
                        f"holds {size - position}; copy it again"
                    )
                return
            position += length + length % 2
    raise UserError(f"audio {path} is truncated: its {size} bytes hold no samples; copy it again")


def _damaged(audio: AudioFile, done: int, size: int) -> UserError:
    begin, end = done / audio.sample_rate, min((done + size) / audio.sample_rate, audio.seconds)
    return UserError(
        f"audio {audio.path} is cut off or damaged between {begin:.2f} s and {end:.2f} s of its "
        f"{audio.seconds:.2f} s; copy or export it again"
    )
