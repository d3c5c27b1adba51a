"""What each stage of a clip depends on: its version and its inputs, which are its whole key.

A stage is kept under a hash of its name, its version and its inputs, and nothing else builds
inputs. So whoever lets a stage read another file, tool or option adds it here.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.align.aligner import Aligner
from data_prep.align.choice import choose_aligner
from data_prep.listen.choice import choose_transcriber
from data_prep.machine.fingerprint import content_hash, file_hash
from data_prep.vectors.choice import text_starts
from data_prep.vectors.wordllama import wordllama_identity
from data_prep.words.timed_text import TimedText
from data_prep.words.word import Word
from llavataros_jax.config import AudioConfig, MotionConfig, TextConfig, WordsConfig
from llavataros_jax.errors import UserError

# Raise one when its stage gives another result for the same inputs.
MOTION_VERSION, WORDS_VERSION, AUDIO_VERSION, TEXT_VERSION = 3, 3, 3, 1
CHANGED_VERSION = 1  # of the changed copies of what the stages give

# Options of a language model that say where it lies or how fast it is run, not what it gives.
_NOT_OF_THE_VECTORS = ("model", "batch", "ngram_min", "ngram_max")


@dataclass(frozen=True)
class Stage:
    """A stage of one clip.

    Attributes:
        name: `motion`, `words`, `audio` or `text`.
        version: Version of what computes it.
        inputs: Everything else that its result depends on, as JSON can hold it.
    """

    name: str
    version: int
    inputs: dict[str, Any]

    @property
    def key(self) -> str:
        """Tells its result from all others."""
        named = {"stage": self.name, "version": self.version, "inputs": self.inputs}
        return content_hash(named)


def motion_stage(motion: Path, seconds: float, config: MotionConfig, *, is_cut: bool) -> Stage:
    """Returns the stage that reads a motion file beside a recording of `seconds`.

    Args:
        motion: The file.
        seconds: Length of the recording.
        config: Options.
        is_cut: Whether motion and recording may differ in length.
    """
    inputs = {
        "motion": file_hash(motion),
        "seconds": seconds,
        "fps": config.fps,
        "source_fps": config.source_fps,
        "bvh_metres_per_unit": config.bvh_metres_per_unit,
        "up_axis": config.up_axis,
        "cut_to_shorter": is_cut,
    }
    return Stage("motion", MOTION_VERSION, inputs)


def timed_words_stage(
    audio: str,
    timed: TimedText,
    notes: Sequence[str],
    aligner: Aligner | None,
    config: WordsConfig,
) -> Stage:
    """Returns the stage that takes timed words from a file, and aligns its cues.

    Args:
        audio: Hash of the recording, of which the notes tell whether it agrees with the words.
        timed: What was read, on which the file's name, the speaker and the tier may bear.
        notes: What was said of it.
        aligner: What aligns the cues, if there is one.
        config: The language of the cues.
    """
    read = content_hash([dataclasses.asdict(timed), list(notes)])
    inputs: dict[str, Any] = {"audio": audio, "timed": read}
    if timed.cues and aligner is not None:
        options = {"aligner": aligner.name, "language": config.language, **aligner.identity()}
        inputs["config"] = options
    return Stage("words", WORDS_VERSION, inputs)


def aligned_words_stage(
    audio: str, transcript: str, aligner: Aligner, config: WordsConfig
) -> Stage:
    """Returns the stage that finds when the words of a transcript are said."""
    options = {"aligner": aligner.name, "language": config.language, **aligner.identity()}
    inputs = {"audio": audio, "transcript": content_hash(transcript), "config": options}
    return Stage("words", WORDS_VERSION, inputs)


def transcribed_words_stage(audio: str, config: WordsConfig) -> Stage:
    """Returns the stage that writes down what is said and finds when.

    Raises:
        UserError: When a tool that the config names cannot be used.
    """
    transcriber = choose_transcriber(config)
    options = {"transcriber": transcriber.name, **transcriber.identity()}
    if transcriber.name != "none":
        options["language"] = config.language
    if transcriber.name == "whisper":
        options["aligner"] = _aligner_of_heard_words(config)
    return Stage("words", WORDS_VERSION, {"audio": audio, "config": options})


def _aligner_of_heard_words(config: WordsConfig) -> list[Any]:
    """Returns what times the words that Whisper writes; of a language yet unknown, English."""
    language = "en" if config.language == "auto" else config.language
    try:
        aligner = choose_aligner(dataclasses.replace(config, language=language))
    except UserError:
        if config.aligner != "auto":
            raise
        return []
    return [aligner.name, aligner.identity()]


def audio_stage(audio: str, num_frames: int, fps: float, config: AudioConfig) -> Stage:
    """Returns the stage that computes the features of the sound.

    Raises:
        UserError: When the checkpoint of PASE+ cannot be read.
    """
    options: dict[str, Any] = {"sample_rate": config.sample_rate}
    if config.kind == "mel":
        options["mels"] = config.mels
    else:
        from data_prep.sound.pase import checkpoint_identity

        options |= {"pase": checkpoint_identity(config), "pase_mode": config.pase_mode}
    inputs = {"audio": audio, "config": options, "fps": fps, "frames": num_frames}
    return Stage("audio", AUDIO_VERSION, inputs)


def text_stage(words: Sequence[Word], config: TextConfig) -> Stage:
    """Returns the stage that gives each word a vector.

    Raises:
        UserError: When the package `wordllama` or the language model cannot be found.
    """
    options = dataclasses.asdict(config)
    inputs: dict[str, Any] = {"words": [word.text for word in words]}
    if config.kind == "hashed":
        inputs["config"] = {name: options[name] for name in ("size", "ngram_min", "ngram_max")}
        return Stage("text", TEXT_VERSION, inputs)
    if config.kind == "wordllama":
        inputs["config"] = {"kind": config.kind, "size": config.size}
        inputs["model"] = wordllama_identity()
        return Stage("text", TEXT_VERSION, inputs)
    from data_prep.vectors.model_files import find_model

    inputs["config"] = {name: options[name] for name in options.keys() - _NOT_OF_THE_VECTORS}
    inputs["model"] = find_model(config.model or "").identity
    inputs["starts"] = text_starts(words, config)
    return Stage("text", TEXT_VERSION, inputs)


def changed_stage(name: str, key: str, change: dict[str, Any]) -> Stage:
    """Returns the stage that changes what another one gives, for a copy of a clip.

    Args:
        name: Name of both.
        key: The other one's key, in which all is that its result depends on.
        change: What is changed, and of how much of the result.
    """
    return Stage(name, CHANGED_VERSION, {"changed": key, "change": change})
