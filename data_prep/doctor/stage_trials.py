"""Every stage of preparation, tried on a second of a made-up voice."""

import contextlib
import dataclasses
import importlib
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.align.choice import ALIGNERS, align
from data_prep.doctor.inventory import what_installs
from data_prep.doctor.synthetic_voice import TEXT, synthetic_voice
from data_prep.listen.choice import choose_transcriber
from data_prep.listen.transcribe import transcription_of
from data_prep.sound.features import audio_features
from data_prep.vectors.choice import check_text, text_features
from data_prep.words.word import Word
from llavataros_jax.config import AudioConfig, Config, DataConfig, TextConfig, WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import SPEECH_RATE, read_mono

_NOT_ASKED = {
    "PASE+ features": "needs audio.kind=pase and audio.pase=FE_e199.ckpt",
    "language model": "needs text.kind=language_model, text.model and text.size",
}


@dataclass(frozen=True)
class Trial:
    """How a stage went.

    Attributes:
        stage: What was tried.
        is_needed: Whether nothing works without it.
        first_seconds: Time of the first run, with all that is loaded or compiled once.
        again_seconds: Time of the second run.
        told: What it gave.
        problem: Why it did not run, and what helps.
    """

    stage: str
    is_needed: bool
    first_seconds: float = 0.0
    again_seconds: float = 0.0
    told: str = ""
    problem: str = ""


def try_stages(config: Config) -> Iterator[Trial]:
    """Tries the stages one after another; whatever is wrong with one is told, not raised."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for stage, is_needed, reason, run in _stages(config, folder):
            if reason:
                yield Trial(stage, is_needed, problem=reason)
            else:
                yield _try(stage, run, is_needed=is_needed)


def _try(stage: str, run: Callable[[], str], *, is_needed: bool) -> Trial:
    try:
        began = time.perf_counter()
        run()
        first = time.perf_counter()
        told = run()
        return Trial(stage, is_needed, first - began, time.perf_counter() - first, told)
    except UserError as refusal:
        return Trial(stage, is_needed, problem=str(refusal))
    except ModuleNotFoundError as problem:
        return Trial(stage, is_needed, problem=what_installs(problem.name or str(problem)))
    except Exception as problem:  # the point is to go on and tell
        first_line = (str(problem).splitlines() or [""])[0]
        return Trial(stage, is_needed, problem=f"{type(problem).__name__}: {first_line}")


def _stages(
    config: Config, folder: Path
) -> Iterator[tuple[str, bool, str | None, Callable[[], str]]]:
    """Yields name, whether it is needed, why it cannot be tried, and what to run."""
    path, fps = folder / "in" / "voice.wav", config.motion.fps
    words = [Word(text, 0.2 + 0.3 * k, 0.5 + 0.3 * k) for k, text in enumerate(TEXT.split())]

    def read_sound() -> str:
        import soundfile

        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.stack([synthetic_voice()] * 2, axis=1), SPEECH_RATE)
        samples = read_mono(path, 22050)
        return f"{len(samples)} samples at 22050 Hz from stereo at {SPEECH_RATE} Hz"

    def features(audio: AudioConfig) -> str:
        return f"{audio_features(path, fps, audio, fps).shape[1]} numbers a frame"

    def vectors(text: TextConfig) -> str:
        check_text(text)
        return f"{text_features(words, text).shape[1]} numbers a word"

    yield "sound file", True, None, read_sound
    yield "log-mel, prosody", True, None, lambda: features(AudioConfig(mels=config.audio.mels))
    asked = config.audio.kind == "pase"
    yield (
        "PASE+ features",
        False,
        None if asked else _NOT_ASKED["PASE+ features"],
        lambda: features(config.audio),
    )
    yield from _word_stages(config, path)
    kind = config.text.kind
    llama = config.text if kind == "wordllama" else TextConfig(kind="wordllama")
    hashed = config.text if kind == "hashed" else TextConfig(kind="hashed")
    yield "words of wordllama", kind == "wordllama", None, lambda: vectors(llama)
    yield "hashed words", kind == "hashed", None, lambda: vectors(hashed)
    asked = kind == "language_model"
    yield (
        "language model",
        False,
        None if asked else _NOT_ASKED["language model"],
        lambda: vectors(config.text),
    )
    yield "motion, records", True, None, lambda: _prepare(folder, words)


def _word_stages(
    config: Config, path: Path
) -> Iterator[tuple[str, bool, str | None, Callable[[], str]]]:
    for name, place in ALIGNERS.items():
        settings = dataclasses.replace(config.words, aligner=name)
        reason = _missing(place, settings)

        def run(settings=settings) -> str:
            found = align(path, TEXT, settings)
            return " ".join(f"{word.text} at {word.start_seconds:.2f} s" for word in found)

        yield f"align by {name}", False, reason, run

    def listen() -> str:
        found = transcription_of(path, config.words)
        return f"{len(found.words)} words by {choose_transcriber(config.words).name}"

    yield "transcribe", False, None, listen


def _missing(place: str, settings: WordsConfig) -> str | None:
    """Returns what an aligner lacks."""
    module, _, attribute = place.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)(settings).missing()
    except ModuleNotFoundError as problem:
        return what_installs(problem.name or str(problem))


def _prepare(folder: Path, words: list[Word]) -> str:
    from data_prep.run.pipeline import prepare
    from llavataros_jax.motion.motion import motion_from_local
    from llavataros_jax.motion.npy import write_npy
    from llavataros_jax.motion.skeleton import AVATAROS_9

    times = np.arange(60) / 60
    local = np.broadcast_to(np.eye(3), (60, AVATAROS_9.num_joints, 3, 3)).copy()
    cosine, sine = np.cos(times), np.sin(times)
    local[:, 0, 0, 0], local[:, 0, 0, 2] = cosine, sine
    local[:, 0, 2, 0], local[:, 0, 2, 2] = -sine, cosine
    root = np.stack([0.1 * sine, 0.9 + 0 * sine, 0 * sine], axis=1)
    motion = motion_from_local(local, AVATAROS_9.offsets, root, fps=60, skeleton=AVATAROS_9)
    write_npy(folder / "in" / "voice.npy", motion)
    timed = [{"word": w.text, "start": w.start_seconds, "end": w.end_seconds} for w in words]
    (folder / "in" / "voice.json").write_text(json.dumps(timed), encoding="utf-8")
    records = tempfile.mkdtemp(dir=folder)
    data = DataConfig(folder=str(folder / "in"), records=records, holdout="tail", workers=1)
    data = dataclasses.replace(data, holdout_fraction=0.0)
    with contextlib.redirect_stderr(io.StringIO()):  # progress would stand between the lines
        prepared = prepare(Config(data=data), say=lambda message: None)
    (entry,) = prepared.manifest.clips
    return f"{entry.num_frames} frames, {entry.num_words} words"
