"""A rough transcript by PocketSphinx, whose English language model comes with its package."""

import contextlib
import importlib.metadata
import json
import multiprocessing
import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from data_prep.listen.decoder_process import LENGTH, OPTIONS
from data_prep.listen.parts import pieces, speech_parts
from data_prep.listen.transcription import Transcription
from data_prep.sound.voice_activity import voice_gate
from data_prep.words.language import language_code
from data_prep.words.note import Note
from data_prep.words.word import Word
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.packages import install_command, missing_packages, needs
from llavataros_jax.sound.reader import SPEECH_RATE

_PART_SECONDS, _LONGEST_SECONDS = 120.0, 15.0
_FRAME_SECONDS, _PADDING_SECONDS = 0.01, 0.3
_LOUD_RMS, _LARGEST_GAIN = 0.1, 300.0
_MOST_PROCESSES = 8  # each holds 100 MB
_FOLDER = Path(__file__).parents[2]


class PocketSphinxTranscriber:
    """Writes English down; about two words of three are right."""

    name = "pocketsphinx"

    def __init__(self, config: WordsConfig) -> None:
        self._language = config.language

    def missing(self) -> str | None:
        """Tells of another language than English or of a missing package."""
        if language_code(self._language) not in ("en", "auto"):
            return f"PocketSphinx knows English (en) only, not words.language={self._language}"
        missing = missing_packages("pocketsphinx")
        return needs("PocketSphinx", missing, extra="prep") if missing else None

    def identity(self) -> dict[str, Any]:
        """Returns its version, with which its models come, its options and the voice gate."""
        version = importlib.metadata.version("pocketsphinx")
        return {"version": version, "options": OPTIONS, "voice_gate": voice_gate()}

    def transcribe(self, audio_path: Path, language: str, note: Note) -> Transcription:
        """Returns what it hears where somebody speaks; its times are multiples of 10 ms."""
        words: list[Word] = []
        is_spoken = False
        with _decoders() as hear:
            for part in speech_parts(audio_path, _PART_SECONDS):
                spans = pieces(part, _LONGEST_SECONDS)
                is_spoken |= bool(spans)
                cuts = [slice(*(round(edge * SPEECH_RATE) for edge in span)) for span in spans]
                heard = hear([part.samples[cut] for cut in cuts])
                for (start, end), rows in zip(spans, heard, strict=True):
                    words += _words(rows, part.start_seconds + start, part.start_seconds + end)
        if not is_spoken:
            note("no words, because nobody speaks in it")
        elif not words:
            note("no words could be made out by PocketSphinx")
        else:
            note(_rough())
        return Transcription(tuple(words), "en" if words else None)


def _rough() -> str:
    """Says what the words are worth, and what gives better ones."""
    command = "llavataros animate RECORDING words.whisper=base.en"
    if missing_packages("faster_whisper"):
        command = f"{install_command('prep')} && {command}"
    return f"rough transcript by PocketSphinx, a third of it wrong; a better one: {command}"


def _words(rows: list[list[Any]], start_seconds: float, end_seconds: float) -> list[Word]:
    """Turns what was heard between two times into words; noises are left out."""

    def inside(frame: int) -> float:
        seconds = start_seconds + frame * _FRAME_SECONDS - _PADDING_SECONDS
        return round(min(max(seconds, start_seconds), end_seconds), 3)

    return [
        Word(text.split("(")[0], inside(first), inside(last + 1), round(float(sure), 3))
        for text, first, last, sure in rows
        if text[0] not in "<[(+"
    ]


@contextlib.contextmanager
def _decoders() -> Iterator[Any]:
    """Gives a function that hears utterances, by one process for each core.

    Where preparation has processes already, each has one decoder.
    """
    alone = multiprocessing.parent_process() is None
    count = min(len(os.sched_getaffinity(0)), _MOST_PROCESSES) if alone else 1
    idle: queue.LifoQueue[subprocess.Popen[bytes] | None] = queue.LifoQueue()
    for _ in range(count):
        idle.put(None)
    started: list[subprocess.Popen[bytes]] = []

    def hear(samples: Float32[np.ndarray, " n"]) -> list[list[Any]]:
        process = idle.get()
        try:
            if process is None:
                process = _start()
                started.append(process)
            return _ask(process, samples)
        finally:
            idle.put(process)

    try:
        with ThreadPoolExecutor(count) as threads:
            yield lambda utterances: list(threads.map(hear, utterances))
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "data_prep.listen.decoder_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_FOLDER,
    )


def _ask(process: subprocess.Popen[bytes], samples: Float32[np.ndarray, " n"]) -> list[list[Any]]:
    assert process.stdin is not None
    assert process.stdout is not None
    sound = _as_speech(samples).tobytes()
    try:
        process.stdin.write(LENGTH.pack(len(sound)) + sound)
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = b""
    if not line:
        raise UserError(
            f"PocketSphinx ended by itself (exit code {process.wait()}); free memory, or use "
            "words.transcriber=none"
        )
    return json.loads(line)


def _as_speech(samples: Float32[np.ndarray, " n"]) -> np.ndarray:
    """Brings an utterance to a usual level, between two silences, as int16.

    Unlike for alignment no noise is added: it costs words.
    """
    tenth = samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)
    loudness = np.sqrt(np.mean(tenth**2, axis=1)) if len(tenth) else np.zeros(1)
    gain = np.clip(_LOUD_RMS / max(float(np.percentile(loudness, 95)), 1e-6), 0.1, _LARGEST_GAIN)
    padded = np.pad(gain * samples, round(_PADDING_SECONDS * SPEECH_RATE))
    return (np.clip(padded, -1, 1) * 32767).astype("<i2")
