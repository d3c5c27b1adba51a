"""Evaluation of 10 and of 70 clips of a minute: how long it takes, and what memory it needs."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.npy import read_npy, write_npy
from llavataros_jax.motion.skeleton import AVATAROS_9
from llavataros_jax.sound.reader import read_mono

CLIPS = (10, 70)
SECONDS, RATE = 60, 16000


def run(turns: int) -> None:
    """Makes the clips of the bundled corpus, a minute each, and measures them by `torso`.

    Every number of clips is one process, measured once, whatever `turns`: it is minutes.
    """
    print("evaluation of clips of a minute by the protocol torso, without a report")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for count in CLIPS:
            _make(root, count)
            seconds, megabytes = _measure(root)
            print(f"  {count:3} clips {seconds:12.1f} s {megabytes:12.0f} MB at most", flush=True)


def _make(root: Path, count: int) -> None:
    """Writes clips up to a number; each is the corpus from another place on, and half as large."""
    corpus = sorted(shipped_folder("corpus").glob("*.npz"))
    for number in range(count):
        name = f"clip_{number:02}"
        if (root / "audio" / f"{name}.wav").exists():
            continue
        frames, samples = [], []
        while sum(map(len, frames)) < SECONDS * 30:
            path = corpus[(number + len(frames)) % len(corpus)]
            sound = read_mono(path.with_suffix(".flac"), RATE)
            motion = read_npy(path, audio_seconds=len(sound) / RATE)
            ratio = round(motion.fps / 30)
            frames.append(motion.frames[::ratio])
            samples.append(sound[: round(len(frames[-1]) / 30 * RATE)])
        whole = np.concatenate(frames)[: SECONDS * 30]
        half = whole.copy()
        half[..., :3] = whole[..., :3].mean(axis=0) * 0.5 + whole[..., :3] * 0.5
        for kind, rows in (("real", whole), ("motion", half)):
            write_npy(root / kind / f"{name}.npz", Motion(rows, 30, AVATAROS_9))
        (root / "audio").mkdir(exist_ok=True)
        whole_sound = np.concatenate(samples)[: SECONDS * RATE]
        wavfile.write(root / "audio" / f"{name}.wav", RATE, whole_sound)


def _measure(root: Path) -> tuple[float, float]:
    """Returns seconds and the most megabytes of a process that evaluates what is there."""
    folders = (f"--{kind}={root / kind}" for kind in ("motion", "real", "audio"))
    command = [sys.executable, "-m", "llavataros_jax.evaluate", *folders, "--no-report"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, f"--out={root / 'out'}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise UserError(f"{' '.join(command)} failed; run it to see why")
    return seconds, used.ru_maxrss / 1000
