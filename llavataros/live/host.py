"""What an engine gives to each of its sessions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llavataros.live.gestures import Gestures
from llavataros_jax.trained import TrainedRun


@dataclass(frozen=True, eq=False)
class Host:
    """The engine as a session sees it.

    Attributes:
        run: The run that animates.
        delay_frames: Frames by which poses come later than their speech.
        gestures: Gestures that can be asked for.
        clock: Monotonic seconds.
        wake: Says that there is something to do.
        leave: Gives back a session's lane.
    """

    run: TrainedRun
    delay_frames: int
    gestures: Gestures
    clock: Callable[[], float]
    wake: Callable[[], None]
    leave: Callable[[Any], None]

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.run.manifest.fps
