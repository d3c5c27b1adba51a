"""A talking body of SMPL-X's upper joints, its sound, and the values of a protocol."""

from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.spatial.transform import Rotation

from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance, matched
from llavataros_jax.evaluation.tally import Tally
from llavataros_jax.motion.motion import motion_from_local
from llavataros_jax.motion.smplx import SMPLX_UPPER_BODY
from llavataros_jax.motion.trajectories import Trajectories, of_motion

RATE = 16000


def body(num_frames=600, *, fps=30.0, seed=0, amplitude=0.4, turned=0.5) -> Trajectories:
    """Turns every joint by slow and quick waves of its own, and walks."""
    random = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None, None, None] / fps
    waves = random.uniform(0.2, 2.0, (1, 14, 3, 4)), random.uniform(0, 6.3, (1, 14, 3, 4))
    vectors = amplitude / 4 * np.sin(2 * np.pi * waves[0] * time + waves[1]).sum(axis=-1)
    vectors[:, 0] += [0.0, turned, 0.0]
    turns = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat().reshape(num_frames, 14, 4)
    root = np.cumsum(random.normal(0, 0.004, (num_frames, 3)), axis=0)
    skeleton = SMPLX_UPPER_BODY
    return of_motion(motion_from_local(turns, skeleton.offsets, root, fps=fps, skeleton=skeleton))


def clicking(folder: Path, times=None, *, seconds=20.0) -> Spoken:
    """Writes short bursts of noise at some times."""
    random = np.random.default_rng(1)
    times = random.uniform(0.2, seconds - 0.2, 40) if times is None else times
    sound = random.normal(0, 1e-4 if len(times) else 0.0, round(seconds * RATE))
    for at in times:
        first = round(at * RATE)
        burst = random.normal(0, 0.3, 1600) * np.exp(-np.arange(1600) / 300)
        sound[first : first + 1600] += burst[: len(sound) - first]
    path = folder / f"clicks{len(times)}.wav"
    wavfile.write(path, RATE, np.clip(sound, -1, 1).astype(np.float32))
    return Spoken(path, 0.0, seconds)


def values(protocol: Protocol, *performances: Performance, column="predicted") -> dict[str, float]:
    """Measures clips together; a measure without anything to measure is left out."""
    columns = [each for each in protocol.columns if each.key == column]
    tally = Tally(protocol.measures, columns)
    for performance in performances:
        tally.add(matched(protocol.prepare(performance)))
    cells = tally.cells(resamples=0)
    return {key: cells[key][column].value for key in cells}
