"""A folder of recordings: sound files with motion and words of the same name beside them."""

from pathlib import Path

from data_prep.clips.clip import Clip
from data_prep.sources.files import (
    AUDIO_SUFFIXES,
    MOTION_SUFFIXES,
    Files,
    find_speech,
    first,
    group_files,
    words_files,
)
from data_prep.sources.recordings import Recordings, speaker_of, take_of, with_table
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError


def find_clips(data: DataConfig) -> Recordings:
    """Finds the clips of `data.folder` and its sub-folders.

    Words are looked for in `data.words_folder` first; timed words go before a transcript. The
    table `clips.tsv` says who speaks in which take and with whom; without it the sub-folder is the
    speaker, the name is the take, and `_mirror` in a name marks the mirror of a take, which gets a
    speaker of its own.

    Raises:
        UserError: When a folder does not exist or the table is malformed.
    """
    folder = Path(data.folder)
    if not folder.is_dir():
        raise UserError(f"data.folder={data.folder} is not a folder; give the one with recordings")
    skipped: dict[str, str] = {}
    groups = group_files(folder, excluded=Path(data.records), skipped=skipped)
    outside = words_files(data.words_folder)
    stems = [stem.name for stem in groups if first(groups[stem], AUDIO_SUFFIXES)]
    clips: dict[str, Clip] = {}
    for stem, files in groups.items():
        relative = stem.as_posix()
        name = stem.name if stems.count(stem.name) <= 1 else relative
        audio, motion = first(files, AUDIO_SUFFIXES), first(files, MOTION_SUFFIXES)
        if audio is None:
            if motion is not None:
                skipped[relative] = f"motion {motion} has no audio beside it"
            continue
        speech = find_speech([outside.get(relative, {}), outside.get(stem.name, {}), files])
        parent = stem.parent.as_posix()
        clips[name] = Clip(
            name=name,
            take=take_of(name),
            speaker=speaker_of(stem.name, None if parent == "." else parent),
            audio=audio,
            motion=motion,
            words=speech.words,
            transcript=speech.transcript,
            notes=(*_notes_on_choice(files), *speech.notes),
        )
    return with_table(clips, data, skipped=skipped)


def _notes_on_choice(files: Files) -> tuple[str, ...]:
    """Says which of several files of a kind is used."""
    notes = []
    for suffixes in (AUDIO_SUFFIXES, MOTION_SUFFIXES):
        taken, *others = [files[suffix].name for suffix in suffixes if suffix in files] or [""]
        if others:
            notes.append(f"{taken} is used, {', '.join(others)} is not")
    return tuple(notes)
