"""Plays poses to receivers at a steady rate, from a standing body and back to one."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from llavataros.live.pace import Pace, Timeline, blend, ease
from llavataros.live.source import Source
from llavataros.live.vmc import VmcMessages, VmcSender
from llavataros.live.vmc_body import BodyPose, SentBody

_BLEND_SECONDS = 0.5
_AHEAD_SECONDS = 0.5
_STATUS_SECONDS = 1.0


@dataclass(frozen=True)
class Played:
    """What was sent.

    Attributes:
        frames: How many frames.
        seconds: How long it took from the first to the last.
        pace: How punctual they were.
        held: How often a frame was sent again because the next was not there.
    """

    frames: int
    seconds: float
    pace: str
    held: int

    def __str__(self) -> str:
        rate = (self.frames - 1) / self.seconds if self.seconds else 0.0
        return f"sent {self.frames} frames, {rate:.2f} a second, {self.pace}, {self.held} held"


class Player:
    """Sends a stream of poses, and how it goes."""

    def __init__(
        self,
        source: Source,
        body: SentBody,
        sender: VmcSender,
        *,
        rate_per_second: float,
        delay_seconds: float = 0.0,
        begin: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepares to play.

        Args:
            source: The poses.
            body: The bones that are sent.
            sender: To whom.
            rate_per_second: Frames that are sent each second.
            delay_seconds: How long the first pose waits when it is there.
            begin: Is called when the stream's time begins to run.
            say: Is told once a second how it goes, and what the user should know.
            clock: Monotonic seconds.
            sleep: Waits so many seconds.
        """
        self._source, self._body, self._sender = source, body, sender
        self._messages = VmcMessages(body)
        self._delay_seconds, self._begin, self._say = delay_seconds, begin, say
        self._clock = clock
        self._pace = Pace(rate_per_second, clock=clock, sleep=sleep)
        self._timeline = Timeline(source.fps)
        self._standing = body.standing(source.rest[0])
        self._last = self._standing
        self._sent, self._first_seconds, self._last_seconds = 0, 0.0, 0.0

    def play(self, seconds: float | None = None) -> None:
        """Plays until the source is over, or so many seconds of it.

        Raises:
            UserError: When the source has nothing more because something went wrong.
        """
        start, has_begun, told = None, False, 0.0
        while True:
            now = self._pace.wait()
            place = -self._delay_seconds if start is None else now - start
            self._take(place)
            is_over = self._source.is_over
            if start is None and (len(self._timeline) or is_over):
                start, place = now + self._delay_seconds, -self._delay_seconds
            if place >= 0 and start is not None and not has_begun:
                has_begun = True
                self._begin()
            pose = self._timeline.at(place, is_over=is_over) if place >= 0 else None
            self._send(self._standing if pose is None else self._risen(pose, place), now)
            if now - told >= _STATUS_SECONDS:
                told = now
                self._say(str(self.played()))
            if is_over and place * self._source.fps >= self._timeline.newest:
                return
            if seconds is not None and place >= seconds:
                return

    def rest(self) -> None:
        """Lets the body stand as in the beginning."""
        begin, first = self._last, None
        while True:
            now = self._pace.wait()
            first = now if first is None else first
            share = (now - first) / _BLEND_SECONDS
            self._send(blend(begin, self._standing._replace(hips=begin.hips), ease(share)), now)
            if share >= 1:
                return

    def played(self) -> Played:
        """Says what was sent until now."""
        seconds = self._last_seconds - self._first_seconds
        return Played(self._sent, seconds, self._pace.measured(), self._timeline.held)

    def _take(self, place: float) -> None:
        until = int((max(place, 0.0) + _AHEAD_SECONDS) * self._source.fps)
        for index, pose in self._source.take(until):
            self._timeline.cut(index)
            self._timeline.add(index, pose)
        for notice in self._source.take_notices():
            self._say(f"note: {notice}")

    def _risen(self, pose: BodyPose, place: float) -> BodyPose:
        share = ease(place / _BLEND_SECONDS)
        return pose if share >= 1 else blend(self._standing, pose, share)

    def _send(self, pose: BodyPose, now: float) -> None:
        self._sender.send(self._messages.frame(pose, now))
        self._last = pose
        self._last_seconds = self._clock()
        self._first_seconds = self._first_seconds or self._last_seconds
        self._sent += 1
