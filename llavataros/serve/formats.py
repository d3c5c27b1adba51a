"""The forms in which a whole recording's motion is answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llavataros.animation import Animation
from llavataros.view.data import motion_data
from llavataros.view.page import motion_page
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.rig.glb import write_motion_glb

# Motion, what else is known of it, its recording, and the file to write.
Write = Callable[[Motion, Animation, Path, Path], None]
_NAME = "animation"


@dataclass(frozen=True)
class Format:
    """A form of motion.

    Attributes:
        suffix: Of its file.
        media_type: Of the answer.
        write: Writes it; None for what every animation writes.
    """

    suffix: str
    media_type: str
    write: Write | None = None

    def data(self, done: Animation, skeleton: Skeleton, audio: Path) -> bytes:
        """Returns an animation that was written, in this form.

        Raises:
            UserError: When it cannot be told so.
        """
        frames_path = next(path for path in done.paths if path.suffix == ".npy")
        path = frames_path.with_suffix(self.suffix)
        if self.write:
            path = path.with_stem("answer")
            frames = np.load(frames_path, allow_pickle=False)
            self.write(Motion(frames, done.fps, skeleton), done, audio, path)
        return path.read_bytes()


def _glb(motion: Motion, done: Animation, audio: Path, path: Path) -> None:
    write_motion_glb(path, motion)


def _json(motion: Motion, done: Animation, audio: Path, path: Path) -> None:
    tree = motion_data(motion, name=_NAME, audio=audio, words=done.speech.words)
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")


def _view(motion: Motion, done: Animation, audio: Path, path: Path) -> None:
    tree = motion_data(motion, name=_NAME, audio=audio, words=done.speech.words)
    path.write_text(motion_page([tree], title=_NAME), encoding="utf-8")


FORMATS = {
    "npy": Format(".npy", "application/octet-stream"),
    "bvh": Format(".bvh", "text/plain"),
    "glb": Format(".glb", "model/gltf-binary", _glb),
    "json": Format(".json", "application/json", _json),
    "view": Format(".html", "text/html", _view),
}
