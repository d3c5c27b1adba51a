"""Films of motion: bodies drawn frame by frame and piped to ffmpeg, with sound and caption.

Why OpenCV: it draws anti-aliased shapes several times faster than Pillow or Matplotlib
(`llavataros benchmark figure`), which leaves most of the time to the encoder, and needs no display.
Pillow draws each text once. Drawing and encoding run side by side: frames are turned into I420
(half the bytes), queued, and written to ffmpeg by a thread.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.packages import require_packages
from llavataros_jax.rendering import palette
from llavataros_jax.rendering.encoder import check_suffix, open_encoder
from llavataros_jax.rendering.scene import Scene
from llavataros_jax.rendering.soundtrack import loudness, open_soundtrack
from llavataros_jax.sound.ffmpeg import ffmpeg_program

BLOCK_FRAMES = 256
SMALLEST_PIXELS = 96
LARGEST_PIXELS = 4096
SOUND_STEPS_PER_SECOND = 100.0


def write_film(
    path: Path,
    motion: Motion,
    *,
    audio: Path | None = None,
    audio_start_seconds: float = 0.0,
    words: Sequence[tuple[str, float, float]] = (),
    fps: float | None = None,
    width: int = 640,
    height: int = 480,
    title: str = "",
    second: Motion | None = None,
    facing_alike: bool = False,
    others: Sequence[Motion] = (),
    labels: Sequence[str] = (),
) -> int:
    """Writes a film of one or more people and gives its number of frames.

    The film has round(motion seconds x fps) frames; `fps` is the motion's own by default, and
    frames between the motion's are interpolated. The sound starts with the first frame and is cut
    at the film's end. A second person stands beside the first, both turned a little towards each
    other, and keeps still after the end of a shorter motion. Skeletons that lack a head, hips or
    hands, such as `AVATAROS_9`, get them from the chest, the root and the forearms.

    Args:
        path: File to write, `.mov`, `.mp4` or `.m4v`.
        motion: What to draw.
        audio: Sound of the film, in any form that `llavataros_jax.sound` reads; more than two
            channels are mixed down to one.
        audio_start_seconds: Where in `audio` the film begins.
        words: Text, start and end in seconds of every word; parts outside the film are not seen.
        fps: Frames per second of the film.
        width: Even number of pixels.
        height: Even number of pixels.
        title: Text in the upper left corner.
        second: The other person of a conversation, or another motion to compare.
        facing_alike: Turn both the same way, which makes them comparable, not to each other.
        others: Further motions to compare; with any, all stand in a row and face the same way.
        labels: Text below each person.

    Raises:
        UserError: The extra `viz` is missing, a size or rate makes no film, the sound cannot be
            read or ffmpeg fails.
    """
    check_film_tools()
    rate = float(motion.fps if fps is None else fps)
    num_frames = _check(motion, rate, width, height)
    film_seconds = num_frames / rate
    check_suffix(Path(path))
    soundtrack, sound = None, np.zeros(0, np.float32)
    if audio is not None:
        soundtrack = open_soundtrack(
            audio, start_seconds=audio_start_seconds, film_seconds=film_seconds
        )
        sound = loudness(soundtrack, steps_per_second=SOUND_STEPS_PER_SECOND)
    motions = [motion, *([] if second is None else [second]), *others]
    scene = Scene(motions, rate, num_frames, facing_alike=facing_alike)
    pictures = draw_film(
        scene, width=width, height=height, words=words, sound=sound, title=title, labels=labels
    )
    with open_encoder(
        Path(path),
        width=width,
        height=height,
        fps=rate,
        sound=soundtrack,
    ) as encoder:
        for picture in pictures:
            encoder.write(picture)
    return num_frames


def check_film_tools() -> None:
    """Finds out whether films can be made here, before hours of work end in one.

    Raises:
        UserError: The extra `viz` is not installed, or its ffmpeg does not run here.
    """
    require_packages("drawing films", "cv2", "PIL", "imageio_ffmpeg", extra="viz")
    try:
        import cv2  # noqa: F401
        import PIL  # noqa: F401
    except ImportError as broken:
        raise UserError(
            f"films need {broken.name}, which is installed but does not load here: {broken}"
        ) from broken
    ffmpeg_program()


def draw_film(
    scene: Scene,
    *,
    width: int,
    height: int,
    words: Sequence[tuple[str, float, float]] = (),
    sound: Float[np.ndarray, " steps"] | None = None,
    title: str = "",
    labels: Sequence[str] = (),
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Yields the pictures of a film, BGR; each is drawn over when the next one is asked for."""
    from llavataros_jax.rendering.caption import Panel, panel_backdrop, put_text
    from llavataros_jax.rendering.figure import Figure, Painter

    sound = np.zeros(0, np.float32) if sound is None else sound
    share = 0.14 * bool(len(words)) + 0.07 * bool(len(sound)) + 0.01
    panel_height = round(height * share)
    unit = height / 480
    margin = 16 * unit
    top = margin + (14 * unit if title or len(words) else 0)
    stage = height - panel_height
    camera = scene.camera((margin, top, width - margin, stage - margin))
    backdrop = panel_backdrop(width, height)
    size = max(9, round(15 * unit))
    line = margin + size / 2
    if title:
        put_text(backdrop, title, at=(margin, line), size_pixels=size, colour=palette.INK)
    for person, label in enumerate(labels):
        middle = np.median(scene.centres(person, scene.sample()).reshape(-1, 3), axis=0)
        place = (float(camera.project(middle[None])[0][0, 0]), stage - margin / 2)
        put_text(backdrop, label, at=place, size_pixels=size, colour=palette.INK, anchor=0.5)
    panel = Panel(
        words,
        sound,
        sound_rate=SOUND_STEPS_PER_SECOND,
        width=width,
        height=panel_height,
        fps=scene.fps,
        num_frames=scene.num_frames,
    )
    painter = Painter(camera, backdrop, floor=scene.floor(), fps=scene.fps)
    shown = -1
    for start in range(0, scene.num_frames, BLOCK_FRAMES):
        history = min(start, painter.trail_frames)
        stop = min(start + BLOCK_FRAMES, scene.num_frames)
        frames = np.arange(start - history, stop)
        figures = [
            Figure(
                body, scene.centres(person, frames), palette.PEOPLE[person % len(palette.PEOPLE)]
            )
            for person, body in enumerate(scene.bodies)
        ]
        pictures = painter.draw(figures, history=history)
        for frame in range(start, stop):
            second = int(frame / scene.fps)
            if second != shown:
                shown = second
                painter.backdrop = backdrop.copy()
                clock = f"{second // 60}:{second % 60:02d}"
                place = (width - margin, line)
                put_text(
                    painter.backdrop,
                    clock,
                    at=place,
                    size_pixels=size,
                    colour=palette.INK,
                    anchor=1.0,
                    opacity=0.7,
                )
            picture = next(pictures)
            panel.draw(picture, frame)
            yield picture


def _check(motion: Motion, fps: float, width: int, height: int) -> int:
    if motion.num_frames < 1:
        raise UserError("a motion without frames makes no film")
    if not (np.isfinite(fps) and 0 < fps <= 1000):
        raise UserError(f"fps={fps:g} makes no film; give a rate between 0 and 1000")
    for name, pixels in (("width", width), ("height", height)):
        if pixels % 2 or not SMALLEST_PIXELS <= pixels <= LARGEST_PIXELS:
            raise UserError(
                f"{name}={pixels} makes no film; give an even number of pixels from "
                f"{SMALLEST_PIXELS} to {LARGEST_PIXELS}"
            )
    return max(1, round(motion.num_frames / motion.fps * fps))
