"""Films of ranked clips, small enough for the page: predicted on the left, real on the right."""

import dataclasses
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.trajectories import Trajectories
from llavataros_jax.rendering.axes import drawable
from llavataros_jax.rendering.film import write_film
from llavataros_jax.report.pictures import middle

FILM_SECONDS = 20.0
WIDTH, HEIGHT = 480, 320
MOST_FPS = 30.0
# Who stands higher or lower than this because their files have another floor is put level.
_LEVEL_METRES = 0.05


@dataclass(frozen=True)
class Film:
    """A film that lies in the page.

    Attributes:
        content: MP4.
        poster: A picture from its middle, JPEG.
        raised_metres: By how much the system's motion was raised to stand level with the
            recorded one, when their files have different floors; else 0.
    """

    content: bytes
    poster: bytes
    raised_metres: float


def film(motions: Mapping[str, Trajectories], spoken: Spoken | None) -> Film:
    """Films the middle of a clip with its sound.

    Args:
        motions: One, or the system's first and the recorded one second.
        spoken: The speech, when there is sound.

    Raises:
        UserError: When the film's tools are missing or the sound cannot be read.
    """
    start, stop = middle(min(motion.seconds for motion in motions.values()), FILM_SECONDS)
    shown, *others = (drawable(_part(motion, start, stop)) for motion in motions.values())
    recorded, raised = others[0] if others else None, 0.0
    if recorded is not None:
        raised = float(recorded.positions[..., 1].mean() - shown.positions[..., 1].mean())
        if abs(raised) > _LEVEL_METRES:
            shown = _raised(shown, raised)
        else:
            raised = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_film(
            path,
            shown,
            second=recorded,
            facing_alike=True,
            audio=spoken.recording if spoken else None,
            audio_start_seconds=spoken.start_seconds + start if spoken else 0.0,
            words=[(word, a - start, b - start) for word, a, b in spoken.words] if spoken else (),
            fps=min(shown.fps, MOST_FPS),
            width=WIDTH,
            height=HEIGHT,
        )
        return Film(path.read_bytes(), _poster(path), raised)


def _poster(path: Path) -> bytes:
    import cv2

    pictures = cv2.VideoCapture(str(path))
    pictures.set(cv2.CAP_PROP_POS_FRAMES, pictures.get(cv2.CAP_PROP_FRAME_COUNT) // 2)
    found, picture = pictures.read()
    pictures.release()
    if not found:
        raise UserError("ffmpeg wrote a film that OpenCV cannot read, so there is no picture of it")
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def _part(motion: Trajectories, start_seconds: float, stop_seconds: float) -> Trajectories:
    first = min(round(start_seconds * motion.fps), motion.num_frames - 1)
    return motion.cut(
        first, max(first + 1, min(round(stop_seconds * motion.fps), motion.num_frames))
    )


def _raised(motion: Motion, metres: float) -> Motion:
    frames = np.array(motion.frames)
    frames[..., 1] += metres
    return dataclasses.replace(motion, frames=frames)
