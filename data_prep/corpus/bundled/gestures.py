"""The procedural gesturer: what the two speakers' bodies do while they talk and listen.

Everything is causal. A word moves the body from the first frame in which it is heard, and its
stroke ends `STROKE_LAG_SECONDS` after the stressed vowel begins, so the hand is fastest on the
stressed syllable. A learner without look-ahead can therefore know all of it:

* content words get a beat whose size follows the word's loudness, unless the last stroke is still
  under way; the words of `SPECIAL_WORDS` get a gesture of their own each time;
* a stroke is held and then retracted to the speaker's rest pose, as long as the habit says;
* whoever listens lowers the hands, leans in, and nods on the partner's special words;
* breathing, sway and a few percent of variation are random, and no learner can know them.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from data_prep.corpus.body import Pose, embody
from data_prep.corpus.bundled.habits import HABITS, Habit
from data_prep.corpus.bundled.sentences import FUNCTION_WORDS, SPECIAL_WORDS
from data_prep.corpus.track import Track
from llavataros_jax.motion.motion import Motion

FPS = 30
STROKE_LAG_SECONDS = 0.35
_SETTLE_SECONDS = 0.1
_NOD_SECONDS, _NOD_RETURN_SECONDS = 0.3, 0.4
_POSTURE_SECONDS = 0.7
_JITTER = 0.07


@dataclass(frozen=True)
class SpokenWord:
    """One word of a performance.

    Attributes:
        text: Lower case, without punctuation.
        start_seconds: Start in the clip.
        end_seconds: End in the clip.
        stress_seconds: Onset of the stressed vowel.
        loudness_decibels: Measured level relative to the speaker's usual one.
        emphasised: Marked for emphasis in the script.
    """

    text: str
    start_seconds: float
    end_seconds: float
    stress_seconds: float
    loudness_decibels: float
    emphasised: bool


@dataclass(frozen=True)
class Stroke:
    """A gesture's stroke: `kind` is `beat` or the special word."""

    word: int
    kind: str
    start_seconds: float
    apex_seconds: float
    size: float


def size_of(loudness_decibels: float) -> float:
    """Returns a beat's size for a loudness: twice as large for 9 dB more, within limits."""
    return float(np.clip(2 ** (loudness_decibels / 9), 0.5, 1.6))


def plan_strokes(words: Sequence[SpokenWord]) -> list[Stroke]:
    """Says which words get a stroke, when and how large; each depends on the past only."""
    strokes: list[Stroke] = []
    for index, word in enumerate(words):
        special = word.text in SPECIAL_WORDS
        if not special and word.text in FUNCTION_WORDS and not word.emphasised:
            continue
        start = math.ceil(word.start_seconds * FPS) / FPS
        if not special and strokes and start < strokes[-1].apex_seconds + _SETTLE_SECONDS:
            continue
        size = size_of(word.loudness_decibels)
        if special:
            size = 0.85 + 0.25 * (size - 0.5) / 1.1
        apex = word.stress_seconds + STROKE_LAG_SECONDS
        strokes.append(Stroke(index, word.text if special else "beat", start, apex, size))
    return strokes


def perform(
    name: str,
    speaker: str,
    words: Sequence[SpokenWord],
    num_frames: int,
    partner_words: Sequence[SpokenWord] = (),
) -> tuple[Motion, list[Stroke]]:
    """Moves a speaker through a clip.

    Args:
        name: Name of the clip; it seeds the variation.
        speaker: Whose habit.
        words: What the speaker says.
        num_frames: Length at `FPS`.
        partner_words: What the partner says, if there is one.

    Returns:
        The motion, and the strokes with the word of each.
    """
    habit = HABITS[speaker]
    chance = np.random.default_rng(zlib.crc32(name.encode()))
    seconds = np.arange(num_frames) / FPS
    strokes = plan_strokes(words)
    # Drawn before the strokes, so that what is said later changes nothing before it.
    restlessness, breath = _restlessness(seconds, chance), _breath(seconds, chance)
    hands = _gesture(habit, strokes, chance).sample(seconds)
    posture = _posture(habit, words, partner_words).sample(seconds)
    pose = Pose.unflatten(hands + posture + restlessness)
    return embody(pose, breath, FPS), strokes


def _gesture(habit: Habit, strokes: Sequence[Stroke], chance: np.random.Generator) -> Track:
    rest = habit.rest.flatten()
    track = Track(rest)
    for index, stroke in enumerate(strokes):
        special = stroke.kind in habit.special
        apex_pose = habit.special[stroke.kind] if special else habit.beat
        change = stroke.size * (apex_pose.flatten() - rest)
        change[:6] *= 1 + _JITTER * chance.standard_normal(6)
        track.move(stroke.start_seconds, stroke.apex_seconds - stroke.start_seconds, rest + change)
        hold = habit.special_hold_seconds if special else habit.hold_seconds
        let_go = stroke.apex_seconds + hold
        if index + 1 == len(strokes) or let_go <= strokes[index + 1].start_seconds:
            track.move(let_go, habit.retract_seconds, rest)
    return track


def _posture(
    habit: Habit, words: Sequence[SpokenWord], partner_words: Sequence[SpokenWord]
) -> Track:
    """Makes the change between speaking and listening, and nods."""
    listening = habit.listening.flatten()
    speaking = np.zeros_like(listening)
    nod = (
        listening
        + replace(
            Pose.unflatten(np.zeros_like(listening)), torso=np.array([0.0, 9.0, 0.0])
        ).flatten()
    )
    track = Track(speaking)
    told = sorted(
        [(w.start_seconds, w, True) for w in words]
        + [(w.start_seconds, w, False) for w in partner_words],
        key=lambda event: event[0],
    )
    own_turn, busy_until = True, 0.0
    for start, word, own in told:
        if own != own_turn:
            track.move(start, _POSTURE_SECONDS, speaking if own else listening)
            own_turn, busy_until = own, start + 0.5
        elif not own and word.text in SPECIAL_WORDS and start >= busy_until:
            track.move(start, _NOD_SECONDS, nod)
            track.move(start + _NOD_SECONDS, _NOD_RETURN_SECONDS, listening)
            busy_until = start + _NOD_SECONDS + _NOD_RETURN_SECONDS
    return track


def _restlessness(
    seconds: Float[np.ndarray, " T"], chance: np.random.Generator
) -> Float[np.ndarray, "T n"]:
    """Slow sway of hips and torso, and hands that never stay quite still."""

    def drift(size: float, columns: int) -> np.ndarray:
        rates = chance.uniform(0.05, 0.16, (2, columns))
        phases = chance.uniform(0, 2 * np.pi, (2, columns))
        angles = 2 * np.pi * rates * seconds[:, None, None] + phases
        return size * np.sin(angles).mean(axis=1)

    hands, torso, root = drift(0.008, 6), drift(1.5, 3), drift(0.008, 2)
    still = np.zeros((len(seconds), 2))
    return np.concatenate((hands, still, torso, still, root), axis=1)


def _breath(
    seconds: Float[np.ndarray, " T"], chance: np.random.Generator
) -> Float[np.ndarray, " T"]:
    """Lifts the chest by 4 mm about every four seconds."""
    rate, phase = chance.uniform(0.22, 0.28), chance.uniform(0, 2 * np.pi)
    return 0.004 * (0.5 + 0.5 * np.sin(2 * np.pi * rate * seconds + phase))
