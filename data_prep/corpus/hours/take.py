"""A take of the corpus of hours: one person's talk, or two people's, laid out in time and recorded.

Everything of a take follows from the corpus's seed and the take's number.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_prep.corpus.hours.voices import VOICES

FPS = 30
_DIALOGUE_SHARE = 0.176  # two clips each, so that three clips of ten are of dialogues
_SHORTEST_SECONDS, _LONGEST_SECONDS = 40.0, 90.0


@dataclass(frozen=True)
class Take:
    """What is known of a take before it is made.

    Attributes:
        number: Counted from 0.
        speakers: One or two.
        num_frames: Length at `FPS`; a multiple of three, which is a whole number of samples.
    """

    number: int
    speakers: tuple[str, ...]
    num_frames: int

    @property
    def name(self) -> str:
        """Name of the take."""
        speaker, *partners = self.speakers
        return f"{'talk' if partners else speaker}_{self.number:05d}"

    @property
    def seconds(self) -> float:
        """How long the take is; each of its clips is that long."""
        return self.num_frames / FPS

    @property
    def clips(self) -> tuple[tuple[str, str, str, str], ...]:
        """Name, speaker, take and interlocutor of each clip."""
        if len(self.speakers) == 1:
            return ((self.name, self.speakers[0], self.name, ""),)
        names = [f"{self.name}_{speaker}" for speaker in self.speakers]
        return tuple(
            (name, speaker, self.name, other)
            for name, speaker, other in zip(names, self.speakers, names[::-1], strict=True)
        )


def plan_takes(seed: int, hours: float) -> list[Take]:
    """Lists the takes of a corpus; those of a longer one begin with those of a shorter."""
    takes, seconds = [], 0.0
    for take in _endless_takes(seed):
        takes.append(take)
        seconds += take.seconds * len(take.speakers)
        if seconds >= hours * 3600:
            return takes
    raise AssertionError("the takes never end")


def _endless_takes(seed: int) -> Iterator[Take]:
    chance = np.random.default_rng((seed, 0))
    waiting: list[str] = []
    number = 0
    while True:
        count = 2 if chance.random() < _DIALOGUE_SHARE else 1
        while len(set(waiting)) < count:
            # Everybody comes once before anybody comes again.
            waiting += [str(name) for name in chance.permutation(list(VOICES))]
        speakers: list[str] = []
        while len(speakers) < count:
            speaker = next(name for name in waiting if name not in speakers)
            waiting.remove(speaker)
            speakers.append(speaker)
        seconds = chance.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)
        yield Take(number, tuple(speakers), 3 * round(seconds * FPS / 3))
        number += 1


def chance_of(seed: int, number: int) -> np.random.Generator:
    """Returns the random numbers of a take."""
    return np.random.default_rng((seed, number + 1))
