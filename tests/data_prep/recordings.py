"""Small folders of made-up recordings."""

import json
from pathlib import Path

import numpy as np
import soundfile
from scipy.spatial.transform import Rotation

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.npy import write_npy
from llavataros_jax.motion.skeleton import AVATAROS_9

RATE = 16000


def make_motion(seed: int, seconds: float, *, fps: float = 60) -> Motion:
    """Returns a body whose joints swing, each at a rate of its own."""
    generator = np.random.default_rng(seed)
    count, joints = round(seconds * fps), AVATAROS_9.num_joints
    times = np.arange(count)[:, None, None] / fps
    hertz, phase = generator.uniform(0.2, 1, (2, joints, 3))
    angles = 0.5 * np.sin(2 * np.pi * (hertz * times + phase))
    local = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(count, joints, 3, 3)
    root = np.array([0, 0.9, 0]) + 0.05 * np.sin(times[..., 0] * [1, 2, 3])
    return motion_from_local(local, AVATAROS_9.offsets, root, fps=fps, skeleton=AVATAROS_9)


def make_samples(seed: int, seconds: float, rate: int = RATE) -> np.ndarray:
    """Returns a voice-like buzz with pauses."""
    generator = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 8))
    return 0.1 * buzz * (np.sin(2 * np.pi * times) > -0.5) + 1e-3 * generator.normal(
        size=len(times)
    )


def make_words(seconds: float) -> list[dict]:
    """Returns three words a second with pauses between them."""
    starts = np.arange(0.1, seconds - 0.25, 1 / 3)
    names = ("hello", "big", "<unk>", "world", "Ünïcode")
    return [
        {"word": names[k % 5], "start": round(float(t), 4), "end": round(float(t) + 0.22, 4)}
        for k, t in enumerate(starts)
    ]


def write_clip(folder: Path, name: str, *, seconds: float = 2.0, seed: int = 0) -> None:
    """Writes `name.wav`, `name.npy` at 60 fps and `name.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"{name}.wav", make_samples(seed, seconds), RATE)
    write_npy(folder / f"{name}.npy", make_motion(seed, seconds))
    (folder / f"{name}.json").write_text(json.dumps(make_words(seconds)))


def damage_middle(path: Path) -> None:
    """Zeroes a tenth of a sound file at its half, as a failing disk does."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 10] = bytes(len(content) // 10)
    path.write_bytes(content)


def small_config(folder: Path, **data: object) -> Config:
    """Returns a config of small features that prepares `folder/in` into `folder/out`."""
    return config_from_dict(
        {
            "data": {"folder": str(folder / "in"), "records": str(folder / "out"), "workers": 1}
            | data,
            "audio": {"mels": 6},
            "text": {"kind": "hashed", "size": 12},
        }
    )
