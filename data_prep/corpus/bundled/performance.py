"""A take performed: lines laid out in time, one clip of sound, words and motion per speaker."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from jaxtyping import Float

from data_prep.corpus.bundled.gestures import FPS, SpokenWord, Stroke, perform
from data_prep.corpus.bundled.sentences import EMPHASIS_DECIBELS, TAKES, Line
from data_prep.corpus.speech import Utterance, Voice, speak
from llavataros_jax.motion.motion import Motion

SAMPLE_RATE = 16000
VOICES = {
    "ada": Voice("en-us+f3", words_per_minute=138, pitch=62, pitch_range=60),
    "ben": Voice("en-us+m3", words_per_minute=126, pitch=32, pitch_range=50),
}

_LEAD_SECONDS, _TAIL_SECONDS = 0.6, 1.5
_PAUSE_SECONDS, _TURN_PAUSE_SECONDS = 0.8, 0.5
# Level of a line without marks, before the gains of its words; quiet enough never to clip.
_LEVEL_DECIBELS = -28.0
_RAMP_SECONDS = 0.03


@dataclass(frozen=True)
class Performance:
    """One clip: `interlocutor` is the partner's clip or empty; samples are 16 kHz mono."""

    name: str
    speaker: str
    take: str
    interlocutor: str
    samples: Float[np.ndarray, " n"]
    words: tuple[SpokenWord, ...]
    strokes: tuple[Stroke, ...]
    motion: Motion


def perform_take(take: str) -> list[Performance]:
    """Speaks and moves a take: one clip, or two of equal length that are each other's partner."""
    lines = TAKES[take]
    speakers = sorted({line.speaker for line in lines})
    spoken = {
        speaker: iter(speak([x.text for x in lines if x.speaker == speaker], VOICES[speaker]))
        for speaker in speakers
    }
    pause = _PAUSE_SECONDS if len(speakers) == 1 else _TURN_PAUSE_SECONDS
    placed: list[tuple[float, Line, np.ndarray, Utterance]] = []
    clock = _LEAD_SECONDS
    for line in lines:
        utterance = next(spoken[line.speaker])
        placed.append((clock, line, _with_gains(line, utterance), utterance))
        clock += len(utterance.samples) / utterance.sample_rate + pause
    # A multiple of three frames is a whole number of samples.
    num_frames = 3 * round((clock - pause + _TAIL_SECONDS) * FPS / 3)
    sound = {speaker: np.zeros(num_frames * SAMPLE_RATE // FPS) for speaker in speakers}
    words: dict[str, list[SpokenWord]] = {speaker: [] for speaker in speakers}
    for start_seconds, line, samples, utterance in placed:
        first = round(start_seconds * SAMPLE_RATE)
        sound[line.speaker][first : first + len(samples)] += samples
        words[line.speaker] += _measure(first / SAMPLE_RATE, line, samples, utterance)
    names = {s: take if len(speakers) == 1 else f"{take}_{s}" for s in speakers}
    performances = []
    for speaker in speakers:
        partner = next((other for other in speakers if other != speaker), None)
        heard = words[partner] if partner else ()
        motion, strokes = perform(
            names[speaker], speaker, words[speaker], num_frames, partner_words=heard
        )
        performances.append(
            Performance(
                name=names[speaker],
                speaker=speaker,
                take=take,
                interlocutor=names[partner] if partner else "",
                samples=sound[speaker],
                words=tuple(words[speaker]),
                strokes=tuple(strokes),
                motion=motion,
            )
        )
    return performances


def _with_gains(line: Line, utterance: Utterance) -> Float[np.ndarray, " n"]:
    """Resamples a line, brings it to the usual level and gives each word its loudness."""
    samples = soxr.resample(utterance.samples, utterance.sample_rate, SAMPLE_RATE)
    samples = samples * 10 ** (_LEVEL_DECIBELS / 20) / np.sqrt(np.mean(samples**2))
    times, gains = [0.0], [line.decibels[0]]
    for word, decibels in zip(utterance.words, line.decibels, strict=True):
        times += [word.start_seconds + _RAMP_SECONDS, max(word.end_seconds, times[-1] + 1e-3)]
        gains += [decibels, decibels]
    seconds = np.arange(len(samples)) / SAMPLE_RATE
    return samples * 10 ** (np.interp(seconds, times, gains) / 20)


def _measure(
    start_seconds: float, line: Line, samples: Float[np.ndarray, " n"], utterance: Utterance
) -> Sequence[SpokenWord]:
    """Places a line's words in the clip and measures how loud each came out."""
    measured = []
    for text, gain, word in zip(line.words, line.decibels, utterance.words, strict=True):
        begin, end = (round(t * SAMPLE_RATE) for t in (word.start_seconds, word.end_seconds))
        level = 10 * np.log10(np.mean(samples[begin:end] ** 2) + 1e-12) - _LEVEL_DECIBELS
        measured.append(
            SpokenWord(
                text=text,
                start_seconds=start_seconds + word.start_seconds,
                end_seconds=start_seconds + word.end_seconds,
                stress_seconds=start_seconds + word.stress_seconds,
                loudness_decibels=float(level),
                emphasised=gain - min(line.decibels) >= EMPHASIS_DECIBELS,
            )
        )
    return measured
