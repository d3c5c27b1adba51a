"""The recordings of the benchmark of preparation, found once."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.clips.clip import Clip
from data_prep.sources.choice import find_recordings
from llavataros_jax.config import Config
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_info


@dataclass(frozen=True)
class Corpus:
    """Recordings with motion and timed words.

    Attributes:
        config: How they are prepared.
        clips: They.
        lengths_seconds: Length of each one's sound.
        cores: Processes that preparation takes by default.
    """

    config: Config
    clips: tuple[Clip, ...]
    lengths_seconds: tuple[float, ...]
    cores: int

    @property
    def seconds(self) -> float:
        """Length of all."""
        return sum(self.lengths_seconds)

    @property
    def fps(self) -> float:
        """Frames per second that are made."""
        return self.config.motion.fps

    def frames(self, number: int) -> int:
        """Returns the frames of a clip."""
        return round(self.lengths_seconds[number] * self.fps)

    def motion(self, number: int) -> Path:
        """Returns the motion file of a clip."""
        path = self.clips[number].motion
        assert path is not None
        return path

    def words(self, number: int) -> Path:
        """Returns the file of timed words of a clip."""
        path = self.clips[number].words
        assert path is not None
        return path

    def described(self, name: str) -> dict[str, Any]:
        """Returns what the report says of them."""
        audio, text = self.config.audio, self.config.text
        return {
            "config": name,
            "clips": len(self.clips),
            "minutes": self.seconds / 60,
            "frames": sum(self.frames(number) for number in range(len(self.clips))),
            "fps": self.fps,
            "audio": f"{audio.mels} mel bands at {audio.sample_rate} Hz",
            "text": f"{text.kind}, {text.size} numbers",
        }


def open_corpus(config: Config) -> Corpus:
    """Finds what the config names.

    Raises:
        UserError: When there is none, or the usual script could not prepare it.
    """
    found = find_recordings(config.data)
    clips = tuple(clip for clip in found.clips if clip.motion and clip.words)
    if not clips:
        raise UserError(
            f"data.folder={config.data.folder} has no recordings with motion and timed words, "
            "which the benchmark prepare needs; take --config demo"
        )
    if config.audio.kind != "mel" or config.text.kind == "language_model":
        raise UserError(
            "the benchmark prepare times audio.kind=mel and words without a language model, but "
            f"the config has audio.kind={config.audio.kind} and text.kind={config.text.kind}; take "
            "--config demo"
        )
    lengths = tuple(read_info(clip.audio, config.audio.sample_rate).seconds for clip in clips)
    return Corpus(config, clips, lengths, os.cpu_count() or 1)
