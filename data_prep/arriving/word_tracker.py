"""Where in a text a voice is: a filter over the sounds of the words to come.

Words are chains of broad sound classes (`sound_classes`), each of which lasts as long as such a
sound does, with a pause that may follow each word and mostly follows punctuation. The filter (the
forward pass of a hidden Markov model; Rabiner, "A tutorial on hidden Markov models", 1989) weighs
all places in the next words by all that was heard, so speech that is faster, slower or broken off
by pauses moves it by itself. Nothing looks ahead: what is found for a step never changes.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data_prep.arriving.sound_classes import SECONDS, SILENCE
from data_prep.sound.features import STEPS_PER_FRAME

_MOST_AHEAD, _LEAST_AHEAD = 48, 24  # words weighed behind the one that is told
_STATES_PER_SOUND = 2
_RATES = np.array([0.8, 1.05, 1.35])  # times the usual length of sounds
_NEW_RATE = 0.003  # how likely a voice takes another one, a step
_PAUSE, _PAUSE_AT_COMMA, _PAUSE_AT_END = 0.2, 0.4, 0.6
_COMMAS, _ENDS, _CLOSING = ",;:—–-、，；：", ".?!…。？！।؟", "\"'”’»)]」』"
_QUANTILE = 0.45  # of the weight up to the place that is told
_LEAST_WEIGHT = 1e-10  # of places that are given up; less likely ones turn out to be true


@dataclass(frozen=True, eq=False)
class _Block:
    """The states of a word and of the pause behind it."""

    number: int
    classes: np.ndarray
    stays: np.ndarray
    moves: np.ndarray
    skips: np.ndarray


class WordTracker:
    """Follows words through sound, step by step.

    Attributes:
        word: Number of the last word that was begun; -1 before the first.
        is_speaking: Whether it is being said, and not the pause behind it.
    """

    def __init__(self, fps: float):
        """Begins in the silence before the first word."""
        self._per_second = STEPS_PER_FRAME * fps
        self.word, self.is_speaking = -1, False
        self._waiting: deque[_Block] = deque()
        self._blocks = [self._block(-1, [], _PAUSE)]
        self._weights = np.full((len(_RATES), 1), 1 / len(_RATES))
        self._next = 0
        self._laid = self._lay()

    @property
    def first_needed(self) -> int:
        """Words before this one will never be told again."""
        return max(0, min(self._blocks[0].number, self.word))

    @property
    def waiting(self) -> int:
        """Words that were not begun."""
        return self._next - 1 - self.word

    def add(self, text: str, classes: Sequence[int]) -> None:
        """Appends a word of these sounds to the text."""
        bare = text.rstrip(_CLOSING)
        pause = _PAUSE_AT_END if bare.endswith(tuple(_ENDS)) else _PAUSE
        pause = _PAUSE_AT_COMMA if bare.endswith(tuple(_COMMAS)) else pause
        self._waiting.append(self._block(self._next, classes, pause))
        self._next += 1

    def heard(self, likelihoods: Float[np.ndarray, "S K"]) -> None:
        """Hears some steps, by the likelihoods of each class."""
        self._slide()
        classes, stays, moves, skips = self._laid
        weights = self._weights
        for likelihood in likelihoods:
            weights = (1 - _NEW_RATE) * weights + _NEW_RATE * weights.mean(axis=0)
            moved = weights * stays
            moved[:, 1:] += (weights * moves)[:, :-1]
            skipped = weights * skips
            moved[:, 2:] += skipped[:, :-2]
            moved[:, -1] += skipped[:, -2:].sum(axis=1)  # no word is known behind the last pause
            weights = moved * likelihood[classes]
            weights /= weights.sum()
        self._weights = weights
        self._tell()

    def _tell(self) -> None:
        """Finds the word at which a part of the weight lies behind; it never steps back."""
        state = int(np.searchsorted(np.cumsum(self._weights.sum(axis=0)), _QUANTILE))
        ends = np.cumsum([len(block.classes) for block in self._blocks])
        place = min(int(np.searchsorted(ends, state, side="right")), len(ends) - 1)
        number, is_pause = self._blocks[place].number, state >= ends[place] - 1
        self.word = max(self.word, number)
        self.is_speaking = self.word >= 0 and not is_pause

    def _slide(self) -> None:
        """Leaves words behind that were said, and takes up those that may come."""
        sizes = [len(block.classes) for block in self._blocks]
        passed = np.cumsum(np.add.reduceat(self._weights.sum(axis=0), np.cumsum([0, *sizes[:-1]])))
        drop = int(np.searchsorted(passed, _LEAST_WEIGHT))
        drop = min(drop, len(sizes) - 1)
        ahead = self._blocks[-1].number - self.word
        take = _MOST_AHEAD - ahead if self._waiting and ahead < _LEAST_AHEAD else 0
        if not drop and not take:
            return
        new = [self._waiting.popleft() for _ in range(min(take, len(self._waiting)))]
        self._blocks = self._blocks[drop:] + new
        rest = self._weights[:, sum(sizes[:drop]) :]
        added = sum(len(block.classes) for block in new)
        self._weights = np.concatenate([rest / rest.sum(), np.zeros((len(rest), added))], axis=1)
        self._laid = self._lay()

    def _lay(self) -> tuple[np.ndarray, ...]:
        parts = [(block.classes, block.stays, block.moves, block.skips) for block in self._blocks]
        classes, stays, moves, skips = (
            np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)
        )
        stays[:, -1], moves[:, -1] = 1.0, 0.0  # the last pause has no end
        return classes, stays, moves, skips

    def _block(self, number: int, classes: Sequence[int], pause: float) -> _Block:
        sounds = [kind for kind in classes for _ in range(_STATES_PER_SOUND)]
        seconds = _RATES[:, None] * SECONDS[sounds] / _STATES_PER_SOUND
        pauses = np.full((len(_RATES), 1), SECONDS[SILENCE])
        steps = np.concatenate([seconds, pauses], axis=1) * self._per_second
        leaves = 1 / np.maximum(1.0, steps)
        moves, skips = leaves.copy(), np.zeros_like(leaves)
        if sounds:
            moves[:, -2], skips[:, -2] = leaves[:, -2] * pause, leaves[:, -2] * (1 - pause)
        return _Block(number, np.array([*sounds, SILENCE]), 1 - leaves, moves, skips)
