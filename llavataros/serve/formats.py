"""The forms in which a whole recording's motion is answered."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llavataros.animation import Animation
from llavataros.motion_forms import FORMS
from llavataros.view.data import motion_data
from llavataros.view.page import motion_page
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import Skeleton

# Motion, what else is known of it, its recording, and the file to write.
Write = Callable[[Motion, Animation, Path, Path], object]
_NAME = "animation"
_BINARY = "application/octet-stream"
_MEDIA_TYPES = {
    "glb": "model/gltf-binary",
    "vrma": "model/gltf-binary",
    "usdz": "model/vnd.usdz+zip",
    "usda": "text/plain",
}


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
        folder, stem = frames_path.parent, "answer" if self.write else frames_path.stem
        path = folder / f"{stem}{self.suffix}"
        if self.write:
            frames = np.load(frames_path, allow_pickle=False)
            self.write(Motion(frames, done.fps, skeleton), done, audio, path)
        return path.read_bytes()


def _of_programs(name: str) -> Write:
    return lambda motion, done, audio, path: FORMS[name].write(path, motion, _NAME)


def _json(motion: Motion, done: Animation, audio: Path, path: Path) -> None:
    tree = motion_data(motion, name=_NAME, audio=audio, words=done.speech.words)
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")


def _view(motion: Motion, done: Animation, audio: Path, path: Path) -> None:
    tree = motion_data(motion, name=_NAME, audio=audio, words=done.speech.words)
    path.write_text(motion_page([tree], title=_NAME), encoding="utf-8")


FORMATS = {
    "npy": Format(".npy", _BINARY),
    "bvh": Format(".bvh", "text/plain"),
    "json": Format(".json", "application/json", _json),
    "view": Format(".html", "text/html", _view),
    **{
        name: Format(form.suffix, _MEDIA_TYPES.get(name, _BINARY), _of_programs(name))
        for name, form in FORMS.items()
    },
}
