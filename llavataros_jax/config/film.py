"""What generated motion is drawn with."""

from dataclasses import dataclass
from typing import Literal

from llavataros_jax.config.require import require


@dataclass(frozen=True)
class FilmConfig:
    """What generated motion is smoothed, drawn and encoded with.

    Attributes:
        smooth: Savitzky-Golay filter (window 9 at 30 fps, order 2) on generated motion.
        width: Pixels.
        height: Pixels.
        suffix: Container of the film.
    """

    smooth: bool = True
    width: int = 640
    height: int = 480
    suffix: Literal[".mov", ".mp4"] = ".mov"

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            require(getattr(self, name) > 0, f"film.{name} must be positive", self)
