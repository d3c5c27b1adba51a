"""A recording as it is stored: which library reads it, and its samples with all their channels.

libsndfile reads plain samples, FLAC and Ogg. All else is decoded by ffmpeg, which knows about the
delay of encoders, edit lists and tracks that begin late. Content decides, never the name.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages
from llavataros_jax.sound.chunks import Extent, is_placeholder, sample_extent
from llavataros_jax.sound.endings import check_ending, is_chained
from llavataros_jax.sound.ffmpeg import Track, decode, find_track

if TYPE_CHECKING:
    import soundfile

BLOCK_VALUES = 1 << 22  # 16 MB, however many channels there are
_READ_WELL = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "NIST", "VOC", "IRCAM")
_WAVES = ("WAV", "WAVEX", "RF64")
_READ_BADLY = ("MPEG", "ALAC")  # in any of these
LOWEST_RATE, HIGHEST_RATE = 1000, 1_000_000  # hertz; a damaged header may say anything
_MOST_SAMPLES = 1 << 48  # what libsndfile says of a FLAC from a pipe is more
_MP3_DELAY = 1105  # samples, see `ffmpeg`


@dataclass(frozen=True)
class Source:
    """A recording that can be read.

    Attributes:
        path: The file.
        sample_rate: Hertz, as stored.
        channels: Channels, as stored.
        num_samples: Samples of each channel; None when that is known only once it was decoded.
        notes: What is strange about it.
        track: What ffmpeg reads, if it does.
        longest_samples: Where the last sample of the recording is, if there are more behind it.
    """

    path: Path
    sample_rate: int
    channels: int
    num_samples: int | None
    notes: tuple[str, ...] = ()
    track: Track | None = None
    longest_samples: int | None = None

    def blocks(self, seconds: float) -> Iterator[Float32[np.ndarray, "n channels"]]:
        """Yields the samples, at most so many seconds at a time.

        Raises:
            UserError: When the file cannot be read to its end, or has samples that are no numbers.
        """
        size = max(1, min(round(seconds * self.sample_rate), BLOCK_VALUES // self.channels))
        read = self._from_ffmpeg if self.track else self._from_libsndfile
        done = 0
        for block in read(size):
            if not np.isfinite(block).all():
                at = int(np.argmin(np.isfinite(block).all(axis=1)))
                at_seconds = (done + at) / self.sample_rate
                raise UserError(
                    f"{self.path} has a sample that is not a finite number at {at_seconds:.3f} s; "
                    "export it again"
                )
            done += len(block)
            yield block

    def _from_ffmpeg(self, size: int) -> Iterator[np.ndarray]:
        assert self.track is not None
        left = self.longest_samples
        for block in decode(self.track):
            for begin in range(0, len(block), size):
                part = block[begin : begin + size][:left]
                left = None if left is None else left - len(part)
                if len(part):
                    yield part

    def _from_libsndfile(self, size: int) -> Iterator[np.ndarray]:
        import soundfile

        assert self.num_samples is not None
        try:
            file = soundfile.SoundFile(str(self.path))
        except (soundfile.SoundFileError, OSError) as problem:
            raise UserError(
                f"audio {self.path} can no longer be opened ({problem}); try again"
            ) from problem
        done = 0
        with file:
            while done < self.num_samples:
                try:
                    block = file.read(size, dtype="float32", always_2d=True)
                except soundfile.SoundFileError as problem:
                    raise self._damaged(done, size) from problem
                if not len(block):
                    raise self._damaged(done, size)
                done += len(block)
                yield block

    def _damaged(self, done: int, size: int) -> UserError:
        total = (self.num_samples or 0) / self.sample_rate
        begin, end = done / self.sample_rate, min((done + size) / self.sample_rate, total)
        return UserError(
            f"audio {self.path} is cut off or damaged between {begin:.2f} s and {end:.2f} s of its "
            f"{total:.2f} s; copy or export it again"
        )


def open_source(path: Path) -> Source:
    """Finds out what a file is and how it is read.

    Raises:
        UserError: When it is missing, empty, cut, without samples, or not audio.
    """
    require_packages("reading audio", "soundfile", extra="prep")
    if not path.is_file():
        raise UserError(f"audio {path} does not exist; check the path")
    if not path.stat().st_size:
        raise UserError(f"audio {path} is empty (0 bytes); export it again")
    extent = sample_extent(path)
    note = _judge(path, extent) if extent else check_ending(path)
    info = _libsndfile_info(path)
    if info is None or (extent and extent.goes_on and info.format in _WAVES):
        source = _by_ffmpeg(path, extent, info)
    elif info.frames <= 0:
        raise _no_samples(path)
    else:
        source = Source(path, info.samplerate, info.channels, info.frames)
    if not LOWEST_RATE <= source.sample_rate <= HIGHEST_RATE:
        raise UserError(
            f"audio {path} has {source.sample_rate} samples a second, but {LOWEST_RATE} to "
            f"{HIGHEST_RATE} are possible; export it again"
        )
    return dataclasses.replace(source, notes=(*source.notes, *([note] if note else [])))


def _judge(path: Path, extent: Extent) -> str | None:
    """Tells a file that was cut from one whose header was never completed, which gets a note."""
    announced, held = extent.announced, extent.held
    if held <= 0 or (announced == 0 and not extent.goes_on):
        raise _no_samples(path)
    if announced is None:
        return None
    if announced == 0:
        return (
            "its header announces no samples, as a recorder leaves it that was switched off; all "
            f"{held} bytes of them are read"
        )
    if extent.goes_on:
        return f"its header announces {announced} bytes of samples, but all {held} are read"
    if announced <= held + extent.begin:  # some count the header too
        return None
    if is_placeholder(announced):
        return (
            f"its header announces {announced} bytes of samples, which stands for an unknown "
            f"length; the {held} that there are are read"
        )
    raise UserError(
        f"audio {path} is truncated: it announces {announced} bytes of samples but holds {held}; "
        "copy it again"
    )


def _libsndfile_info(path: Path) -> "soundfile._SoundFileInfo | None":
    """Returns what libsndfile says of a file that it reads well, else None."""
    try:
        import soundfile
    except OSError as problem:
        raise UserError(
            f"reading audio needs libsndfile, which does not load here ({problem}); install it "
            "with your system's packages"
        ) from problem
    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError, TypeError, ValueError):
        return None  # TypeError and ValueError are for names that end in .raw
    if info.format == "OGG":
        return None if is_chained(path) else info
    if info.format not in _READ_WELL or info.subtype.startswith(_READ_BADLY):
        return None
    return info if info.frames < _MOST_SAMPLES else None


def _by_ffmpeg(
    path: Path, extent: Extent | None, info: "soundfile._SoundFileInfo | None"
) -> Source:
    if info is None and extent and (mp3 := _mp3_in_wav(path, extent)):
        return mp3
    track = find_track(path, options=("-ignore_length", "1") if info and extent else ())
    return Source(path, track.sample_rate, track.channels, None, track.notes, track)


def _mp3_in_wav(path: Path, extent: Extent) -> Source | None:
    """Opens MP3 in a WAV, whose chunk `fact` has the length and whose delay nothing tells."""
    with path.open("rb") as file:
        head = file.read(extent.begin)
    at = head.find(b"fmt ")
    if head[:4] != b"RIFF" or at < 0 or head[at + 8 : at + 10] != b"\x55\0":
        return None
    end = extent.begin + min(extent.held, extent.announced or extent.held)
    place = f"subfile,,start,{extent.begin},end,{end},,:{{file}}"
    track = find_track(path, options=("-f", "mp3"), place=place)
    at = head.find(b"fact")
    fact = int.from_bytes(head[at + 8 : at + 12], "little") if at >= 0 else 0
    decoded = sum(map(len, decode(track)))
    # Some count the delay as samples; a decoder gives whole frames, so more than is missing.
    longest = fact if decoded >= fact else fact - _MP3_DELAY
    return Source(
        path,
        track.sample_rate,
        track.channels,
        None,
        track.notes,
        track,
        longest if longest > 0 else None,
    )


def _no_samples(path: Path) -> UserError:
    return UserError(f"audio {path} holds no samples; export it again")
