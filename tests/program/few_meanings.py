"""A small corpus of one speaker that says words of a few meanings, each in its own sentence."""

from collections import Counter
from pathlib import Path

import numpy as np

from data_prep.corpus.clip_files import table, write_clip
from data_prep.corpus.hours.conversation import Part
from data_prep.corpus.hours.delivery import SAMPLE_RATE, MismatchError, deliver
from data_prep.corpus.hours.grammar import Grammar, grammar
from data_prep.corpus.hours.lexicon import all_held_out
from data_prep.corpus.hours.performance import FPS, perform
from data_prep.corpus.hours.script import Sentence, draw_sentence
from data_prep.corpus.hours.voices import Tone, draw_tone
from data_prep.corpus.speech import Synthesiser

MEANINGS = ("up", "big", "small", "round", "no", "stop", "apart", "there")
SPEAKER = "ada"
_MOST_WORDS, _MOST_AHEAD = 7, 4
_CLIP_SECONDS, _PAUSE_SECONDS = 30, 0.6


def draw_apt(
    spoken_by: Grammar, chance: np.random.Generator, said: Counter[str], *, is_held_out: bool
) -> Sentence:
    """Draws a short sentence with one gesture, held out or not, of no meaning said too often."""
    while True:
        sentence = draw_sentence(spoken_by, chance)
        meant = [token for token in sentence.tokens if token.meaning]
        if len(sentence.tokens) > _MOST_WORDS or len(meant) != 1:
            continue
        word, meaning = meant[0].text, meant[0].meaning
        if meaning not in MEANINGS or (word in all_held_out()) != is_held_out:
            continue
        if said[meaning] <= min(said[other] for other in MEANINGS) + _MOST_AHEAD:
            return sentence


def write_few_meanings(folder: Path, *, clips: int, asked: int) -> list[str]:
    """Writes clips without held-out words, and some that ask for them, whose names it returns.

    Of three words with a gesture in those, two are held out and one is not.
    """
    folder.mkdir()
    synthesiser, names, said = Synthesiser(), [], Counter()
    for number in range(clips + asked):
        is_asked = number >= clips
        chance = np.random.default_rng(number)
        tone = draw_tone(SPEAKER, chance)
        part = _speak(synthesiser, tone, chance, said, is_asked=is_asked)
        sound = part.samples(_CLIP_SECONDS * SAMPLE_RATE)
        words = part.words(sound)
        name = f"{'asked' if is_asked else 'told'}_{number}"
        motion, strokes = perform(name, SPEAKER, words, _CLIP_SECONDS * FPS)
        rows = [
            {"word": word.text, "start": word.start_seconds, "end": word.end_seconds}
            for word in words
        ]
        for stroke in strokes:
            rows[stroke.word] |= {"gesture": stroke.kind, "apex": stroke.apex_seconds}
        write_clip(folder / name, sound, motion, rows, sound_step=2.0**-13)
        names.append(name)
    (folder / "clips.tsv").write_text(table((name, SPEAKER, name, "") for name in names))
    return names[clips:]


def _speak(
    synthesiser: Synthesiser,
    tone: Tone,
    chance: np.random.Generator,
    said: Counter[str],
    *,
    is_asked: bool,
) -> Part:
    """Says sentences until the clip is full."""
    spoken_by = grammar(frozenset() if is_asked else all_held_out())
    synthesiser.set_voice(tone.voice)
    part, clock = Part(tone), _PAUSE_SECONDS
    while True:
        is_held_out = is_asked and len(part.placed) % 3 < 2
        sentence = draw_apt(spoken_by, chance, said, is_held_out=is_held_out)
        try:
            delivery = deliver(synthesiser, sentence, tone, chance)
        except MismatchError:
            continue
        if clock + delivery.seconds > _CLIP_SECONDS - 1:
            return part
        part.placed.append((round(clock * SAMPLE_RATE), delivery))
        clock += delivery.seconds + _PAUSE_SECONDS
        said.update(token.meaning for token in sentence.tokens if token.meaning)
