"""Recordings: what a sound file is, and its samples as mono blocks at the rate we want."""

import functools
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float32

from llavataros_jax.errors import UserError
from llavataros_jax.sound.mixing import SILENT_PEAK, Mix, choose_mix, measure
from llavataros_jax.sound.resampler import Resampler
from llavataros_jax.sound.source import Source, open_source

BLOCK_SECONDS = 20.0
SPEECH_RATE = 16000  # hertz: what every tool that reads speech here is made for
_MOST_OF = 0.9  # of an announced length; less is worth a note
_KNOWN_FILES = 256
_DECODED_FILES = 2  # the two people of a conversation

Identity = tuple[str, int, int]  # path, bytes and time of the last change in nanoseconds


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

    The notes say when it is mixed down, resampled to `sample_rate`, silent or strange. Mono files
    of plain samples are read up to the first loud one, and what is damaged behind that is found by
    `blocks`; all others are read once to their end.

    Raises:
        UserError: When it is missing, empty, cut, without samples, damaged as far as it is read,
            or not audio.
    """
    path = Path(path)
    heard = _heard(path)
    notes = [*heard.source.notes, *([heard.mix.note] if heard.mix.note else [])]
    if heard.source.track and (complaints := heard.source.track.complaints):
        notes.append(f"damaged in places, by ffmpeg ({complaints[0]})")
    announced = heard.source.track.announced_seconds if heard.source.track else 0.0
    seconds = heard.num_samples / heard.source.sample_rate
    if seconds < _MOST_OF * announced:
        notes.append(f"its header announces {announced:.2f} s, but {seconds:.2f} s can be read")
    if heard.source.sample_rate != sample_rate:
        notes.append(f"resampled from {heard.source.sample_rate} Hz to {sample_rate} Hz")
    if is_silent(path):
        notes.append("silent: no sample is louder than -80 dB of full scale")
    source = heard.source
    return AudioFile(path, source.sample_rate, source.channels, heard.num_samples, tuple(notes))


def is_silent(path: Path | str) -> bool:
    """Tells whether no sample is louder than −80 dB; stops reading at the first that is.

    Raises:
        UserError: When the file cannot be read so far.
    """
    return _is_silent(_identity(Path(path)))


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
    heard = _heard(Path(path))
    resampled = Resampler(heard.source.sample_rate, sample_rate)
    for block in _stored_blocks(heard, block_seconds):
        part = resampled(block)
        if len(part):
            yield part
    rest = resampled.rest()
    if len(rest):
        yield rest


@dataclass(frozen=True)
class Sides:
    """What of a recording is played in a film.

    Attributes:
        sample_rate: Hertz, as stored.
        channels: 2 for a stereo recording with sound on both sides, else 1.
        blocks: Yields the samples from the first on.
    """

    sample_rate: int
    channels: int
    blocks: Callable[[], Iterator[Float32[np.ndarray, "n channels"]]]


def read_sides(path: Path | str) -> Sides:
    """Opens a recording to be played: stereo stays stereo, and all else is as it is heard.

    Raises:
        UserError: When it cannot be read.
    """
    heard = _heard(Path(path))
    source = heard.source
    if source.channels == 2 and len(heard.mix.channels) == 2:
        return Sides(source.sample_rate, 2, lambda: source.blocks(BLOCK_SECONDS))
    return Sides(
        source.sample_rate,
        1,
        lambda: (block[:, None] for block in _stored_blocks(heard, BLOCK_SECONDS)),
    )


@dataclass(frozen=True)
class _Heard:
    """A recording, which of its channels are heard, and how long it is."""

    identity: Identity
    source: Source
    mix: Mix
    num_samples: int


def _identity(path: Path) -> Identity:
    """Returns by what a file is known; one that is not there is refused by whoever opens it."""
    try:
        state = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), state.st_size, state.st_mtime_ns


def _heard(path: Path) -> _Heard:
    return _know(_identity(path))


@functools.lru_cache(maxsize=_KNOWN_FILES)
def _know(identity: Identity) -> _Heard:
    """Reads what has to be read to know how a recording is heard."""
    source = open_source(Path(identity[0]))
    if source.num_samples is not None and source.channels == 1:
        return _Heard(identity, source, Mix((0,)), source.num_samples)
    mean = Mix(tuple(range(source.channels)))
    if source.num_samples is not None:
        levels = measure(source.blocks(BLOCK_SECONDS), source.channels)
        return _Heard(identity, source, choose_mix(levels), levels.num_samples)
    file = _scratch(source)
    levels = measure(_written(file, source, mean), source.channels)
    if not levels.num_samples:
        raise UserError(f"audio {source.path} holds no samples; export it again")
    heard = _Heard(identity, source, choose_mix(levels), levels.num_samples)
    if heard.mix.channels == mean.channels:
        _keep(identity, file)
    return heard


@functools.lru_cache(maxsize=_KNOWN_FILES)
def _is_silent(identity: Identity) -> bool:
    loud = (np.abs(b).max(initial=0) > SILENT_PEAK for b in _stored_blocks(_know(identity), 1.0))
    return not any(loud)


def _stored_blocks(heard: _Heard, block_seconds: float) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yields mono blocks at the stored rate."""
    source = heard.source
    if source.num_samples is not None:
        yield from map(heard.mix, source.blocks(block_seconds))
        return
    file = _decoded.get(heard.identity)
    if file is None:
        file = _scratch(source)
        for _ in _written(file, source, heard.mix):
            pass
        _keep(heard.identity, file)
    size = 4 * max(1, round(block_seconds * source.sample_rate))
    for begin in itertools.count(0, size):
        if not (data := os.pread(file.fileno(), size, begin)):
            return
        yield np.frombuffer(data, np.float32)


# Compressed sound is decoded once: mono and of the stored rate, in files without a name, which
# vanish with the process however it ends.
_decoded: dict[Identity, BinaryIO] = {}


def _keep(identity: Identity, file: BinaryIO) -> None:
    while len(_decoded) >= _DECODED_FILES:
        del _decoded[next(iter(_decoded))]  # who reads it still holds it open
    _decoded[identity] = file


def _scratch(source: Source) -> BinaryIO:
    try:
        return tempfile.TemporaryFile(prefix="llavataros-", buffering=0)
    except OSError as problem:
        raise _no_room(source, problem) from problem


def _written(file: BinaryIO, source: Source, mix: Mix) -> Iterator[np.ndarray]:
    """Yields the blocks of a recording while it writes their mix."""
    for block in source.blocks(BLOCK_SECONDS):
        data = memoryview(mix(block).astype(np.float32).tobytes())
        try:
            while data:
                data = data[file.write(data) :]
        except OSError as problem:
            raise _no_room(source, problem) from problem
        yield block


def _no_room(source: Source, problem: OSError) -> UserError:
    return UserError(
        f"{source.path} cannot be decoded into {tempfile.gettempdir()} ({problem.strerror}); make "
        "room there or name another folder by TMPDIR"
    )
