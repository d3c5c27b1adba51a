"""Whether words lie where there is sound: the measure of an alignment without a truth."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from data_prep.words.spelling import latin_form
from data_prep.words.word import UNKNOWN, Word
from llavataros_jax.listing import listed
from llavataros_jax.sound.reader import SPEECH_RATE, blocks

LONG_WORD_SECONDS = 3.0

_STEP_SECONDS, _SMOOTH_STEPS = 0.01, 5
_LEAST_CONTRAST_DECIBELS = 12.0  # between sound and background; with less there is no telling
_DEEPEST_DECIBELS = 30.0  # below loud speech, in front of digital silence
_SOUND_SHARE = 0.35  # of the way from background to loud speech
_WINDOW_SECONDS, _HOP_SECONDS, _LEAST_SECONDS = 10.0, 2.0, 5.0
_LARGEST_SHIFT_SECONDS, _SHIFT_STEP_SECONDS, _LEAST_SHIFT_SECONDS = 3.0, 0.1, 0.3
# Measured on MFA's TextGrids of real speech: right ones disagree on up to 0.29 of a window, and no
# shift lessens that by more than 0.05; where they are moved by 2 s, one does by 0.24 in half of
# the windows.
_MOST_DISAGREEMENT, _LEAST_GAIN = 0.35, 0.1
_LEAST_COVERED = 0.5
_MOST_MISSING = 0.2
_LISTED = 4


@dataclass(frozen=True)
class Stretch:
    """A part of a recording in which words and sound disagree.

    Attributes:
        start_seconds: Where it begins.
        end_seconds: Where it ends.
        shift_seconds: How much too late its words seem to come; 0 when no shift explains it.
    """

    start_seconds: float
    end_seconds: float
    shift_seconds: float


@dataclass(frozen=True)
class AlignmentReport:
    """How words and sound of a recording go together.

    Attributes:
        inside_decibels: Mean power inside words, of full scale.
        outside_decibels: Mean power outside words.
        covered_share: Share of the sound that lies in words; NaN when nothing stands out.
        num_unknown: Words out of vocabulary.
        long_words: Words longer than 3 s.
        bad_stretches: Parts in which words and sound disagree.
    """

    inside_decibels: float
    outside_decibels: float
    covered_share: float
    num_unknown: int
    long_words: tuple[Word, ...]
    bad_stretches: tuple[Stretch, ...]

    def notes(self) -> list[str]:
        """Says in a clause each what is bad; nothing when all is well."""
        notes = []
        if self.bad_stretches:
            spans = [f"{s.start_seconds:.0f}-{s.end_seconds:.0f} s" for s in self.bad_stretches]
            shifts = [s.shift_seconds for s in self.bad_stretches if s.shift_seconds]
            said = f"words and sound disagree at {listed(spans, _LISTED)}"
            if shifts:
                shift = float(np.median(shifts))
                side = "late" if shift > 0 else "early"
                said += f", as if words came {abs(shift):.1f} s too {side}"
            notes.append(said)
        if self.covered_share < _LEAST_COVERED:
            notes.append(f"only {self.covered_share:.0%} of the sound lies in words")
        if self.long_words:
            words = [f"{word.text!r} at {word.start_seconds:.1f} s" for word in self.long_words]
            notes.append(f"longer than {LONG_WORD_SECONDS:g} s: {listed(words, _LISTED)}")
        return notes


def alignment_notes(audio: Path, words: Sequence[Word]) -> list[str]:
    """Says what is bad about the times of a recording's words."""
    return inspect_alignment(audio, words).notes() if words else []


def transcript_notes(words: Sequence[Word], transcript: str) -> list[str]:
    """Says how many words of a transcript the timed words do not hold, if they are many."""
    told = [plain for word in transcript.split() if (plain := latin_form(word)).strip("—–-")]
    timed = [latin_form(word.text) for word in words]
    matcher = difflib.SequenceMatcher(None, told, timed, autojunk=False)
    missing = len(told) - sum(block.size for block in matcher.get_matching_blocks())
    if missing <= _MOST_MISSING * len(told):
        return []
    return [f"{missing} of the transcript's {len(told)} words are not among the timed words"]


