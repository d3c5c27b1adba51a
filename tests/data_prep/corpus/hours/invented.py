"""Words as somebody could say them, drawn at random, and what a body does with them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from data_prep.corpus.hours.forms import FORMS
from data_prep.corpus.hours.spoken import SpokenWord
from llavataros_jax.motion.motion import Motion

MEANINGS = tuple(FORMS)
CHEST, RIGHT_HAND, LEFT_HAND = 2, 5, 8
HANDS = {"right": RIGHT_HAND, "left": LEFT_HAND}


def say(
    start: float,
    meaning: str | None = None,
    *,
    loudness: float = 0.0,
    pitch: float = 0.0,
    sentence: int = 0,
) -> SpokenWord:
    """One word of 0.4 s whose vowel begins 0.15 s after its start."""
    text = meaning or "garden"
    return SpokenWord(
        text, meaning, start, start + 0.4, start + 0.15, loudness, pitch, sentence, "statement"
    )


def talk(seed: int, seconds: float, meaning_share: float = 0.25) -> list[SpokenWord]:
    """Sentences with pauses; loudness and pitch are spread as those of synthetic voices."""
    chance = np.random.default_rng(seed)
    clock, words, sentence = 0.8, [], 0
    while clock < seconds - 3:
        for _ in range(chance.integers(3, 13)):
            length = float(np.clip(chance.gamma(4, 0.08), 0.1, 0.8))
            meaning = str(chance.choice(MEANINGS)) if chance.random() < meaning_share else None
            words.append(
                SpokenWord(
                    text=meaning or "garden",
                    meaning=meaning,
                    start_seconds=clock,
                    end_seconds=clock + length,
                    stress_seconds=clock + length * float(chance.uniform(0.1, 0.6)),
                    loudness_decibels=float(chance.normal(0, 3.6)),
                    pitch_semitones=float(chance.normal(0, 2.7)),
                    sentence=sentence,
                    kind="statement",
                )
            )
            clock += length + (0.02 if chance.random() < 0.9 else 0.25)
        clock += float(chance.choice([0.3, 0.7, 1.2, 4.0], p=[0.4, 0.3, 0.2, 0.1]))
        sentence += 1
    return [word for word in words if word.end_seconds < seconds - 2]


def in_chest(motion: Motion, joint: int) -> Float[np.ndarray, "T 3"]:
    """Place of a joint in Spine3's frame: left, up, forward."""
    turns = Rotation.from_quat(motion.quaternions[:, CHEST]).inv()
    return turns.apply(motion.positions[:, joint] - motion.positions[:, CHEST])


def hand_speed(motion: Motion) -> Float[np.ndarray, " T"]:
    """Speed of the faster hand in the chest's frame, m/s."""
    hands = np.stack([in_chest(motion, joint) for joint in HANDS.values()])
    return np.linalg.norm(np.gradient(hands, axis=1), axis=-1).max(axis=0) * motion.fps


def around(motion: Motion, apex_seconds: float) -> Float[np.ndarray, " n"]:
    """Describes a stroke: both hands 0.17 s before, at and after the apex, and how they turn."""
    frame = round(apex_seconds * motion.fps)
    frames = np.clip([frame - 5, frame, frame + 5], 0, motion.num_frames - 1)
    hands = [in_chest(motion, joint)[frames].ravel() for joint in HANDS.values()]
    local = motion.local_rotations()[frames[1]]
    turns = [Rotation.from_matrix(local[joint]).as_rotvec()[1] for joint in HANDS.values()]
    return np.concatenate([*hands, 0.1 * np.array(turns)])


def shifted(words: Sequence[SpokenWord], after: float, seed: int) -> list[SpokenWord]:
    """Keeps the words that begin by a time and lets others follow."""
    kept = [word for word in words if word.start_seconds <= after]
    late = [w for w in talk(seed, 60.0) if w.start_seconds > after]
    late = [w for w in late if not kept or w.start_seconds > kept[-1].end_seconds]
    return kept + late
