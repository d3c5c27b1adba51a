"""Takes made: sound, words and motion of each clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data_prep.corpus.clip_files import write_clip
from data_prep.corpus.hours.choreography import Stroke
from data_prep.corpus.hours.conversation import Scene
from data_prep.corpus.hours.delivery import SAMPLE_RATE, deliver
from data_prep.corpus.hours.grammar import Grammar, grammar
from data_prep.corpus.hours.lexicon import all_held_out
from data_prep.corpus.hours.limits import violations
from data_prep.corpus.hours.performance import perform
from data_prep.corpus.hours.rooms import Room, draw_room, record
from data_prep.corpus.hours.spoken import SpokenWord
from data_prep.corpus.hours.take import FPS, Take, chance_of
from data_prep.corpus.hours.voices import VOICES, Tone, draw_tone
from data_prep.corpus.speech import Synthesiser
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion

# Sound is rounded to 14 bits: what lies below is beneath the noise of any recording.
SOUND_STEP = 2.0**-13
_NEURAL_SHARE = 0.5
_BABBLERS, _BABBLE_SECONDS = 4, 15.0


@dataclass(frozen=True)
class Made:
    """One clip; samples are 16 kHz mono."""

    name: str
    samples: Float[np.ndarray, " n"]
    words: tuple[SpokenWord, ...]
    strokes: tuple[Stroke, ...]
    motion: Motion
    tone: Tone
    room: Room


def make_take(
    take: Take, seed: int, without_held_out: bool = False, piper: Path | None = None
) -> list[Made]:
    """Speaks, moves and records a take; call it in a fresh process, for espeak-ng's sake.

    Args:
        take: Which.
        seed: That of the corpus.
        without_held_out: Whether the held-out synonyms are left out.
        piper: The `.onnx` of a neural voice, with which half of the takes are spoken.
    """
    chance = chance_of(seed, take.number)
    spoken_by = grammar(all_held_out() if without_held_out else frozenset())
    neural = None
    if piper is not None and chance.random() < _NEURAL_SHARE:
        # Late, because it is seldom asked for.
        from data_prep.corpus.hours.neural_voice import NeuralVoice

        neural = NeuralVoice(piper, seed=int(chance.integers(2**31)))
    phonemes_of = neural.espeak_voice if neural else None
    tones = [draw_tone(speaker, chance, phonemes_of) for speaker in take.speakers]
    rooms = [draw_room(chance) for _ in take.speakers]
    synthesiser = Synthesiser()
    scene = Scene(synthesiser, spoken_by, tones, chance, neural.deliver if neural else deliver)
    scene.play(take.seconds)
    length = take.num_frames * SAMPLE_RATE // FPS
    voices = [part.samples(length) for part in scene.parts]
    words = [part.words(voice) for part, voice in zip(scene.parts, voices, strict=True)]
    babble = None
    if any(room.noise == "babble" for room in rooms):
        babble = _babble(synthesiser, spoken_by, take.speakers, chance)
    clips = []
    for index, (name, speaker, *_) in enumerate(take.clips):
        partner = words[1 - index] if len(words) > 1 else ()
        motion, strokes = perform(
            name, speaker, words[index], take.num_frames, partner_words=partner
        )
        clips.append(
            Made(
                name=name,
                samples=record(voices[index], rooms[index], chance, babble),
                words=tuple(words[index]),
                strokes=tuple(strokes),
                motion=motion,
                tone=tones[index],
                room=rooms[index],
            )
        )
    return clips


def write_take(
    folder: Path,
    take: Take,
    seed: int,
    without_held_out: bool = False,
    piper: Path | None = None,
) -> None:
    """Makes a take and writes the files of its clips.

    Raises:
        UserError: When a body leaves the ranges of people, which is a fault of the repertoire.
    """
    for clip in make_take(take, seed, without_held_out, piper):
        if beyond := violations(clip.motion):
            raise UserError(
                f"clip {clip.name}: no body moves like this ({beyond[0]}); correct the repertoire"
            )
        write_clip(folder / clip.name, clip.samples, clip.motion, _timed_words(clip), SOUND_STEP)


def _babble(
    synthesiser: Synthesiser,
    spoken_by: Grammar,
    speakers: Sequence[str],
    chance: np.random.Generator,
) -> Float[np.ndarray, " n"]:
    """Lets other speakers talk at once."""
    others = chance.choice(
        [name for name in VOICES if name not in speakers], _BABBLERS, replace=False
    )
    length = round(_BABBLE_SECONDS * SAMPLE_RATE)
    sound = np.zeros(length)
    for name in others:
        scene = Scene(synthesiser, spoken_by, [draw_tone(str(name), chance)], chance, deliver)
        scene.play(_BABBLE_SECONDS)
        sound += np.roll(scene.parts[0].samples(length), int(chance.integers(length)))
    return sound


def _timed_words(clip: Made) -> list[dict[str, str | float]]:
    """Lists words with their times, what is heard and meant, and the strokes they carry."""
    rows: list[dict[str, str | float]] = []
    for word in clip.words:
        row: dict[str, str | float] = {
            "word": word.text,
            "start": round(word.start_seconds, 4),
            "end": round(word.end_seconds, 4),
            "stress": round(word.stress_seconds, 4),
            "loudness": round(word.loudness_decibels, 2),
            "pitch": round(word.pitch_semitones, 2),
            "sentence": word.sentence,
            "kind": word.kind,
        }
        rows.append(row | ({"meaning": word.meaning} if word.meaning else {}))
    for stroke in clip.strokes:
        rows[stroke.word] |= {"gesture": stroke.kind, "apex": round(stroke.apex_seconds, 4)}
    return rows
