"""Stand-ins for a language model, a text-to-speech service and a loudspeaker.

They answer with sentences of the corpus that comes along, whose recordings have words with times,
and are as quick as real ones: words come a few at a time, and sound faster than it is played. In
an agent of your own they are the clients of your services.
"""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from data_prep.words.timed_files import read_timed_words
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.sound.reader import read_mono

RATE = 24000  # samples a second
TimedWords = list[tuple[str, float, float]]  # text, start and end in seconds

_CLIPS = {"hello": "ada_1", "more": "ada_2", "again": "ada_3"}
_PAUSE_SECONDS = 0.35  # between words that belong to two sentences
_CHUNK_SECONDS = 0.2
_FASTER = 4.0  # than it is played


def _sentences(clip: str) -> list[tuple[np.ndarray, TimedWords]]:
    """Returns the sentences of a clip: their sound, and words with times from its beginning."""
    folder = shipped_folder("corpus")
    sound = read_mono(folder / f"{clip}.flac", RATE)
    words = read_timed_words(folder / f"{clip}.json", len(sound) / RATE)
    starts = [0] + [
        n
        for n in range(1, len(words))
        if words[n].start_seconds - words[n - 1].end_seconds > _PAUSE_SECONDS
    ]
    found = []
    for first, last in zip(starts, [*starts[1:], len(words)], strict=True):
        begin = words[first].start_seconds if first else 0.0
        end = words[last].start_seconds if last < len(words) else len(sound) / RATE
        said = [
            (word.text, word.start_seconds - begin, word.end_seconds - begin)
            for word in words[first:last]
        ]
        found.append((sound[round(begin * RATE) : round(end * RATE)], said))
    return found


async def language_model(question: str) -> AsyncIterator[str]:
    """Yields an answer as a language model writes it, a word at a time."""
    for _, words in _sentences(_CLIPS[question]):
        for number, (text, _, _) in enumerate(words, 1):
            await asyncio.sleep(0.01)
            yield text + (". " if number == len(words) else " ")


async def text_to_speech(
    text: AsyncIterator[str], question: str
) -> AsyncIterator[tuple[np.ndarray, TimedWords]]:
    """Yields the sound of what is written, and its words with times from the beginning of it all.

    A sentence is spoken when it is complete.
    """
    sentences, begin = iter(_sentences(_CLIPS[question])), 0.0
    async for piece in text:
        if not piece.rstrip().endswith("."):
            continue
        sound, words = next(sentences)
        timed = [(word, start + begin, end + begin) for word, start, end in words]
        size = round(_CHUNK_SECONDS * RATE)
        for place in range(0, len(sound), size):
            await asyncio.sleep(_CHUNK_SECONDS / _FASTER)
            yield sound[place : place + size], timed if place == 0 else []
        begin += len(sound) / RATE


class Loudspeaker:
    """Plays sound as it comes, without making any: it knows how long it takes."""

    def __init__(self) -> None:
        self._until = 0.0

    def play(self, sound: np.ndarray) -> None:
        """Takes the next sound."""
        self._until = max(self._until, _now()) + len(sound) / RATE

    async def ended(self) -> None:
        """Waits until all was played."""
        await asyncio.sleep(max(self._until - _now(), 0.0))


def _now() -> float:
    return asyncio.get_running_loop().time()
