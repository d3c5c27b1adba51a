"""The aligners that want all recordings at once, run before clips are worked on one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.align.aligner import Aligner, Alignment, CorpusAligner, Utterance
from data_prep.align.choice import choose_aligner, spoken_words
from data_prep.align.mfa_folder import clear
from data_prep.clips.attempt import attempt
from data_prep.clips.cache import Arrays, NotKeptError, StageCache
from data_prep.clips.clip import Clip
from data_prep.clips.speech import read_transcript, words_to_arrays
from data_prep.clips.stages import Stage, aligned_words_stage
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
        UserError: When the aligner ends with an error.
    """
    clear(cache_folder / "mfa")  # of what a killed run left
    done = BatchAlignment()
    spoken = [clip for clip in clips if clip.transcript and not clip.words]
    if not spoken or config.aligner == "pocketsphinx":
        return done
    aligner, _ = attempt(lambda: choose_aligner(config))
    if not isinstance(aligner, CorpusAligner):
        return done  # without any, each clip will say it
    stages: dict[str, Stage] = {}
    utterances: dict[str, Utterance] = {}
    for clip in spoken:
        found, _ = attempt(lambda clip=clip: _utterance(clip, config, aligner, cache_folder))
        if found:
            stages[clip.name], utterances[clip.name] = found
    if not utterances:
        return done
    alignments = aligner.align_corpus(list(utterances.values()), cache_folder / aligner.name)
    for name, alignment in alignments.items():
        arrays, problem = attempt(
            lambda name=name, alignment=alignment: _arrays(utterances[name].audio, alignment)
        )
        if arrays is None:
            done.problems[name] = str(problem)
            continue
        StageCache(cache_folder).arrays(stages[name], lambda arrays=arrays: arrays)
        done.made.add(name)
    return done


def _utterance(
    clip: Clip, config: WordsConfig, aligner: Aligner, cache_folder: Path
) -> tuple[Stage, Utterance] | None:
    """Returns what is to be aligned, or None when its words are kept."""
    assert clip.transcript is not None
    text = read_transcript(clip.transcript)
    stage = aligned_words_stage(file_hash(clip.audio), text, aligner, config)
    try:
        StageCache(cache_folder, only_kept=True).arrays(stage, dict)
    except NotKeptError:
        words = tuple(spoken_words(clip.audio, text))
        return stage, Utterance(clip.name, clip.speaker, clip.audio, words)
    return None


def _arrays(audio: Path, alignment: Alignment) -> Arrays:
    """Returns what the stage keeps of an alignment, if it makes sense."""
    if alignment.problem:
        raise UserError(alignment.problem)
    seconds = read_info(audio).seconds
    words = checked_words(alignment.words, seconds, origin=f"alignment of {audio}")
    return words_to_arrays(audio, words, alignment.notes)
