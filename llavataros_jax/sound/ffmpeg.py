"""ffmpeg as the reader of sound: which program, what it finds in a file, and its samples.

Encoder delay, edit lists and tracks that begin late are times in the container. ffmpeg drops what
the container says is delay; what else is delay by the nature of the codec is dropped here.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from llavataros_jax.errors import UserError
from llavataros_jax.packages import require_packages
from llavataros_jax.sound.endings import has_edit_list

FORMS = "WAV, FLAC, MP3, Opus, AAC, a film with sound, or what else ffmpeg reads"
# Containers whose times can be relied on; in the others, samples follow one another.
_WITH_TIMES = ("mov", "matroska", "mpegts", "mpeg", "flv", "asf")
_OF_FILMS = ("mov", "matroska")
# A longer absence at the start is the clock of a stream that ran on before the recording.
_LONGEST_ABSENCE_SECONDS = 60.0
# Samples that come out of a decoder before the first that went into the encoder: what the codec
# itself needs, and for MP3 what LAME adds.
_DELAYS = {"aac": 1024, "mp3": 1105, "mp2": 481, "ac3": 256, "eac3": 256, "dts": 512}
_DELAYS |= {"amr_nb": 40, "amrnb": 40}
_SLOWEST_BYTES = 250  # a second; damaged times could announce years of silence
_READ_VALUES = 1 << 20
_PROTOCOLS = "file,subfile,pipe,crypto,data"  # nothing that a playlist could fetch from elsewhere


@dataclass(frozen=True)
class Track:
    """The sound that ffmpeg finds in a file.

    Attributes:
        path: The file.
        sample_rate: Hertz.
        channels: Channels.
        options: What ffmpeg is told before it opens it.
        place: Where ffmpeg finds it, with `{file}` for the file.
        filters: How its times become samples.
        announced_seconds: Length of the sound by the container; 0 if that is not known.
        longest_seconds: More than that is damage.
        notes: What is strange about it.
        complaints: Is given what ffmpeg complains of whenever it is decoded.
    """

    path: Path
    sample_rate: int
    channels: int
    options: tuple[str, ...]
    place: str
    filters: str
    announced_seconds: float
    longest_seconds: float
    notes: tuple[str, ...] = ()
    complaints: list[str] = field(default_factory=list, compare=False)


def ffmpeg_program() -> str:
    """Finds the ffmpeg that imageio-ffmpeg brings, or that of the system.

    Raises:
        UserError: There is none, or it does not run here.
    """
    require_packages("reading audio", "imageio_ffmpeg", extra="prep")
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as missing:
        raise UserError(f"no ffmpeg was found for this machine: {missing}") from missing


def find_track(path: Path, *, options: tuple[str, ...] = (), place: str = "file:{file}") -> Track:
    """Finds the first sound track of a file.

    Args:
        path: The file.
        options: What ffmpeg has to be told before it opens it.
        place: Where ffmpeg finds it, with `{file}` for the file.

    Raises:
        UserError: The file holds no sound, or none that can be decoded.
    """
    to_open = ("-copyts", *options, "-protocol_whitelist", _PROTOCOLS)
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", *to_open, "-i"]
    with _nameless(path) as (descriptor, file):
        command += [place.format(file=file), "-map", "0:a:0"]
        command += ["-af", "ashowinfo", "-frames:a", "1", "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True, check=False, pass_fds=(descriptor,))
    said = done.stderr.decode(errors="replace")
    container = re.search(r"^Input #0, ([^ ]+), from", said, re.MULTILINE)
    if container is None:
        raise UserError(f"{path} is not audio that can be read; give {FORMS}")
    found = said.partition("\nStream mapping:")[0]
    streams = re.findall(r"^\s*Stream #0:\d+\S*: (Audio: \w+|Video)", found, re.MULTILINE)
    codecs = [stream.removeprefix("Audio: ") for stream in streams if stream != "Video"]
    if not codecs:
        what = "a film without a sound track" if "Video" in streams else "no audio"
        raise UserError(f"{path} is {what}; give a recording with sound")
    first = re.search(
        r"pts_time:(\S+) .*?channels:(\d+) .*?rate:(\d+)", said[said.find("ashowinfo") :]
    )
    if first is None:
        raise UserError(f"{path} has sound that ffmpeg cannot decode: {_reason(said, codecs[0])}")
    name, rate = container[1].split(",")[0], int(first[3])
    duration = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said)
    seconds = (
        sum(float(part) * unit for part, unit in zip(duration.groups(), (3600, 60, 1), strict=True))
        if duration
        else 0.0
    )
    notes = [f"the first of its {len(codecs)} sound tracks is taken"] if len(codecs) > 1 else []
    filters, late = _timing(path, said, name, codecs[0], rate, float(first[1]))
    if late > 0.1:
        notes.append(f"its sound begins {late:.2f} s after the file's beginning")
    return Track(
        path,
        rate,
        int(first[2]),
        to_open,
        place,
        filters,
        0.0 if "Video" in streams or "Estimating duration" in said else seconds,
        max(seconds, path.stat().st_size / _SLOWEST_BYTES) + 60,
        tuple(notes),
    )


def decode(track: Track) -> Iterator[Float32[np.ndarray, "n channels"]]:
    """Yields the samples of a track in blocks of some seconds.

    Raises:
        UserError: ffmpeg fails, or there are more samples than the file can hold.
    """
    values = track.channels * 4
    size, done, left = max(1, _READ_VALUES // track.channels) * values, 0, b""
    command = [ffmpeg_program(), "-v", "error", "-nostdin", *track.options, "-i"]
    with tempfile.TemporaryFile() as log, _nameless(track.path) as (descriptor, file):
        command += [track.place.format(file=file), "-map", "0:a:0", "-af", track.filters]
        command += ["-ar", str(track.sample_rate), "-t", f"{track.longest_seconds:.3f}"]
        process = subprocess.Popen(
            [*command, "-f", "f32le", "-"],
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=(descriptor,),
        )
        assert process.stdout is not None
        try:
            while data := process.stdout.read(size):
                data = left + data
                whole = len(data) // values
                left = data[whole * values :]
                block = np.frombuffer(data, "<f4", whole * track.channels)
                done += whole
                yield block.reshape(whole, track.channels).astype(np.float32)
            code = process.wait()
        finally:
            process.kill()
            process.stdout.close()
            process.wait()
        log.seek(0)
        said = log.read().decode(errors="replace")
    track.complaints[:] = _complaints(said)
    if code:
        raise UserError(
            f"audio {track.path} is damaged after {done / track.sample_rate:.2f} s: "
            f"{_reason(said, 'it cannot be decoded')}; copy or export it again"
        )
    if done >= (track.longest_seconds - 1) * track.sample_rate:
        raise UserError(
            f"audio {track.path} has damaged times: its {track.path.stat().st_size} bytes would "
            f"last more than {track.longest_seconds:.0f} s; export it again"
        )


@contextmanager
def _nameless(path: Path) -> Iterator[tuple[int, str]]:
    """Opens a file and gives a path to it without its name, by which ffmpeg would judge it."""
    try:
        file = path.open("rb")
    except OSError as problem:
        raise UserError(f"audio {path} can no longer be opened ({problem}); try again") from problem
    with file:
        yield file.fileno(), f"/dev/fd/{file.fileno()}"


def _timing(
    path: Path, said: str, name: str, codec: str, rate: int, first_seconds: float
) -> tuple[str, float]:
    """Returns the filters that put the sound into its place, and how late it begins."""
    start = re.search(r"Duration: .*?, start: (-?[\d.]+)", said)
    start_seconds = float(start[1]) if start else 0.0
    told = name in ("matroska", "ogg") or (name == "mov" and has_edit_list(path))
    told |= name == codec == "mp3" and start_seconds > 0
    delay = 0 if told else _delay(codec, rate)
    if name not in _WITH_TIMES:
        return f"atrim=start_sample={delay},asetpts=N/SR/TB" if delay else "anull", 0.0
    origin = start_seconds
    if name in _OF_FILMS and start_seconds < _LONGEST_ABSENCE_SECONDS:
        origin = 0.0  # times are those of the whole film
    if delay and first_seconds <= origin + 2 * delay / rate + 1e-3:
        origin += delay / rate  # the sound is what comes first
    filters = f"asetpts=PTS-{origin:.6f}/TB,aresample={rate}:async=1:first_pts=0"
    return filters, max(0.0, first_seconds - origin)


def _delay(codec: str, rate: int) -> int:
    """Returns the samples that a decoder gives before the first that was encoded."""
    if codec in ("wmav1", "wmav2"):  # one block
        middle = 32000 if codec == "wmav1" else 22050
        return 512 if rate <= 16000 else 1024 if rate <= middle else 2048
    return _DELAYS.get(codec, 0)


def _reason(said: str, otherwise: str) -> str:
    """Returns what ffmpeg complained of first."""
    return next(iter(_complaints(said)), otherwise)


def _complaints(said: str) -> list[str]:
    return [
        re.sub(r"^(\[[^]]*\] *)+", "", line).strip().rstrip(".")
        for line in said.splitlines()
        if re.search(
            r"error|invalid|not (found|supported)|unsupported|missing", line, re.IGNORECASE
        )
    ]
