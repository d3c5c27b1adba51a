"""Who says what and when: the sentences of a take laid out in time, as sound and as words."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from data_prep.corpus.hours.delivery import SAMPLE_RATE, Delivery, MismatchError
from data_prep.corpus.hours.grammar import Grammar
from data_prep.corpus.hours.heard import level_decibels, pitch_hertz
from data_prep.corpus.hours.rooms import active_level_decibels
from data_prep.corpus.hours.script import Sentence, draw_backchannel, draw_sentence
from data_prep.corpus.hours.spoken import SpokenWord
from data_prep.corpus.hours.voices import Tone
from data_prep.corpus.speech import Synthesiser

_LEAD_SECONDS = (0.4, 1.3)
_TAIL_SECONDS = 0.8
_GAP_SECONDS, _TURN_GAP_SECONDS, _SILENCE_SECONDS = (0.15, 0.8), (0.1, 0.7), (1.0, 4.0)
_SILENCE_CHANCE, _LONG_SILENCE_CHANCE = 0.09, 0.12
_LONG_SILENCE_SECONDS = 8.0
_LONGEST_TURN_SENTENCES = 5
_BACKCHANNEL_CHANCE = 0.25
_LEVEL_DECIBELS = -26.0
_SENTENCE_LEVEL_DECIBELS = 1.5
Deliver = Callable[[Synthesiser, Sentence, Tone, np.random.Generator], Delivery]

_TRIES, _TRIES_TO_FIT = 20, 8


@dataclass
class Part:
    """What one person says in a take."""

    tone: Tone
    placed: list[tuple[int, Delivery]] = field(default_factory=list)

    def samples(self, length: int) -> Float[np.ndarray, " n"]:
        """The voice alone, at its usual level."""
        sound = np.zeros(length)
        for first, delivery in self.placed:
            sound[first : first + len(delivery.samples)] += delivery.samples
        return sound

    def words(self, sound: Float[np.ndarray, " n"]) -> list[SpokenWord]:
        """The words, with what can be heard of each in the clean sound."""
        spoken = []
        for number, (first, delivery) in enumerate(self.placed):
            start = first / SAMPLE_RATE
            for token, times in zip(delivery.sentence.tokens, delivery.words, strict=True):
                spoken.append(
                    SpokenWord(
                        text=token.text,
                        meaning=token.meaning,
                        start_seconds=start + times.start_seconds,
                        end_seconds=start + times.end_seconds,
                        stress_seconds=start + times.stress_seconds,
                        loudness_decibels=0.0,
                        pitch_semitones=0.0,
                        sentence=number,
                        kind=delivery.sentence.kind,
                    )
                )
        return measured(spoken, sound)


def measured(words: list[SpokenWord], sound: Float[np.ndarray, " n"]) -> list[SpokenWord]:
    """Returns words with loudness and pitch relative to the medians of all of them."""
    if not words:
        return []
    spans = [(word.stress_seconds, word.end_seconds) for word in words]
    levels = np.array([level_decibels(sound, SAMPLE_RATE, *span) for span in spans])
    roughly = [pitch_hertz(sound, SAMPLE_RATE, *span) for span in spans[::3]]
    usual = float(np.median([pitch for pitch in roughly if pitch] or [150.0]))
    pitches = [pitch_hertz(sound, SAMPLE_RATE, *span, usual_hertz=usual) for span in spans]
    usual = float(np.median([pitch for pitch in pitches if pitch] or [usual]))
    levels -= np.median(levels)
    return [
        SpokenWord(
            **{
                **vars(word),
                "loudness_decibels": float(level),
                "pitch_semitones": float(12 * np.log2((pitch or usual) / usual)),
            }
        )
        for word, level, pitch in zip(words, levels, pitches, strict=True)
    ]


class Scene:
    """Speaks the sentences of a take's people in turn until its time is over."""

    def __init__(
        self,
        synthesiser: Synthesiser,
        grammar: Grammar,
        tones: list[Tone],
        chance: np.random.Generator,
        deliver: Deliver,
    ) -> None:
        self._deliver = deliver
        self._synthesiser = synthesiser
        self._grammar = grammar
        self._chance = chance
        self._voiced: Tone | None = None
        self.parts = [Part(tone) for tone in tones]

    def play(self, seconds: float) -> None:
        """Fills the parts; the last words end a little before the end."""
        chance = self._chance
        clock = chance.uniform(*_LEAD_SECONDS)
        long_silence = chance.random() < _LONG_SILENCE_CHANCE
        long_silence_at = chance.uniform(0.2, 0.7) * seconds
        speaking, left = int(chance.integers(len(self.parts))), self._turn()
        free = [0.0 for _ in self.parts]
        while True:
            part = self.parts[speaking]
            clock = max(clock, free[speaking])
            delivery = self._fitting(part.tone, seconds - _TAIL_SECONDS - clock)
            if delivery is None:
                return
            clock = free[speaking] = self._place(part, clock, delivery)
            left -= 1
            if len(self.parts) > 1 and chance.random() < _BACKCHANNEL_CHANCE and left > 0:
                other = 1 - speaking
                start = max(clock + chance.uniform(-0.3, 0.3), free[other] + 0.1)
                answer = self._say(self.parts[other].tone, is_backchannel=True)
                if start + answer.seconds < seconds - _TAIL_SECONDS:
                    free[other] = self._place(self.parts[other], start, answer)
            if left == 0:
                speaking, left = (speaking + 1) % len(self.parts), self._turn()
            is_turn = len(self.parts) > 1 and self.parts[speaking] is not part
            clock += chance.uniform(*(_TURN_GAP_SECONDS if is_turn else _GAP_SECONDS))
            if chance.random() < _SILENCE_CHANCE:
                clock += chance.uniform(*_SILENCE_SECONDS)
            if long_silence and clock > long_silence_at:
                clock, long_silence = clock + _LONG_SILENCE_SECONDS, False

    def _turn(self) -> int:
        return int(self._chance.integers(1, _LONGEST_TURN_SENTENCES + 1))

    def _place(self, part: Part, start_seconds: float, delivery: Delivery) -> float:
        first = round(start_seconds * SAMPLE_RATE)
        part.placed.append((first, delivery))
        return (first + len(delivery.samples)) / SAMPLE_RATE

    def _fitting(self, tone: Tone, seconds: float) -> Delivery | None:
        """Says a sentence that takes at most so long, if one is found soon."""
        for _ in range(_TRIES_TO_FIT):
            delivery = self._say(tone)
            if delivery.seconds <= seconds:
                return delivery
        return None

    def _say(self, tone: Tone, is_backchannel: bool = False) -> Delivery:
        if tone is not self._voiced:
            self._synthesiser.set_voice(tone.voice)
            self._voiced = tone
        draw = draw_backchannel if is_backchannel else draw_sentence
        for _ in range(_TRIES):
            sentence: Sentence = draw(self._grammar, self._chance)
            try:
                return self._at_level(
                    self._deliver(self._synthesiser, sentence, tone, self._chance)
                )
            except MismatchError:
                continue
        raise RuntimeError(f"{_TRIES} sentences in a row could not be said by {tone.voice.name}")

    def _at_level(self, delivery: Delivery) -> Delivery:
        level = _LEVEL_DECIBELS + _SENTENCE_LEVEL_DECIBELS * self._chance.standard_normal()
        gain = level - active_level_decibels(delivery.samples)
        samples = delivery.samples * 10 ** (gain / 20)
        return Delivery(delivery.sentence, samples, delivery.words)
