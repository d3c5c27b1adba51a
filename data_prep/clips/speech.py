"""One person's speech as the model hears it: the same for preparation and for animation."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Int32

from data_prep.align.check import alignment_notes, transcript_notes
from data_prep.align.choice import CHOICE, align_by, choice_note, choose_aligner, spoken_words
from data_prep.align.cues import align_cues, aligner_of_cues
from data_prep.align.heard import heard_words
from data_prep.clips.cache import Arrays, StageCache, load_stage
from data_prep.clips.stages import (
    Stage,
    aligned_words_stage,
    audio_stage,
    text_stage,
    timed_words_stage,
    transcribed_words_stage,
)
from data_prep.machine.fingerprint import file_hash
from data_prep.sound.features import audio_features
from data_prep.vectors.choice import text_features, text_notes
from data_prep.words.text_file import read_text
from data_prep.words.timed_files import read_timed_text
from data_prep.words.word import UNKNOWN, Word, frame_index
from llavataros_jax.config import Config
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import AudioFile, read_info


@dataclass(frozen=True, eq=False)
class SpeechFeatures:
    """Aligned features of a recording; frame k begins at k / fps seconds.

    Attributes:
        num_frames: Frames N; 0 when the recording is shorter than half a frame.
        seconds: Length of the recording.
        audio: Audio features of each frame.
        word_vectors: One vector for each word.
        word_index: Row of `word_vectors` and `words` that is active on each frame, -1 in silence.
        words: The words with their times.
        notes: What was done to the recording or is strange about it.
    """

    num_frames: int
    seconds: float
    audio: Float16[np.ndarray, "N A"]
    word_vectors: Float16[np.ndarray, "K E"]
    word_index: Int32[np.ndarray, " N"]
    words: tuple[Word, ...]
    notes: tuple[str, ...]

    @property
    def num_unknown(self) -> int:
        """Words that their source could not name."""
        return sum(word.text == UNKNOWN for word in self.words)


def prepare_speech(
    audio: Path | str,
    *,
    config: Config,
    num_frames: int | None = None,
    words: Path | str | None = None,
    transcript: Path | str | None = None,
    speaker: str | None = None,
    cache: StageCache | None = None,
) -> SpeechFeatures:
    """Turns a recording into features by the sections audio, text, words and motion.fps.

    Words come from the file of timed words, else from the transcript by alignment, else from a
    transcriber. A silent recording without either has no words.

    Args:
        audio: Sound file.
        config: Options.
        num_frames: Frames to compute; round(seconds * fps) when not given.
        words: File of timed words.
        transcript: File of what is said, without times.
        speaker: Who speaks, by which a tier is chosen where the file of words has several.
        cache: Where stages are kept.

    Raises:
        UserError: When a file cannot be used or there is no way to know the words.
    """
    audio = Path(audio)
    cache = cache or StageCache()
    info = read_info(audio, config.audio.sample_rate)
    fps = config.motion.fps
    frames = round(info.seconds * fps) if num_frames is None else num_frames
    digest = file_hash(audio)
    spoken, notes = _words(
        info,
        digest,
        config=config,
        words=Path(words) if words else None,
        transcript=Path(transcript) if transcript else None,
        speaker=speaker,
        cache=cache,
    )
    if words and transcript:
        with contextlib.suppress(UserError):  # one that cannot be read is not needed
            notes = [*notes, *transcript_notes(spoken, read_transcript(Path(transcript)))]
    heard = cache.arrays(
        audio_stage(digest, frames, fps, config.audio),
        lambda: {"features": audio_features(audio, frames, config.audio, fps)},
    )
    read = cache.arrays(
        text_stage(spoken, config.text),
        lambda: {"vectors": text_features(spoken, config.text)},
    )
    return SpeechFeatures(
        num_frames=frames,
        seconds=info.seconds,
        audio=heard["features"],
        word_vectors=read["vectors"],
        word_index=frame_index(spoken, frames, fps, rule=config.words.frame_rule),
        words=tuple(spoken),
        notes=(*info.notes, *notes, *text_notes(spoken, config.text)),
    )


def words_from_arrays(arrays: Arrays) -> list[Word]:
    """Rebuilds the words that the stage `words` keeps."""
    rows = zip(
        arrays["text"].tolist(),
        arrays["times"].tolist(),
        arrays["confidence"].tolist(),
        strict=True,
    )
    return [
        Word(text, start, end, None if math.isnan(confidence) else confidence)
        for text, (start, end), confidence in rows
    ]


def kept_speech(
    audio: Path,
    *,
    config: Config,
    words: Path | None,
    transcript: Path | None,
    folder: Path,
    speaker: str | None = None,
) -> Iterator[Stage]:
    """Yields the stages whose results `prepare_speech` would take from a folder, if they are there.

    Nothing is computed; without kept words, the stage of their vectors is not known.

    Raises:
        UserError: When a file or a tool that a stage reads is not there.
    """
    info = read_info(audio, config.audio.sample_rate)
    digest, fps = file_hash(audio), config.motion.fps
    yield audio_stage(digest, round(info.seconds * fps), fps, config.audio)
    source = _source_of_words(info, digest, config, words, transcript, speaker, notes=[])
    spoken: list[Word] = []
    if source:
        yield source.stage
        arrays = load_stage(folder, source.stage.name, source.stage.key)
        if arrays is None:
            return
        spoken = words_from_arrays(arrays)
    yield text_stage(spoken, config.text)


@dataclass(frozen=True)
class _Source:
    """Where words come from: their stage, what it does, and how it was chosen, to be told."""

    stage: Stage
    find: Callable[[], list[Word]]
    choice: str = ""


def _words(
    info: AudioFile,
    digest: str,
    *,
    config: Config,
    words: Path | None,
    transcript: Path | None,
    speaker: str | None,
    cache: StageCache,
) -> tuple[list[Word], list[str]]:
    """Finds the words and what is remarkable about them."""
    notes: list[str] = []
    source = _source_of_words(info, digest, config, words, transcript, speaker, notes=notes)
    if source is None:
        return [], ["no words, because it is silent and comes with none"]
    arrays = cache.arrays(source.stage, lambda: words_to_arrays(info.path, source.find(), notes))
    # Who chose the aligner is not kept: the words would be the same if the user had named it.
    kept = [note for note in arrays["notes"].tolist() if not note.startswith(CHOICE)]
    return words_from_arrays(arrays), [*kept, *([source.choice] if source.choice else [])]


def _source_of_words(
    info: AudioFile,
    digest: str,
    config: Config,
    words: Path | None,
    transcript: Path | None,
    speaker: str | None,
    *,
    notes: list[str],
) -> _Source | None:
    """Returns where words come from, None when there are none in silence."""
    if words:
        tier, note = config.words.tier, notes.append
        timed = read_timed_text(words, info.seconds, speaker=speaker, tier=tier, note=note)
        if not timed.words:
            notes.append(f"no words, because {words.name} holds none")
        aligner = aligner_of_cues(config.words) if timed.cues else None
        return _Source(
            timed_words_stage(digest, timed, notes, aligner, config.words),
            lambda: align_cues(aligner, info.path, timed, note),
        )
    if transcript:
        text, aligner = read_transcript(transcript), choose_aligner(config.words)
        return _Source(
            aligned_words_stage(digest, text, aligner, config.words),
            lambda: align_by(aligner, info.path, spoken_words(info.path, text), notes.append),
            choice_note(aligner, config.words),
        )
    if any(note.startswith("silent") for note in info.notes):
        return None
    return _Source(
        transcribed_words_stage(digest, config.words),
        lambda: list(heard_words(info.path, config.words, note=notes.append).words),
    )


def words_to_arrays(audio: Path, words: Sequence[Word], notes: Sequence[str]) -> Arrays:
    """Returns what the stage `words` keeps: words, and notes with what the sound says of them."""
    notes = [*notes, *alignment_notes(audio, words)]
    times = [(word.start_seconds, word.end_seconds) for word in words]
    confidence = [math.nan if word.confidence is None else word.confidence for word in words]
    return {
        "text": np.array([word.text for word in words], dtype=np.str_),
        "times": np.array(times, np.float64).reshape(-1, 2),
        "confidence": np.array(confidence, np.float64),
        "notes": np.array(notes, dtype=np.str_),
    }


def read_transcript(path: Path) -> str:
    """Reads what is said.

    Raises:
        UserError: When the file is missing, empty or neither UTF-8 nor UTF-16.
    """
    if not path.is_file():
        raise UserError(f"transcript {path} does not exist; check the path")
    text = read_text(path)
    if not text.strip():
        raise UserError(f"transcript {path} is empty; write down what is said or remove it")
    return text
