"""Words that come without times and are found in the sound as it comes.

Nothing looks ahead, and no frame waits. How far the found start of a word is from the true one,
median and 90th percentile in seconds, beside saying words at a constant rate from the first voice
on (`missing_times`, at three quarters of its times):

| | found | constant rate |
|---|---|---|
| real speech (413 words, times by MFA), utterance by utterance | 0.12, 0.66 | 0.47, 2.4 |
| the same, all text of 2 min known from the beginning | 0.15, 1.3 | 20, 40 |
| the bundled corpus (448 words), utterance by utterance | 0.03, 0.42 | 0.17, 0.51 |
| the same, all text of 20 s known from the beginning | 0.07, 0.87 | 3.4, 8.1 |

Utterances are parted by pauses of half a second; no text had punctuation, at which pauses are
likelier.
"""

from collections import deque

import numpy as np
from jaxtyping import Bool, Float16

from data_prep.arriving.sound_classes import SECONDS, SoundClasses, classes_of
from data_prep.arriving.text_pieces import TextPieces
from data_prep.arriving.timed_words import check_time
from data_prep.arriving.word_tracker import WordTracker
from data_prep.arriving.word_vectors import WordVectors
from data_prep.sound.features import STEPS_PER_FRAME
from data_prep.words.word import Word
from llavataros_jax.config import AudioConfig, Config

_Later = tuple[float, str, Float16[np.ndarray, " E"]]  # not before seconds, word, vector


def voice_config(config: AudioConfig) -> AudioConfig:
    """Returns which features a voice is followed by: PASE+ does not tell the loudness."""
    return config if config.kind == "mel" else AudioConfig()


class UntimedWords:
    """The words of one stream, by frames; no frame waits for them.

    Attributes:
        late: Always 0: what is said later than its sound has no place to be late for.
    """

    late = 0

    def __init__(self, config: Config):
        """Begins a stream without a text."""
        self._fps, self._size = config.motion.fps, config.text.size
        self._pieces, self._vectors = TextPieces(), WordVectors(config.text)
        self._classes = SoundClasses(voice_config(config.audio))
        self._taken = 0
        self._known_until = self._not_before = 0.0
        self._later: deque[_Later] = deque()
        self._follow()

    def say(self, text: str) -> None:
        """Takes the next piece of the text.

        Raises:
            UserError: When a word is too long, too many wait, or vectors cannot be had.
        """
        waiting = len(self._later) + self._tracker.waiting
        self._add(self._pieces.add(text, waiting))

    def all_known(self, until_seconds: float) -> None:
        """Says that the text so far is whole, and that what follows begins after this time.

        Raises:
            UserError: When it is no time.
        """
        check_time(until_seconds)
        self._add(self._pieces.finish())
        self._known_until = max(self._known_until, until_seconds)

    def silent(self, until_seconds: float) -> None:
        """Hears of silence, in which a text may still be coming."""

    def end(self) -> None:
        """Says that the text is whole."""
        self._add(self._pieces.finish())

    def cut(self, seconds: float) -> None:
        """Forgets all words; what follows begins at this time."""
        self._pieces = TextPieces()
        self._vectors.forget()
        self._known_until = self._not_before = seconds
        self._later.clear()
        self._follow()

    def num_frames(self, heard_frames: int) -> int:
        """No frame waits for a word."""
        return heard_frames

    def take(
        self, audio: Float16[np.ndarray, "n A"]
    ) -> tuple[Float16[np.ndarray, "n E"], Bool[np.ndarray, " n"]]:
        """Returns the word vectors of the next frames, and whether there is a word.

        Args:
            audio: Their log-mel and prosody.
        """
        vectors = np.zeros((len(audio), self._size), np.float16)
        has_word = np.zeros(len(audio), bool)
        likelihoods = self._classes(audio).reshape(len(audio), STEPS_PER_FRAME, len(SECONDS))
        for place, steps in enumerate(likelihoods):
            self._let_in((self._taken + place) / self._fps)
            self._tracker.heard(steps)
            if self._tracker.is_speaking:
                vectors[place] = self._of_word[self._tracker.word - self._first]
                has_word[place] = True
        self._taken += len(audio)
        while self._first < self._tracker.first_needed:
            self._of_word.popleft()
            self._first += 1
        return vectors, has_word

    def _add(self, texts: list[str]) -> None:
        words = [Word(text, 0.0, 0.0) for text in texts]
        for word, vector in zip(words, self._vectors(words), strict=True):
            self._later.append((self._known_until, word.text, vector))

    def _let_in(self, seconds: float) -> None:
        """Lets the tracker hear words once they may begin."""
        while self._later and self._later[0][0] <= seconds:
            not_before, text, vector = self._later.popleft()
            if not_before > self._not_before:
                self._not_before = not_before
                if self._tracker.word >= 0:  # a text that was begun is over
                    self._follow()
            self._tracker.add(text, classes_of(text))
            self._of_word.append(vector)

    def _follow(self) -> None:
        """Begins to follow a text."""
        self._tracker = WordTracker(self._fps)
        self._of_word: deque[Float16[np.ndarray, " E"]] = deque()
        self._first = 0
