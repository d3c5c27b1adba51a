"""Three systems that moved to three clips of the bundled corpus: really, backwards, not at all."""

from pathlib import Path

import numpy as np
from scipy.io import wavfile

from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import read_npy, write_npy
from llavataros_jax.sound.reader import read_mono
from tests.backend import ROOT

CLIPS = ("ada_1", "ada_2", "ben_1")
SYSTEMS = ("real", "backwards", "still")
RATE = 16000


def write_systems(folder: Path, *, seconds: float = 2.2) -> list[str]:
    """Writes `audio/` and a folder of motion by system, and returns the options that name them."""
    for clip in CLIPS:
        motion = read_npy(ROOT / "corpus" / f"{clip}.npz")
        frames = motion.frames[: round(seconds * motion.fps)]
        for system, moved in (
            ("real", frames),
            ("backwards", frames[::-1]),
            ("still", np.repeat(frames[:1], len(frames), axis=0)),
        ):
            (folder / system).mkdir(parents=True, exist_ok=True)
            made = Motion(moved, motion.fps, motion.skeleton)
            write_npy(folder / system / f"{clip}.npz", made)
        samples = read_mono(ROOT / "corpus" / f"{clip}.flac", RATE)[: round(seconds * RATE)]
        (folder / "audio").mkdir(exist_ok=True)
        wavfile.write(folder / "audio" / f"{clip}.wav", RATE, samples)
    return ["--motion", *(f"{name}={folder / name}" for name in SYSTEMS),
            "--audio", str(folder / "audio")]  # fmt: skip
