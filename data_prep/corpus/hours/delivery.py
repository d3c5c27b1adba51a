"""A sentence said aloud: samples at 16 kHz, the times of its words, and the stress that they get.

Stress raises pitch and loudness together, and lengthens the word, as people's does. espeak-ng
takes it as commands inside the text, which leave the order of its words alone.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from jaxtyping import Float

from data_prep.corpus.hours.script import Sentence, Token
from data_prep.corpus.hours.voices import Tone
from data_prep.corpus.speech import (
    PHONEME,
    SHORTEST_PAUSE_SECONDS,
    WORD,
    Synthesiser,
    WordTimes,
    stress_seconds,
)

SAMPLE_RATE = 16000
_DECIBELS_PER_ACCENT = 2.6
_PITCH_PER_ACCENT = 14.0
_SLOWER_PER_ACCENT = 0.06
_RAMP_SECONDS = 0.03
_LONGEST_BREAK_SECONDS = 1.2


class MismatchError(Exception):
    """espeak-ng's words are not those of the sentence; another can be drawn."""


@dataclass(frozen=True)
class Delivery:
    """A sentence without the silence around it; levels are not yet the clip's."""

    sentence: Sentence
    samples: Float[np.ndarray, " n"]
    words: tuple[WordTimes, ...]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SAMPLE_RATE


def deliver(
    synthesiser: Synthesiser, sentence: Sentence, tone: Tone, chance: np.random.Generator
) -> Delivery:
    """Says a sentence; the synthesiser has the voice of `tone` already.

    Raises:
        MismatchError: When words cannot be told apart in what was said.
    """
    lift = lift_of(sentence, tone)
    text, ends = _with_commands(sentence.tokens, lift, tone)
    sound = synthesiser.say(text)
    words = word_times(groups_by_token(sound.events, ends, sentence.tokens))
    return finish(sentence, sound.samples, sound.sample_rate, words, tone, lift, chance)


def lift_of(sentence: Sentence, tone: Tone) -> Float[np.ndarray, " W"]:
    """Returns how much each word stands out; 0 for as usual."""
    return tone.liveliness * np.array([max(t.accent - 1.0, 0.0) for t in sentence.tokens])


def token_ends(tokens: Sequence[Token]) -> list[int]:
    """Returns where each word of a line without commands ends, the space after it counted."""
    return np.cumsum([len(token.written) + 1 for token in tokens]).tolist()


def finish(
    sentence: Sentence,
    samples: Float[np.ndarray, " n"],
    rate: int,
    words: Sequence[WordTimes],
    tone: Tone,
    lift: Float[np.ndarray, " W"],
    chance: np.random.Generator,
) -> Delivery:
    """Cuts what was said to its words, gives it the size of `tone`, loudness and pauses."""
    begin, end = words[0].start_seconds, words[-1].end_seconds + 0.05
    cut = samples[round(begin * rate) : round(end * rate)]
    # Played as if it had been recorded at another rate, which shifts pitch, formants and tempo.
    resized = soxr.resample(cut, rate / tone.size, SAMPLE_RATE)
    moved = tuple(_moved(word, -begin, tone.size) for word in words)
    resized = _with_gains(resized, moved, _DECIBELS_PER_ACCENT * lift)
    return _with_breaks(Delivery(sentence, resized, moved), chance)


def _moved(word: WordTimes, shift_seconds: float, factor: float = 1.0) -> WordTimes:
    return WordTimes(
        *(
            (seconds + shift_seconds) * factor
            for seconds in (word.start_seconds, word.end_seconds, word.stress_seconds)
        )
    )


def _with_commands(
    tokens: tuple[Token, ...], lift: Float[np.ndarray, " W"], tone: Tone
) -> tuple[str, list[int]]:
    """Writes the text with commands at stressed words; also says where each word's letters end."""
    text, ends = "", []
    usual = (tone.voice.pitch, tone.voice.words_per_minute)
    now = usual
    for token, more in zip(tokens, lift, strict=True):
        pitch = min(usual[0] + _PITCH_PER_ACCENT * more, 99)
        wanted = (round(pitch), round(usual[1] * (1 - _SLOWER_PER_ACCENT * more)))
        if wanted != now:
            text += f"\x01{wanted[0]}P\x01{wanted[1]}S"
            now = wanted
        text += token.written + " "
        ends.append(len(text))
    return text.rstrip(), ends


