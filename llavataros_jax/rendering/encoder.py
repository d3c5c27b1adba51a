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
from jaxtyping import UInt8

from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError
from llavataros_jax.rendering.soundtrack import Soundtrack
from llavataros_jax.sound.ffmpeg import ffmpeg_program

SUFFIXES = (".mov", ".mp4", ".m4v")
QUEUED_FRAMES = 16
CODEC = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20"),
    *("-pix_fmt", "yuv420p", "-colorspace", "smpte170m", "-color_primaries", "smpte170m"),
    *("-color_trc", "smpte170m", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"),
)


def check_suffix(path: Path) -> None:
    """Refuses a name whose ending is no film format.

    Raises:
        UserError: It is none.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a film's name must end in one of {', '.join(SUFFIXES)}")


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
    sound: Soundtrack | None = None,
) -> Iterator[Encoder]:
    """Opens a film that appears at `path` when the block ends without an error.

    Sound that is longer than the film is cut; where it is shorter, the film goes on in silence.

    Raises:
        UserError: The name's ending is no film format, or ffmpeg fails.
    """
    path = Path(path)
    check_suffix(path)
    program = ffmpeg_program()
    with atomic_path(path) as partial, tempfile.TemporaryDirectory() as scratch:
        errors = Path(scratch) / "errors"
        picture = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}"]
        command = [program, "-y", "-v", "error", "-nostdin", *picture]
        command += ["-r", f"{fps:.10g}", "-i", "pipe:"]
        if sound is not None:
            command += [*sound.input_options, "-map", "0:v", "-map", "1:a:0", *sound.film_options]
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