def inspect_alignment(audio: Path | str, words: Sequence[Word]) -> AlignmentReport:
    """Compares the words of a recording with its sound, in steps of 10 ms.

    Sound is what rises from the background by a third of the way to loud speech. In windows of
    10 s, words and sound disagree when a third of the steps has one without the other, or when
    moving the words by up to 3 s would make them agree much better.
    """
    power = _power(Path(audio))
    inside = _steps_in(words, len(power))
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    loud, background = np.percentile(decibels, (95, 5)) if len(power) else (0.0, 0.0)
    covered, stretches = float("nan"), ()
    if loud - background >= _LEAST_CONTRAST_DECIBELS:  # else all is as loud as the background
        least = background + _SOUND_SHARE * (loud - background)
        sound = decibels > max(least, loud - _DEEPEST_DECIBELS)
        covered = float(inside[sound].mean())
        if len(power) >= _LEAST_SECONDS / _STEP_SECONDS:
            stretches = _bad_stretches(sound, inside)
    return AlignmentReport(
        inside_decibels=_mean_decibels(power[inside]),
        outside_decibels=_mean_decibels(power[~inside]),
        covered_share=covered,
        num_unknown=sum(word.text == UNKNOWN for word in words),
        long_words=tuple(
            word for word in words if word.end_seconds - word.start_seconds > LONG_WORD_SECONDS
        ),
        bad_stretches=stretches,
    )


def _power(audio: Path) -> Float[np.ndarray, " T"]:
    """Returns the smoothed power of each step."""
    step = round(_STEP_SECONDS * SPEECH_RATE)
    parts, rest = [], np.zeros(0, np.float32)
    for block in blocks(audio, SPEECH_RATE):
        samples = np.concatenate([rest, block])
        whole = len(samples) // step * step
        parts.append(np.mean(samples[:whole].reshape(-1, step).astype(np.float64) ** 2, axis=1))
        rest = samples[whole:]
    power = np.concatenate(parts) if parts else np.zeros(0)
    if len(power) < _SMOOTH_STEPS:
        return power
    return np.convolve(power, np.full(_SMOOTH_STEPS, 1 / _SMOOTH_STEPS), "same")


def _steps_in(words: Sequence[Word], num_steps: int) -> Bool[np.ndarray, " T"]:
    inside = np.zeros(num_steps, bool)
    for word in words:
        start, end = (round(t / _STEP_SECONDS) for t in (word.start_seconds, word.end_seconds))
        inside[max(start, 0) : max(end, 0)] = True
    return inside


def _bad_stretches(
    sound: Bool[np.ndarray, " T"], inside: Bool[np.ndarray, " T"]
) -> tuple[Stretch, ...]:
    """Finds the windows in which words and sound disagree, and joins those that touch."""
    width = min(round(_WINDOW_SECONDS / _STEP_SECONDS), len(sound))
    last = len(sound) - width
    starts = np.unique(np.append(np.arange(0, last, round(_HOP_SECONDS / _STEP_SECONDS)), last))
    reach, step = (
        round(seconds / _STEP_SECONDS) for seconds in (_LARGEST_SHIFT_SECONDS, _SHIFT_STEP_SECONDS)
    )
    padded = np.pad(inside, reach)
    shifts = np.arange(-reach, reach + 1, step)
    disagreement = np.empty((len(shifts), len(starts)))
    for row, shift in enumerate(shifts):
        moved = padded[reach + shift : reach + shift + len(inside)]
        total = np.concatenate([[0], np.cumsum(moved != sound)])
        disagreement[row] = (total[starts + width] - total[starts]) / width
    here = disagreement[len(shifts) // 2]
    best = shifts[disagreement.argmin(axis=0)] * _STEP_SECONDS
    is_shifted = (here - disagreement.min(axis=0) >= _LEAST_GAIN) & (
        np.abs(best) >= _LEAST_SHIFT_SECONDS
    )
    groups: list[list[int]] = []
    for window in np.flatnonzero(is_shifted | (here >= _MOST_DISAGREEMENT)).tolist():
        if groups and starts[window] <= starts[groups[-1][-1]] + width:
            groups[-1].append(window)
        else:
            groups.append([window])
    stretches = []
    for group in groups:
        moved = [best[window] for window in group if is_shifted[window]]
        stretches.append(
            Stretch(
                start_seconds=float(starts[group[0]] * _STEP_SECONDS),
                end_seconds=float((starts[group[-1]] + width) * _STEP_SECONDS),
                shift_seconds=round(float(np.median(moved)), 1) if moved else 0.0,
            )
        )
    return tuple(stretches)


def _mean_decibels(power: Float[np.ndarray, " T"]) -> float:
    return float(10 * np.log10(max(power.mean(), 1e-10))) if len(power) else float("nan")
