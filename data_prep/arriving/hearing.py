"""One person's speech as it arrives: sound in, words in, features of complete frames out."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float16, Float32

from data_prep.arriving.frames import Frames, begin_frames, take_frames
from data_prep.arriving.heard import Heard
from data_prep.arriving.mel_frames import MelFrames, take_mel
from data_prep.arriving.no_words import NoWords
from data_prep.arriving.sound import ArrivingSound
from data_prep.arriving.timed_words import TimedWords
from data_prep.arriving.untimed_words import UntimedWords, voice_config
from data_prep.words.word import Word
from llavataros_jax.config import Config
from llavataros_jax.errors import UserError

WordsMode = Literal["none", "timed", "untimed"]


class Hearing:
    """Features of one person's speech, frame by frame, as sound and words arrive.

    They are those of a file of the same sound and words (`data_prep.clips.speech.prepare_speech`),
    however both are cut and in whatever order they come, as long as words come before their frames
    are taken. Times are seconds of the stream, which begins at the first sample; frames are counted
    from 0, and frame k begins at k / fps.

    Nothing here locks: calls must follow each other. `take` computes the audio features, and `say`
    the vectors of words. A second person is a second `Hearing`.
    """

    def __init__(self, config: Config, *, words: WordsMode = "none"):
        """Begins a stream by the sections audio, text, words and motion.fps of a run.

        The first one in a process loads what features need, which takes seconds.

        Args:
            config: Options of the run.
            words: `none` if no word ever comes; `timed` if they come by `say`, and a frame waits
                until its word is known; `untimed` if they come by `say_text` and are placed as the
                sound comes.

        Raises:
            UserError: When the word vectors or the audio features cannot be had.
        """
        self._mode: WordsMode = words
        self._fps = config.motion.fps
        self._sound = ArrivingSound(config.audio.sample_rate)
        self._frames = begin_frames(config.audio, self._fps)
        # PASE+ does not tell how loud a voice is, by which words without times are found.
        self._voice = None
        if words == "untimed" and config.audio.kind != "mel":
            self._voice = MelFrames(voice_config(config.audio), self._fps)
        makers = {"none": NoWords, "timed": TimedWords, "untimed": UntimedWords}
        self._words: NoWords | TimedWords | UntimedWords = makers[words](config)
        self._total: int | None = None

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self._fps

    @property
    def seconds_heard(self) -> float:
        """Length of the sound that came, silence that was added included."""
        return self._sound.seconds

    @property
    def frames_heard(self) -> int:
        """Frames, counted from the stream's first, whose sound is there; their words may not be."""
        if self._total is not None:
            return self._total
        # A file of what came so far would have no more frames, and frames beyond are not sure.
        heard = min(frames.num_frames for frames in self._streams())
        return min(heard, round(self.seconds_heard * self._fps))

    @property
    def num_frames(self) -> int:
        """Frames, counted from the stream's first, that are complete: `take` can have had them."""
        return max(self.frames_taken, self._words.num_frames(self.frames_heard))

    @property
    def frames_taken(self) -> int:
        """Frames that `take` has given; the number of the next one."""
        return self._frames.frames_taken

    @property
    def frames_ready(self) -> int:
        """Complete frames that were not taken."""
        return self.num_frames - self.frames_taken

    @property
    def waits_for_words(self) -> bool:
        """Whether the sound of the next frame is there, and its word is not known."""
        return self.num_frames == self.frames_taken < self.frames_heard

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended and all its frames were taken."""
        return self._total is not None and self.frames_taken >= self._total

    @property
    def late_words(self) -> int:
        """Words that came when frames they belong to had been taken."""
        return self._words.late

    def hear(self, samples: Float[np.ndarray, " n"], sample_rate: int) -> None:
        """Takes the next samples, of one channel and in [-1, 1]; they are copied.

        Raises:
            UserError: When a sample is not finite, the rate another one than before, or the stream
                has ended.
        """
        self._sound_came(self._sound.hear(samples, sample_rate))

    def silence(self, frames: int) -> None:
        """Adds sound without a voice in it, and without words, of so many frames' length.

        Raises:
            UserError: When the stream has ended.
        """
        self._sound_came(self._sound.silence(frames / self._fps))
        self._words.silent(self.seconds_heard)

    def say(self, words: Sequence[Word], known_until_seconds: float | None = None) -> None:
        """Takes the next words, with their times in the stream, in order of their starts.

        Up to the end of the last one, or to `known_until_seconds`, all words are known from now on.
        Those that come when frames of theirs have been taken count as late and are used from then
        on.

        Raises:
            UserError: When times are not finite, negative, out of order or far in the future, a
                word is too long or there are too many, or this stream takes no timed words.
        """
        if not isinstance(self._words, TimedWords):
            raise UserError(
                f"words with times came to a stream of words={self._mode}; begin it with "
                "words=timed"
            )
        self._words.say(words, known_until_seconds, self.seconds_heard)

    def say_text(self, text: str) -> None:
        """Takes the next piece of what is said; only white space or the end completes a word.

        Raises:
            UserError: When a word is too long or there are too many, or this stream takes words
                with times or none.
        """
        if not isinstance(self._words, UntimedWords):
            raise UserError(
                f"text without times came to a stream of words={self._mode}; begin it with "
                "words=untimed"
            )
        self._words.say(text)

    def all_words_known(self, until_seconds: float) -> None:
        """Says that no word that begins before this time is to come.

        Of words without times it says that a text is whole: its last word too, and what was begun
        of it is over when words come that were said later and may begin. So it is to be called at
        an utterance's end, not whenever sound comes.

        Raises:
            UserError: When the time is not finite or negative.
        """
        self._words.all_known(until_seconds)

    def take(self, most: int) -> Heard:
        """Removes and returns the next complete frames, at most so many.

        Raises:
            UserError: When features cannot be computed.
        """
        return take_together([self], most)[0]

    def end(self) -> None:
        """Ends the stream: no sound or words follow, and all frames become complete.

        There are round(seconds_heard * fps) in all, as of a file.
        """
        if self._total is not None:
            return
        self._sound_came(self._sound.end())
        self._words.end()
        self._total = max(self.frames_taken, round(self.seconds_heard * self._fps))
        for frames in self._streams():
            frames.end(self._total)

    def drop(self) -> None:
        """Forgets sound and words whose frames were not taken; the next sound follows these.

        It is heard as if it were the next one of the recording: windows reach back to what was
        taken.
        """
        if self._total is not None:
            self._total = self.frames_taken
            return
        seconds = self.frames_taken / self._fps
        num_samples = self._sound.cut(seconds)
        for frames in self._streams():
            frames.cut(num_samples)
        self._words.cut(seconds)

    def _sound_came(self, samples: Float32[np.ndarray, " n"]) -> None:
        for frames in self._streams():
            frames.hear(samples)

    def _streams(self) -> list[Frames]:
        return [self._frames] if self._voice is None else [self._frames, self._voice]

    def _words_of(
        self, audio: Float16[np.ndarray, "n A"]
    ) -> tuple[Float16[np.ndarray, "n E"], Bool[np.ndarray, " n"]]:
        """Returns the words of the next frames, which have these features."""
        if self._voice is not None:
            (audio,) = take_mel([self._voice], [len(audio)])
        return self._words.take(audio)


def take_together(hearings: Sequence[Hearing], most: int) -> list[Heard]:
    """Takes from several streams of the same options at once, which costs less than one by one.

    Each gives what its own `take(most)` would give, to the last bit where its features are log-mel.

    Raises:
        UserError: When features cannot be computed.
    """
    counts = [max(0, min(most, hearing.frames_ready)) for hearing in hearings]
    firsts = [hearing.frames_taken for hearing in hearings]
    audio = take_frames([hearing._frames for hearing in hearings], counts)
    found = []
    for hearing, first, features in zip(hearings, firsts, audio, strict=True):
        vectors, has_word = hearing._words_of(features)
        found.append(Heard(first, features, vectors, has_word))
    return found
