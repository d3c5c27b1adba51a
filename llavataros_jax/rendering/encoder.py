"""ffmpeg at the end of a pipe: raw frames and a sound file in, a film out."""

import queue
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError

SUFFIXES = (".mov", ".mp4", ".m4v")
QUEUED_FRAMES = 16
CODEC = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20"),
    *("-pix_fmt", "yuv420p", "-colorspace", "smpte170m", "-color_primaries", "smpte170m"),
    *("-color_trc", "smpte170m", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"),
)


def ffmpeg_program() -> str:
    """Finds the ffmpeg that imageio-ffmpeg brings.

    Raises:
        UserError: The extra `viz` is not installed, or its ffmpeg does not run here.
    """
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except ImportError as missing:
        raise UserError(
            "films need imageio-ffmpeg, which is not installed; "
            "run: pip install 'llavataros-jax[viz]'"
        ) from missing
    except RuntimeError as missing:
        raise UserError(f"no ffmpeg was found for this machine: {missing}") from missing


class Encoder:
    """Turns pictures into I420 and hands them to ffmpeg from a thread of its own."""

    def __init__(self, process: subprocess.Popen, errors: Path):
        self.process = process
        self.errors = errors
        self.frames: queue.Queue = queue.Queue(QUEUED_FRAMES)
        self.ring: deque[np.ndarray | None] = deque([None] * (QUEUED_FRAMES + 2))
        self.broken = threading.Event()
        self.writer = threading.Thread(target=self._feed, daemon=True)
        self.writer.start()

    def write(self, picture: UInt8[np.ndarray, "height width 3"]) -> None:
        """Queues a copy of a BGR picture.

        Raises:
            UserError: ffmpeg has stopped; its last line says why.
        """
        if self.broken.is_set():
            raise self._refusal()
        import cv2

        # The ring is longer than the queue, so a buffer comes round only after it was written.
        frame = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420, dst=self.ring[0])
        self.ring.append(frame)
        self.ring.popleft()
        self.frames.put(frame)

    def finish(self) -> None:
        """Waits until ffmpeg has written the film."""
        self.frames.put(None)
        self.writer.join()
        if self.process.wait() or self.broken.is_set():
            raise self._refusal()

    def abandon(self) -> None:
        """Stops ffmpeg at once."""
        self.process.kill()
        self.broken.set()
        while self.writer.is_alive():
            self._drain()
            self.writer.join(timeout=0.02)
        self.process.wait()

    def _feed(self) -> None:
        pipe = self.process.stdin
        assert pipe is not None
        try:
            while (frame := self.frames.get()) is not None and not self.broken.is_set():
                pipe.write(frame.data)
            pipe.close()
        except OSError:
            self.broken.set()
            self._drain()

    def _drain(self) -> None:
        """Empties the queue and leaves its end mark, so that neither side waits for the other."""
        with suppress(queue.Empty):
            while True:
                self.frames.get_nowait()
        with suppress(queue.Full):
            self.frames.put_nowait(None)

    def _refusal(self) -> UserError:
        self.process.wait()
        lines = self.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = lines[-1].strip() if lines else f"exit code {self.process.returncode}"
        return UserError(f"ffmpeg could not write the film: {reason}")


@contextmanager
def open_encoder(
    path: Path,
    *,
    width: int,
    height: int,
    fps: float,
    audio: Path | None = None,
    audio_start_seconds: float = 0.0,
    film_seconds: float,
) -> Iterator[Encoder]:
    """Opens a film that appears at `path` when the block ends without an error.

    Sound that is longer than the film is cut; where it is shorter, the film goes on in silence.

    Raises:
        UserError: The name's ending is no film format, or ffmpeg fails.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a film's name must end in one of {', '.join(SUFFIXES)}")
    program = ffmpeg_program()
    with atomic_path(path) as partial, tempfile.TemporaryDirectory() as scratch:
        errors = Path(scratch) / "errors"
        picture = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}"]
        command = [program, "-y", "-v", "error", "-nostdin", *picture]
        command += ["-r", f"{fps:.10g}", "-i", "pipe:"]
        if audio is not None:
            command += [*_excerpt(audio_start_seconds, film_seconds), "-i", str(audio)]
            command += ["-map", "0:v", "-map", "1:a:0"]
        with errors.open("wb") as log:
            process = subprocess.Popen(
                [*command, *CODEC, str(partial)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                bufsize=0,
            )
        encoder = Encoder(process, errors)
        try:
            yield encoder
            encoder.finish()
        except BaseException:
            encoder.abandon()
            raise


def loudness(
    audio: Path, *, steps_per_second: float, start_seconds: float = 0.0, film_seconds: float
) -> Float[np.ndarray, " steps"]:
    """Measures the peak of the sound in equal steps over the film, 0 to 1 of its loudest.

    ffmpeg decodes, so every format that the film accepts is accepted; the sound passes in blocks.

    Raises:
        UserError: The file is missing or holds no sound.
    """
    if not Path(audio).is_file():
        raise UserError(f"{audio}: there is no such audio file")
    rate = 8000
    program = ffmpeg_program()
    command = [program, "-v", "error", "-nostdin", *_excerpt(start_seconds, film_seconds)]
    command += ["-i", str(audio)]
    command += ["-map", "0:a:0", "-ac", "1", "-ar", str(rate), "-f", "s16le", "-"]
    peaks = np.zeros(max(1, round(film_seconds * steps_per_second)), np.float32)
    seen = 0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        while block := process.stdout.read(2 * rate * 30):
            samples = np.abs(np.frombuffer(block[: len(block) // 2 * 2], "<i2").astype(np.float32))
            step = ((np.arange(len(samples)) + seen) * (steps_per_second / rate)).astype(int)
            np.maximum.at(peaks, np.minimum(step, len(peaks) - 1), samples)
            seen += len(samples)
        process.stdout.close()
        if process.wait() or not seen:
            log.seek(0)
            lines = log.read().decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else "it holds no samples"
            raise UserError(f"{audio}: ffmpeg finds no sound in it: {reason}")
    return peaks / max(float(peaks.max()), 1.0)


def _excerpt(start_seconds: float, film_seconds: float) -> list[str]:
    """Returns the options, before an input, that take the part of it which the film shows."""
    start = ["-ss", f"{start_seconds:.6f}"] if start_seconds else []
    return [*start, "-t", f"{film_seconds:.6f}"]
