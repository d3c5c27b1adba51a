"""Plays poses at a steady rate, from a standing body and back to one."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from llavataros.live.pace import Pace, Playhead, Timeline, blend, ease
from llavataros.live.source import Source
from llavataros.live.vmc_body import BodyPose, standing

_BLEND_SECONDS = 0.5
_AHEAD_SECONDS = 0.5
_STATUS_SECONDS = 1.0
_LOOK_SECONDS = 0.01


@runtime_checkable
class Display(Protocol):
    """What shows a body."""

    def show(self, pose: BodyPose, seconds: float) -> None:
        """Shows a pose at a time of the player's clock."""
        ...

    def close(self) -> None:
        """Lets go of what it holds."""
        ...


@dataclass(frozen=True)
class Played:
    """What was shown.

    Attributes:
        frames: How many frames.
        seconds: How long it took from the first to the last.
        pace: How punctual they were.
        held: How often a frame was shown again because the next was not there.
    """

    frames: int
    seconds: float
    pace: str
    held: int

    def __str__(self) -> str:
        rate = (self.frames - 1) / self.seconds if self.seconds else 0.0
        return f"sent {self.frames} frames, {rate:.2f} a second, {self.pace}, {self.held} held"


class Player:
    """Shows a stream of poses, and says how it goes."""

    def __init__(
        self,
        source: Source,
        displays: Sequence[Display],
        *,
        rate_per_second: float,
        delay_seconds: float = 0.0,
        cushion_seconds: float = 0.0,
        begin: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepares to play.

        Args:
            source: The poses.
            displays: Who shows them.
            rate_per_second: Frames that are shown each second.
            delay_seconds: How long the first pose waits when it is there.
            cushion_seconds: See `Playhead`; for sources that go no faster than time, which are
                shown as soon as they can be, until `follow` says when.
            begin: Is called when the stream's time begins to run.
            say: Is told once a second how it goes, and what the user should know.
            clock: Monotonic seconds.
            sleep: Waits so many seconds.
        """
        self._source, self._displays = source, tuple(displays)
        self._delay_seconds, self._cushion_seconds = delay_seconds, cushion_seconds
        self._begin, self._say = begin, say
        self._clock, self._sleep = clock, sleep
        self._pace = Pace(rate_per_second, clock=clock, sleep=sleep)
        self._timeline = Timeline(source.fps)
        self._head = Playhead(0.0, cushion_seconds=cushion_seconds)
        self._shown = self._standing = standing(source.bones, source.rest[0])
        # The pace's time and the stream's that belong together.
        self._anchor: tuple[float, float] | None = None
        self._has_followed = False
        self._now, self._count, self._is_stopped = self._pace.seconds, 0, False
        self._first_seconds = self._last_seconds = 0.0
        self._lock = threading.RLock()

    @property
    def next_frame(self) -> int:
        """The first frame of the stream that was not begun to be shown."""
        return int(self._head.seconds * self._source.fps) + 1

    @property
    def lead_seconds(self) -> float:
        """How much of the stream is there that was not shown."""
        return self._timeline.newest / self._source.fps - self._head.seconds

    def follow(self, seconds: float) -> None:
        """Shows this time of the stream now, and goes on from there; from any thread.

        It never goes back, and reaches a later time in a moment.
        """
        with self._lock:
            self._anchor, self._has_followed = (self._pace.seconds, seconds), True

    def keep(self) -> None:
        """Goes on at the pace of time from what is seen, though later frames come at once."""
        with self._lock:
            if self._anchor is not None:
                self._anchor, self._has_followed = (self._now, self._head.seconds), True

    def interrupt(self, make_anew: Callable[[int], int]) -> None:
        """Forgets what was to be shown, which `make_anew` makes anew from the frame it returns."""
        with self._lock:
            self._timeline.cut(make_anew(self.next_frame))
            self._anchor = (self._pace.seconds, self._head.seconds)

    def stop(self) -> None:
        """Ends `play`, from any thread."""
        self._is_stopped = True

    def play(self, seconds: float | None = None) -> None:
        """Plays until the source is over or `stop`, or so many seconds of it.

        Nothing is shown before there is a first frame.

        Raises:
            UserError: When the source has nothing more because something went wrong.
        """
        has_begun, told = False, 0.0
        self._await()
        while not self._is_stopped:
            now = self._pace.wait()
            with self._lock:
                self._take()
                is_over = self._source.is_over
                if self._anchor is None and (len(self._timeline) or is_over):
                    self._anchor = (now + self._delay_seconds, 0.0)
                place = self._place(now, is_over)
            if place is not None and not has_begun:
                has_begun = True
                self._begin()
            pose = None if place is None else self._timeline.at(place, is_over=is_over)
            self._show(self._standing if pose is None else self._risen(pose, place or 0.0), now)
            if now - told >= _STATUS_SECONDS:
                told = now
                self._say(str(self.played()))
            if place is None:
                continue
            if is_over and place * self._source.fps >= self._timeline.newest - 1e-6:
                return
            if seconds is not None and place >= seconds:
                return

    def rest(self) -> None:
        """Lets the body stand as in the beginning."""
        begin, first = self._shown, None
        while True:
            now = self._pace.wait()
            first = now if first is None else first
            share = (now - first) / _BLEND_SECONDS
            self._show(blend(begin, self._standing._replace(hips=begin.hips), ease(share)), now)
            if share >= 1:
                return

    def played(self) -> Played:
        """Says what was shown until now."""
        seconds = self._last_seconds - self._first_seconds
        return Played(self._count, seconds, self._pace.measured(), self._timeline.held)

    def _await(self) -> None:
        """Waits for the first frame, while what makes it may keep the whole machine busy."""
        while not self._is_stopped:
            with self._lock:
                self._take()
            if len(self._timeline) or self._source.is_over:
                break
            self._sleep(_LOOK_SECONDS)
        self._pace.begin()

    def _take(self) -> None:
        until = int((self._head.seconds + _AHEAD_SECONDS) * self._source.fps)
        for index, pose in self._source.take(until):
            self._timeline.cut(index)
            self._timeline.add(index, pose)
        for notice in self._source.take_notices():
            self._say(f"note: {notice}")

    def _place(self, now: float, is_over: bool) -> float | None:
        """Returns which time of the stream is shown now, None before its beginning."""
        elapsed, self._now = now - self._now, now
        if self._anchor is None or (now < self._anchor[0] and not self._head.seconds):
            return None
        newest = max(self._timeline.newest, 0) / self._source.fps
        wanted = self._anchor[1] + now - self._anchor[0]
        if self._cushion_seconds and not self._has_followed:
            wanted = max(wanted, newest - self._cushion_seconds)  # as soon as can be
        if wanted <= 0:
            return 0.0
        return self._head.advance(elapsed, wanted, newest, is_over=is_over)

    def _risen(self, pose: BodyPose, place: float) -> BodyPose:
        share = ease(place / _BLEND_SECONDS)
        return pose if share >= 1 else blend(self._standing, pose, share)

    def _show(self, pose: BodyPose, now: float) -> None:
        for display in self._displays:
            display.show(pose, now)
        self._shown = pose
        self._last_seconds = self._clock()
        self._first_seconds = self._first_seconds or self._last_seconds
        self._count += 1
