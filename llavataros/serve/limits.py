"""What a client may ask of the server at most, each with its default."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from llavataros.live.options import MOST_AHEAD_SECONDS
from llavataros.serve.codes import Code, Refusal
from llavataros_jax.errors import UserError


@dataclass(frozen=True)
class Limits:
    """What a client may ask at most.

    Attributes:
        sessions: Sessions at once, each a lane of the engine.
        sessions_per_address: Sessions of one address at once; 0 is as many as there are.
        people: People heard in one session.
        message_bytes: Bytes of one message of a WebSocket.
        messages_per_second: Messages of one connection, with bursts of two seconds' worth.
        ahead_seconds: Sound not yet moved to, or motion not yet read, at which the server stops
            reading from a client until there is less.
        session_seconds: Sound of one session, and time that it lasts.
        start_seconds: Time until `start` comes.
        idle_seconds: Time without any message, which `ping` keeps from passing.
        slow_seconds: Time in which a client that is sent to reads nothing.
        resume_seconds: Time that a session waits for its client after a lost connection.
        body_bytes: Bytes of an upload.
        recording_seconds: Length of a recording that is animated as a whole.
        waiting: Recordings that wait while one is animated.
        upload_seconds: Time without a byte of an upload.
    """

    sessions: int = 8
    sessions_per_address: int = 0
    people: int = 2
    message_bytes: int = 1 << 20
    messages_per_second: float = 500.0
    ahead_seconds: float = 60.0
    session_seconds: float = 3600.0
    start_seconds: float = 10.0
    idle_seconds: float = 60.0
    slow_seconds: float = 30.0
    resume_seconds: float = 30.0
    body_bytes: int = 100 << 20
    recording_seconds: float = 600.0
    waiting: int = 4
    upload_seconds: float = 30.0

    def __post_init__(self) -> None:
        may_be_zero = ("sessions_per_address", "waiting", "resume_seconds")
        for name in self.__dataclass_fields__:
            value, least = getattr(self, name), 0 if name in may_be_zero else 1e-9
            if not least <= value < float("inf"):
                option = "--" + name.replace("_", "-")
                bound = "0 or more" if least == 0 else "more than 0"
                raise UserError(f"{option} {value:g} must be a finite number, {bound}")
        if not 1 <= self.ahead_seconds <= MOST_AHEAD_SECONDS:
            raise UserError(
                f"--ahead-seconds {self.ahead_seconds:g} must be from 1 to {MOST_AHEAD_SECONDS:g}"
            )

    @property
    def of_one_address(self) -> int:
        """Sessions that one address may have at once."""
        return self.sessions_per_address or self.sessions

    def told(self) -> dict[str, float]:
        """Returns what a streaming client is told."""
        names = (
            *("people", "message_bytes", "messages_per_second", "ahead_seconds"),
            *("session_seconds", "idle_seconds", "slow_seconds", "resume_seconds"),
        )
        return {name: float(getattr(self, name)) for name in names}


class Rate:
    """How many messages a connection has sent lately: a bucket that fills with time."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic):
        self._per_second, self._clock = per_second, clock
        self._left, self._at = 2 * per_second, clock()

    def count(self) -> None:
        """Counts a message.

        Raises:
            Refusal: When there are too many.
        """
        now = self._clock()
        filled = self._left + (now - self._at) * self._per_second
        self._left, self._at = min(filled, 2 * self._per_second) - 1, now
        if self._left < 0:
            raise Refusal(
                Code.TOO_FAST,
                f"more than {self._per_second:g} messages a second came; send longer pieces of "
                "sound in each",
            )
