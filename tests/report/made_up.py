"""A result that nobody measured, and two clips that nobody recorded."""

import math
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from llavataros_jax.evaluation.columns import Column, Kind, take_of
from llavataros_jax.evaluation.measure import Measure, mean
from llavataros_jax.evaluation.protocol import Protocol
from llavataros_jax.evaluation.result import Result
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.evaluation.tally import Cell
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from tests.rendering.people import standing

EVIL = "<script>alert('x')</script>"
_KINDS: tuple[tuple[str, Kind], ...] = (
    ("predicted", "system"),
    ("shifted", "speech"),
    ("mean_pose", "motion"),
    ("real", "real"),
    ("halves", "halves"),
)
COLUMNS = tuple(
    Column(key, key.replace("_", " "), f"Says {key}.", kind, lambda p: (take_of(p),))
    for key, kind in _KINDS
)


def measure(key: str, **options) -> Measure:
    return Measure(
        key, key.replace("_", " "), f"Means {key}.", f"Paper of {key}.", lambda take: None, mean,
        **options,
    )  # fmt: skip


ERROR = measure("position_error", towards="low", compares=True)
SPEED = measure("hand_speed", towards="real")
RATIO = measure("amplitude_ratio", towards="one")
FRECHET = measure("frechet", towards="low", distribution=True)
ABSENT = measure("diversity", several=True)


def cell(value: float, low: float = math.nan, high: float = math.nan) -> Cell:
    return Cell(value, low, high, np.zeros(0))


def result(errors: dict[str, float] | None = None, **options) -> Result:
    """Makes up a result in which clips have these position errors."""
    errors = {EVIL: 0.3, "b&b": 0.1} if errors is None else errors
    protocol = Protocol(
        name="torso", version=3, says="For tests.", fps=None, joints="arms & hips",
        measures=(ERROR, SPEED, RATIO, FRECHET, ABSENT), columns=COLUMNS,
        prepare=lambda performance: performance, settings={"quirks": "<none>"},
        lacks=("No <i>weights</i> are here.",),
    )  # fmt: skip
    cells = {
        "position_error": {"predicted": cell(0.2, 0.1, 0.3), "mean_pose": cell(0.15, 0.1, 0.2)},
        "hand_speed": {
            "predicted": cell(0.31, 0.28, 0.35),
            "real": cell(0.42, 0.4, 0.44),
            "mean_pose": cell(0.0, 0.0, 0.0),
        },
        "amplitude_ratio": {"predicted": cell(0.8, 0.7, 0.9)},
        "frechet": {"predicted": cell(2e-5), "halves": cell(1e-5)},
    }
    by_clip = {
        clip: {
            "position_error": {"predicted": error},
            "hand_speed": {"predicted": error, "real": 0.2},
        }
        for clip, error in errors.items()
    }
    settings = {"command": "llavataros evaluate --run '<run>'", "seed": 7, "versions": {"jax": 1}}
    parts = {"seconds": 4.0, "settings": settings, "warnings": ("Noise <wins>.",), **options}
    return Result(
        protocol=protocol, system="best/12 of <b>runs</b>", split="validation", clips=len(errors),
        joints=("Hips", "Spine"), fps=30.0, cells=cells, by_clip=by_clip, **parts,
    )  # fmt: skip


class Clips:
    """Two clips: one with rotations and sound, one of positions alone and silent."""

    def __init__(self, folder: Path, seconds: float = 2.0, *, silent: bool = False) -> None:
        self.sound = folder / "speech.wav"
        rate = 16000
        time = np.arange(round(seconds * rate)) / rate
        loud = np.sin(2 * np.pi * 220 * time) * (np.sin(2 * np.pi * 3 * time) > 0)
        wavfile.write(self.sound, rate, (8000 * loud).astype(np.int16))
        self.seconds, self.silent = seconds, silent
        self.reads: list[int] = []

    def __len__(self) -> int:
        return 2

    def __getitem__(self, clip: int) -> Performance:
        self.reads.append(clip)
        real = of_motion(standing(round(30 * self.seconds)))
        predicted = of_motion(standing(round(30 * self.seconds)))
        if clip == 0:
            spoken = Spoken(self.sound, 0.0, self.seconds, (("<b>hi</b>", 0.2, 0.5),))
            return Performance(EVIL, "ada", real, (predicted,), None if self.silent else spoken)
        alone = Trajectories(real.positions, real.fps, real.skeleton)
        return Performance("b&b", "ada", alone, (alone.moved(alone.positions - [0, 1, 0]),))
