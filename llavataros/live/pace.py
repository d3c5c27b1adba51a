"""Playing at a steady rate: a clock that does not drift, and poses between frames."""

import time
from collections.abc import Callable

import numpy as np

from llavataros.live.vmc_body import BodyPose
from llavataros_jax.motion import rotations as turns

_KEPT_BEHIND_FRAMES = 2
_PUNCTUAL_SECONDS = 1e-6  # closer than any machine sleeps
_CATCH_UP_SECONDS, _MOST_SPEED, _LOST_SECONDS = 0.2, 2.5, 3.0
_MOST_LATENESSES = 36_000  # ten minutes at 60 Hz


class Pace:
    """Deadlines at `start + n / rate`, whatever the work between them takes.

    A deadline that is more than one interval past is skipped, so that a machine that was busy
    catches up instead of lagging behind.

    Attributes:
        skipped: Deadlines that were passed over.
        lateness_seconds: How long after its deadline each tick began.
    """

    def __init__(
        self,
        rate_per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate_per_second = rate_per_second
        self.skipped = 0
        self.lateness_seconds: list[float] = []
        self._clock, self._sleep = clock, sleep
        self._start_seconds = clock()
        self._next = 0

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return self._clock() - self._start_seconds

    def begin(self) -> None:
        """Counts from now on, without what was late or skipped before."""
        self._next = int(self.seconds * self.rate_per_second) + 1
        self.skipped, self.lateness_seconds = 0, []

    def wait(self) -> float:
        """Waits for the next deadline; returns its time after the start in seconds."""
        newest = int(self.seconds * self.rate_per_second)
        if newest > self._next:
            self.skipped += newest - self._next
            self._next = newest
        deadline = self._next / self.rate_per_second
        while (left := self._start_seconds + deadline - self._clock()) > _PUNCTUAL_SECONDS:
            self._sleep(left)
        self.lateness_seconds.append(-left)
        del self.lateness_seconds[:-_MOST_LATENESSES]
        self._next += 1
        return deadline

    def measured(self) -> str:
        """Says how punctual the ticks were."""
        late = 1000 * np.asarray(self.lateness_seconds or [0.0])
        return (
            f"late by {np.median(late):.1f} ms (95 %: {np.quantile(late, 0.95):.1f}, most: "
            f"{late.max():.1f}), {self.skipped} skipped"
        )


class Timeline:
    """Frames of a stream by their number, and the pose at any time.

    Frames come when they come. At a time whose frame is not there yet the newest is shown, so a
    stream that is late is shown late, and never queued up.

    Attributes:
        held: How often the newest frame was shown again because a later one was not there.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._frames: dict[int, BodyPose] = {}
        self._last_place = -1.0
        self.held = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def newest(self) -> int:
        """Number of the newest frame, -1 before there is one."""
        return max(self._frames, default=-1)

    def add(self, index: int, pose: BodyPose) -> None:
        """Adds a frame, in place of an earlier one of its number."""
        self._frames[index] = pose

    def cut(self, index: int) -> None:
        """Forgets the frames from `index` on, which will be made anew."""
        for known in [known for known in self._frames if known >= index]:
            del self._frames[known]

    def at(self, seconds: float, *, is_over: bool = False) -> BodyPose | None:
        """Returns the pose at a time of the stream, which must not go back; None before frame 0.

        Rotations between two frames are on the shorter arc, as are places on the line.
        """
        newest = self.newest
        if newest < 0:
            return None
        place = max(seconds, 0.0) * self._fps
        # The time of a frame in seconds may come out a rounding before it.
        place = float(round(place)) if abs(place - round(place)) < 1e-6 else place
        if place >= newest:
            self.held += not is_over and self._last_place >= newest
            place = float(newest)
        self._last_place = place
        below = int(place)
        share = place - below
        self._forget(below - _KEPT_BEHIND_FRAMES)
        first = self._frames.get(below)
        if first is None:  # it was skipped, as after a stall
            return self._frames[min(self._frames)]
        after = self._frames.get(below + 1)
        return first if after is None or not share else blend(first, after, share)

    def _forget(self, index: int) -> None:
        for known in [known for known in self._frames if known < index]:
            del self._frames[known]


class Playhead:
    """The time of a stream that is shown: it follows the time that is wanted and never jumps.

    Where it is behind, it goes faster; where the newest frame is near, it slows down, so that a
    body whose frames end for a moment comes to rest and does not freeze.

    Attributes:
        seconds: Where it is.
    """

    def __init__(self, seconds: float, *, cushion_seconds: float = 0.0) -> None:
        """Starts.

        Args:
            seconds: Where in the stream.
            cushion_seconds: It goes at full speed as long as so much is there.
        """
        self.seconds, self._cushion_seconds = seconds, cushion_seconds

    def advance(
        self, elapsed_seconds: float, wanted: float, newest: float, *, is_over: bool = False
    ) -> float:
        """Goes on.

        Args:
            elapsed_seconds: Time since the last call.
            wanted: Time of the stream that should be shown now.
            newest: Time of the newest frame.
            is_over: Whether no other frame will come.

        Returns:
            Where it is now.
        """
        behind = wanted - self.seconds - elapsed_seconds
        if behind > _LOST_SECONDS:  # the machine slept
            self.seconds = min(wanted, newest)
            return self.seconds
        speed = min(max(1 + behind / _CATCH_UP_SECONDS, 0.0), _MOST_SPEED)
        room = max(newest - self.seconds, 0.0)
        step = min(elapsed_seconds * speed, room)
        if self._cushion_seconds and not is_over:
            step = min(step, room * elapsed_seconds / self._cushion_seconds)
        self.seconds += step
        return self.seconds


def blend(a: BodyPose, b: BodyPose, share: float) -> BodyPose:
    """Returns the pose between `a` (share 0) and `b` (share 1)."""
    rotations = np.asarray(turns.slerp(a.rotations, b.rotations, share))
    return BodyPose(rotations, (1 - share) * a.hips + share * b.hips)


def ease(share: float) -> float:
    """Returns a smooth step from 0 to 1, without velocity or acceleration at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share**3 * (10 - 15 * share + 6 * share**2)
