"""A speaker's motion through a clip of the corpus of hours."""

import zlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from data_prep.corpus.body import Pose, embody
from data_prep.corpus.hours.choreography import Hands, Stroke
from data_prep.corpus.hours.clearance import keep_clear
from data_prep.corpus.hours.spoken import SpokenWord
from data_prep.corpus.hours.stance import breath, listening, sway
from data_prep.corpus.hours.styles import STYLES
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion

FPS = 30
# Columns of `Pose.flatten` in a mirror: hands, turns and shoulders change sides; yaw, lean and the
# way to the left change sign.
_MIRROR = np.array([3, 4, 5, 0, 1, 2, 7, 6, 8, 9, 10, 12, 11, 13, 14])
_MIRROR_SIGN = np.array([1, 1, 1, 1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, 1])
_TORSO, _ROOT = slice(8, 11), slice(13, 15)
_STILL_METRES = 0.004


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
        speaker: Whose style.
        words: What the speaker says.
        num_frames: Length at `FPS`.
        partner_words: What the partner says, if there is one.

    Returns:
        The motion, and the strokes with the word of each.

    Raises:
        UserError: There is no such speaker.
    """
    if speaker not in STYLES:
        raise UserError(f"speaker {speaker!r} has no style; there are {', '.join(STYLES)}")
    style = STYLES[speaker]
    chance = np.random.default_rng(zlib.crc32(name.encode()))
    seconds = np.arange(num_frames) / FPS
    stir = _stirring(seconds, chance)
    hands = Hands(style, words, chance)
    hands.play(num_frames / FPS)
    pose = hands.movement.sample(seconds)
    pose[:, :6] += stir
    swaying = sway(style, words, seconds)
    pose[:, _TORSO] += swaying[:, :3] + listening(style, words, partner_words, seconds)
    pose[:, _ROOT] += swaying[:, 3:]
    pose = keep_clear(pose)
    if style.handed == "left":
        pose = pose[:, _MIRROR] * _MIRROR_SIGN
    return embody(Pose.unflatten(pose), breath(words, seconds), FPS), hands.strokes


def _stirring(
    seconds: Float[np.ndarray, " T"], chance: np.random.Generator
) -> Float[np.ndarray, "T 6"]:
    """Hands that never keep quite still."""
    rates, phases = chance.uniform(0.05, 0.2, 6), chance.uniform(0, 2 * np.pi, 6)
    return _STILL_METRES * np.sin(2 * np.pi * rates * seconds[:, None] + phases)
