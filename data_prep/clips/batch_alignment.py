"""The aligners that want all recordings at once, run before clips are worked on one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.align.aligner import CorpusAligner, Utterance
from data_prep.align.choice import choice_note, choose_aligner, spoken_words
from data_prep.clips.cache import NotKeptError, StageCache
from data_prep.clips.clip import Clip
from data_prep.clips.speech import (
    WORDS_VERSION,
    aligned_words_inputs,
    read_transcript,
    words_to_arrays,
)
from data_prep.machine.fingerprint import file_hash
from data_prep.words.word import checked_words
from llavataros_jax.config import WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_info


@dataclass
class BatchAlignment:
    """What aligning all recordings at once has done.

    Attributes:
        made: Names of clips whose words are now kept in the cache.
        problems: Clips that could not be aligned, each with the reason.
    """

    made: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)


def align_together(
    clips: Sequence[Clip], config: WordsConfig, cache_folder: Path
) -> BatchAlignment:
    """Aligns all clips with a transcript in one run and keeps the words as their stage would.

    It does nothing when the aligner works on one recording at a time, or all words are kept. What
    is wrong with a clip's own files is left for the clip's stages to tell.

    Raises:
        UserError: When the aligner is missing or ends with an error.
    """
    done = BatchAlignment()
    spoken = [clip for clip in clips if clip.transcript and not clip.words]
    if not spoken or config.aligner == "pocketsphinx":
        return done
    try:
        aligner = choose_aligner(config)
    except UserError:
        return done  # each clip will say it
    if not isinstance(aligner, CorpusAligner):
        return done
    inputs, utterances = {}, {}
    for clip in spoken:
        assert clip.transcript is not None
        try:
            text = read_transcript(clip.transcript)
            key = aligned_words_inputs(file_hash(clip.audio), text, config, aligner)
            if _is_kept(cache_folder, key):
                continue
            words = tuple(spoken_words(clip.audio, text))
        except UserError:
            continue
        inputs[clip.name] = key
        utterances[clip.name] = Utterance(clip.name, clip.speaker, clip.audio, words)
    if not utterances:
        return done
    said = choice_note(aligner, config)
    found = aligner.align_corpus(list(utterances.values()), cache_folder / aligner.name)
    for name, alignment in found.items():
        audio = utterances[name].audio
        try:
            if alignment.problem:
                raise UserError(alignment.problem)
            words = checked_words(
                alignment.words, read_info(audio).seconds, origin=f"alignment of {audio}"
            )
        except UserError as refusal:
            done.problems[name] = str(refusal)
            continue
        notes = [*alignment.notes, *([said] if said else [])]
        arrays = words_to_arrays(audio, words, notes)
        StageCache(cache_folder).arrays("words", WORDS_VERSION, inputs[name], lambda a=arrays: a)
        done.made.add(name)
    return done


def _is_kept(cache_folder: Path, inputs: dict) -> bool:
    try:
        StageCache(cache_folder, only_kept=True).arrays("words", WORDS_VERSION, inputs, dict)
    except NotKeptError:
        return False
    return True
