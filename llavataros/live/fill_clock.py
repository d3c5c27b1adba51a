"""The wall clock of a stream: how much sound there should be where nobody speaks."""

import math

# After a longer standstill of the machine, the time in between did not pass for the body.
_MOST_BURST_SECONDS = 1.0


class FillClock:
    """Follows the wall clock, and waits for sound that is late while somebody speaks.

    Sound that comes faster than real time is ahead of the clock, and silence follows it once the
    clock is there.
    """

    def __init__(self, now: float):
        """Starts at stream time 0."""
        self.seconds, self._now = 0.0, now

    def advance(self, now: float, heard_seconds: float, *, is_spoken: bool) -> None:
        """Moves on to `now`.

        Args:
            now: The wall clock, seconds.
            heard_seconds: Where the stream's sound ended until now.
            is_spoken: Whether sound was to come from somebody else than this clock.
        """
        self.seconds += max(now - self._now, 0.0)
        self._now = now
        most = heard_seconds if is_spoken else heard_seconds + _MOST_BURST_SECONDS
        self.seconds = min(self.seconds, most)

    def due_frames(self, heard_seconds: float, fps: float) -> int:
        """Returns how many frames of silence are missing."""
        return max(int((self.seconds - heard_seconds) * fps + 1e-6), 0)

    def next_monotonic(self, heard_seconds: float, fps: float) -> float:
        """Returns when the next frame of silence is to be brought.

        It is a whole number of frames on the wall clock, the same moment for all streams: one pass
        of the network moves them together.
        """
        due = self._now + max(heard_seconds + 1 / fps - self.seconds, 0.0)
        return math.ceil(due * fps - 1e-6) / fps

    def restart(self, now: float, seconds: float) -> None:
        """Is at a time of the stream now."""
        self.seconds, self._now = seconds, now
