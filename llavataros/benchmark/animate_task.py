"""What is animated in the comparison with PyTorch: the speech of two people, and ways to do it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from llavataros.benchmark.train_task import Task
from llavataros_jax.data.segments import ClipSpeech

FPS = 30
People = tuple[ClipSpeech, ClipSpeech]
_FRAMES_OF_A_WORD, _SILENT = 10, 0.2


@dataclass
class Way:
    """One way of animating.

    Attributes:
        row: What is known of it, which the report shows.
        call: Returns un-normalised poses of each recording.
        recordings: Recordings of a call.
    """

    row: dict[str, Any]
    call: Callable[[], list[np.ndarray]]
    recordings: int = 1


def two_people(task: Task, seconds: float) -> People:
    """Returns noise of the task's sizes over whole segments, said in words with pauses."""
    length = task.config.segment_frames
    frames = max(1, round(seconds * FPS / length)) * length
    return _speech(task, 0, frames), _speech(task, 1, frames)


def _speech(task: Task, speaker: int, frames: int) -> ClipSpeech:
    random = np.random.default_rng((5, speaker))
    count = -(-frames // _FRAMES_OF_A_WORD)
    numbers = np.where(random.random(count) < _SILENT, -1, np.arange(count)).astype(np.int32)
    return ClipSpeech(
        audio=random.standard_normal((frames, task.audio)).astype(np.float16),
        words=random.standard_normal((count, task.text)).astype(np.float16),
        word_index=np.repeat(numbers, _FRAMES_OF_A_WORD)[:frames],
        speaker=speaker,
    )