def groups_by_token(
    events: tuple[tuple[int, float, int, str], ...], ends: list[int], tokens: tuple[Token, ...]
) -> list[list[tuple[float, str]]]:
    """Gives every word its phonemes; the empty one marks where a pause begins.

    Args:
        events: Those of `speech.Sound`.
        ends: Where each word ends in the text.
        tokens: The words.

    Raises:
        MismatchError: When a word has no phonemes.
    """
    groups: list[list[tuple[float, str]]] = [[] for _ in tokens]
    current = -1
    for kind, seconds, place, label in events:
        if kind == WORD:
            current = max(current, int(np.searchsorted(ends, place, side="right")))
            if current >= len(tokens):
                raise MismatchError
        elif kind == PHONEME and current >= 0:
            groups[current].append((seconds, label))
    for index, token in enumerate(tokens):
        if any(label for _, label in groups[index]):
            continue
        before = groups[index - 1] if index else []
        spoken = [row for row in before if row[1]]
        if token.meaning or not index or len(spoken) < 3:
            raise MismatchError
        # "of the" is said as one word: the lengths of both tell about where to cut.
        share = len(tokens[index - 1].text) / len(tokens[index - 1].text + token.text)
        cut = before.index(spoken[min(max(round(len(spoken) * share), 1), len(spoken) - 1)])
        groups[index - 1], groups[index] = before[:cut], before[cut:]
    return groups


def word_times(groups: Sequence[Sequence[tuple[float, str]]]) -> tuple[WordTimes, ...]:
    """Returns the times of words from their phonemes.

    Raises:
        MismatchError: When they are not in order.
    """
    words = []
    for index, phonemes in enumerate(groups):
        last = max(i for i, (_, label) in enumerate(phonemes) if label)
        start = phonemes[0][0]
        following = groups[index + 1][0][0] if index + 1 < len(groups) else None
        pause = phonemes[last + 1][0] if last + 1 < len(phonemes) else following
        if pause is None or pause <= start or (following or pause) < pause:
            raise MismatchError
        if following is not None and following - pause < SHORTEST_PAUSE_SECONDS:
            pause = following
        stress = min(stress_seconds(start, phonemes[: last + 1]), pause)
        words.append(WordTimes(start, pause, stress))
    return tuple(words)


def _with_gains(
    samples: Float[np.ndarray, " n"],
    words: tuple[WordTimes, ...],
    decibels: Float[np.ndarray, " W"],
) -> Float[np.ndarray, " n"]:
    times, gains = [0.0], [float(decibels[0])]
    for word, gain in zip(words, decibels, strict=True):
        times += [word.start_seconds + _RAMP_SECONDS, max(word.end_seconds, times[-1] + 1e-3)]
        gains += [float(gain), float(gain)]
    seconds = np.arange(len(samples)) / SAMPLE_RATE
    return samples * 10 ** (np.interp(seconds, times, gains) / 20)


def _with_breaks(delivery: Delivery, chance: np.random.Generator) -> Delivery:
    """Makes some of the pauses inside a sentence longer, as people do who think."""
    words, pieces, begin, shift = list(delivery.words), [], 0, 0.0
    for index, (word, following) in enumerate(itertools.pairwise(words)):
        gap = following.start_seconds - word.end_seconds
        words[index] = _moved(word, shift)
        longer = 0.4 if delivery.sentence.kind == "hesitation" else 0.2
        if gap >= SHORTEST_PAUSE_SECONDS and chance.random() < longer:
            middle = round((word.end_seconds + gap / 2) * SAMPLE_RATE)
            silence = np.zeros(round(chance.uniform(0.1, _LONGEST_BREAK_SECONDS) * SAMPLE_RATE))
            pieces += [delivery.samples[begin:middle], silence]
            begin, shift = middle, shift + len(silence) / SAMPLE_RATE
    words[-1] = _moved(words[-1], shift)
    samples = np.concatenate([*pieces, delivery.samples[begin:]])
    return Delivery(delivery.sentence, samples, tuple(words))
