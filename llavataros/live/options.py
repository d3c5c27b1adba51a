"""What a live session is asked for: whose motion, which words are to come, and its dials."""

import math
from dataclasses import dataclass, field
from typing import Literal

from llavataros_jax.errors import UserError
from llavataros_jax.inference.dials import MOST_SEED

MOST_AHEAD_SECONDS = 3600.0


@dataclass(frozen=True)
class SessionDials:
    """The dials of a session; None leaves one as it is, at first as the run has it.

    Attributes:
        temperature: Size of the noise of a sampled head, 0 to 3.
        guidance: How much further from what is likely without speech, 0 to 10.
        expressiveness: How far joints go from the resting pose, 0 to 3.
        idle: How still the body is while it says nothing, 0 to 1.
        size: Size of movements about their slow course, 0 to 3.
    """

    temperature: float | None = None
    guidance: float | None = None
    expressiveness: float | None = None
    idle: float | None = None
    size: float | None = None


@dataclass(frozen=True)
class SessionOptions:
    """How a session of live speech is animated.

    Attributes:
        speaker: Whose habits; the run's first that is no mirror image by default.
        seed: Which motion a sampled head draws, a number of 32 bits.
        people: 1, or 2 where the other person is heard too. A frame waits for their sound, by the
            wall clock for at most a second after it came last.
        words: `timed`: words come with their times, and a frame waits until its word is known;
            `untimed`: text comes, and its words are placed as the sound comes; `none`: no words.
        silence: `wait`: frames come with sound alone; `fill`: while no utterance is open, the wall
            clock brings silent frames, so that the body never freezes.
        dials: Where they stand when the session begins.
        words_wait_seconds: Timed words are waited for so long after the sound they belong to came;
            then frames go on without, and a notice says so. Of the other person they are waited
            for once some were said, or an empty list of them.
        ahead_seconds: Frames that nobody took, or sound that no frame was made of, beyond this make
            the session ask for a pause (`Session.has_room`).
    """

    speaker: str | None = None
    seed: int = 0
    people: int = 1
    words: Literal["none", "timed", "untimed"] = "none"
    silence: Literal["wait", "fill"] = "wait"
    dials: SessionDials = field(default_factory=SessionDials)
    words_wait_seconds: float = 1.0
    ahead_seconds: float = 60.0

    def __post_init__(self) -> None:
        _require_one_of("people", self.people, (1, 2))
        _require_one_of("words", self.words, ("none", "timed", "untimed"))
        _require_one_of("silence", self.silence, ("wait", "fill"))
        seed = self.seed
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
            raise UserError(f"seed is {seed!r}, but must be a whole number from 0 to {MOST_SEED}")
        _require_seconds("words_wait_seconds", self.words_wait_seconds, least=0.0)
        _require_seconds("ahead_seconds", self.ahead_seconds, least=1.0)


def _require_one_of(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices or isinstance(value, bool):
        raise UserError(f"{name} is {value!r}, but must be {' or '.join(map(str, choices))}")


def _require_seconds(name: str, value: float, *, least: float) -> None:
    if not (math.isfinite(value) and least <= value <= MOST_AHEAD_SECONDS):
        raise UserError(
            f"{name} is {value:g}, but must be from {least:g} to {MOST_AHEAD_SECONDS:g} seconds"
        )
