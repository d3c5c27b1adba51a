"""Voices that speak to a server in real time, and how long each frame took to come back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from data_prep.arriving.hearing import Hearing
from data_prep.words.timed_files import read_timed_words
from data_prep.words.word import Word
from llavataros.client import connect
from llavataros_jax.config import Config
from llavataros_jax.config.shipped import shipped_folder
from llavataros_jax.sound.reader import read_mono

RATE = 16000
# As microphones and telephones cut it.
CHUNK_SECONDS = 0.02
_STEP_SECONDS = 0.001
_WORDS_AHEAD_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class Voice:
    """A recording that is said over and over.

    Attributes:
        samples: Its sound.
        words: Its words, with times.
    """

    samples: Float[np.ndarray, " n"]
    words: list[Word]

    def spoken(self, seconds: float) -> tuple[Float[np.ndarray, " m"], list[tuple]]:
        """Returns so much sound, and the words that are whole in it."""
        count, length = round(seconds * RATE), len(self.samples) / RATE
        sound = np.resize(self.samples, count)
        said = [
            (word.text, turn * length + word.start_seconds, turn * length + word.end_seconds)
            for turn in range(int(seconds // length) + 1)
            for word in self.words
        ]
        return sound, [word for word in said if word[2] <= seconds]


@dataclass(frozen=True, eq=False)
class Spoken:
    """What came of a session.

    Attributes:
        begin_seconds: From the wish to connect to `ready`.
        first_seconds: From the last sample of the first pose to the pose.
        frame_seconds: The same of all frames that did not wait for the end.
        frames: That came.
        lost: That did not, or twice.
    """

    begin_seconds: float
    first_seconds: float
    frame_seconds: Float[np.ndarray, " k"]
    frames: int
    lost: int


def voices() -> list[Voice]:
    """Returns recordings of the corpus that comes along."""
    return [_voice(path) for path in sorted(shipped_folder("corpus").glob("*_[1-4].flac"))]


def _voice(path: Path) -> Voice:
    samples = read_mono(path, RATE)
    return Voice(samples, list(read_timed_words(path.with_suffix(".json"), len(samples) / RATE)))


class SoundNeeded:
    """How much sound each frame's features need, found by hearing."""

    def __init__(self, config: Config, fps: float):
        """Hears three seconds, in steps of a millisecond."""
        hearing, size = Hearing(config), round(_STEP_SECONDS * RATE)
        self._second, self._until = round(fps), []
        for step in range(1, round(3 / _STEP_SECONDS) + 1):
            hearing.hear(np.zeros(size, np.float32), RATE)
            more = hearing.num_frames - len(self._until)
            self._until += [step * _STEP_SECONDS] * more

    def __call__(self, frame: int) -> float:
        """Returns up to which time sound must be there; after a second it goes on alike."""
        seconds, number = divmod(frame, self._second)
        if not seconds:
            return self._until[number]
        return self._until[self._second + number] + seconds - 1


async def speak(
    url: str, voice: Voice, seconds: float, *, needed: Callable[[int], float], seed: int
) -> Spoken:
    """Speaks for some seconds in real time, and waits for the last frame."""
    sound, words = voice.spoken(seconds)
    size, clock = round(CHUNK_SECONDS * RATE), time.monotonic
    sent: list[float] = []
    began = clock()
    async with connect(url, sample_rate=RATE, words="timed", seed=seed) as stream:
        begin_seconds = clock() - began
        fps, delay = stream.ready["fps"], stream.ready["delay_frames"]

        async def send() -> None:
            start, told = clock(), 0
            for number, at in enumerate(range(0, len(sound), size), 1):
                await asyncio.sleep(start + number * CHUNK_SECONDS - clock())
                until = number * CHUNK_SECONDS + _WORDS_AHEAD_SECONDS
                if number % 25 == 1:
                    due = [word for word in words[told:] if word[1] < until]
                    told += len(due)
                    await stream.words(due, known_until=until)
                sent.append(clock())
                await stream.send_audio(sound[at : at + size])
            await stream.end()

        sending = asyncio.create_task(send())
        spent, frames, lost = [], 0, 0
        async for piece in stream:
            now = clock()
            assert piece.joints is not None
            lost += abs(piece.first - frames)
            for frame in range(piece.first, piece.first + len(piece.joints)):
                until = needed(frame + delay)
                chunk = int(np.ceil(until / CHUNK_SECONDS - 1e-6)) - 1
                if until <= seconds + 1e-9:
                    spent.append(now - sent[chunk])
            frames = piece.first + len(piece.joints)
        await sending
    lost += abs(round(seconds * fps) - frames)
    return Spoken(begin_seconds, spent[0], np.array(spent), frames, lost)
