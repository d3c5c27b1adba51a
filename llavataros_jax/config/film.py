"""What generated motion is drawn with."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class FilmConfig:
    """What generated motion is smoothed, drawn and encoded with.

    Attributes:
        smooth: Savitzky-Golay filter of order 2 on generated motion.
        smooth_window: Its window in frames at 30 fps, odd; 9 as published. At other rates it spans
            the same time.
        size: Size of movements about their slow course; 1 leaves them as they are predicted. A
            regressor answers what it cannot know with small movements, which this makes up for.
        wordless_size: Times `size`, for recordings of which no word is known: of these still less.
            Both together are 3 at most.
        expressiveness: How far every joint goes from the resting pose, 0 to 3: 0 rests, 1 leaves
            poses as they are, 1.5 turns every joint half as far again, but none further than
            joints of people turn. Unlike `size` it also scales how a body leans and holds itself.
        idle: How still the body is while it says nothing, 0 to 1: 0 leaves poses as they are, 1
            lets hands settle and hold until speech goes on. Needs words, or `audio.kind=mel`.
        width: Pixels.
        height: Pixels.
        suffix: Container of the film.
    """

    smooth: bool = True
    smooth_window: int = 9
    size: float = 1.0
    wordless_size: float = 1.0
    expressiveness: float = 1.0
    idle: float = 0.0
    width: int = 640
    height: int = 480
    suffix: Literal[".mov", ".mp4"] = ".mov"

    def __post_init__(self) -> None:
        require(
            self.smooth_window > 0 and self.smooth_window % 2 == 1,
            "film.smooth_window must be odd and positive",
            self,
        )
        for name in ("size", "wordless_size", "expressiveness"):
            require(0 <= getattr(self, name) <= 3, f"film.{name} must be from 0 to 3", self)
        require(0 <= self.idle <= 1, "film.idle must be from 0 to 1", self)
        for name in ("width", "height"):
            require(getattr(self, name) > 0, f"film.{name} must be positive", self)
