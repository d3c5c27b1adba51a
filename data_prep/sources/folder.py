"""A folder of recordings: sound files with motion and words of the same name beside them."""

import dataclasses
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_prep.clip import Clip
from data_prep.sources.clips_table import FILE_NAME, TableRow, read_clips_table
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError

# Where there are several of a kind, the first counts.
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
MOTION_SUFFIXES = (".npy", ".npz", ".bvh")
WORDS_SUFFIXES = (".textgrid", ".json", ".tsv", ".ctm")
TRANSCRIPT_SUFFIXES = (".txt", ".lab")

LONE_SPEAKER = "speaker"
_MIRROR = re.compile(r"_mirror(?=_|$)")

Files = dict[str, Path]  # by lower-case suffix


@dataclass(frozen=True)
class Recordings:
    """What a folder holds.

    Attributes:
        clips: Clips in the order of their names, with those that are wanted as interlocutors only.
        skipped: Names that are no clip, each with the reason.
        problems: Clips that were asked for and cannot be found, each with the reason.
    """

    clips: tuple[Clip, ...]
    skipped: dict[str, str]
    problems: dict[str, str]


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
    groups = _group_files(folder, excluded=Path(data.records))
    outside = _words_files(data.words_folder)
    table_path = folder / FILE_NAME
    table = read_clips_table(table_path) if table_path.is_file() else {}
    stems = [stem.name for stem in groups if _first(groups[stem], AUDIO_SUFFIXES)]
    clips: dict[str, Clip] = {}
    skipped: dict[str, str] = {}
    for stem, files in groups.items():
        relative = stem.as_posix()
        name = stem.name if stems.count(stem.name) <= 1 else relative
        audio, motion = _first(files, AUDIO_SUFFIXES), _first(files, MOTION_SUFFIXES)
        if audio is None:
            if motion is not None:
                skipped[relative] = f"motion {motion} has no audio beside it"
            continue
        sources = (outside.get(relative, {}), outside.get(stem.name, {}), files)
        words = next(filter(None, (_first(found, WORDS_SUFFIXES) for found in sources)), None)
        texts = (_first(found, TRANSCRIPT_SUFFIXES) for found in sources)
        row = table.get(name, TableRow(name, 0))
        clips[name] = Clip(
            name=name,
            take=row.take or _MIRROR.sub("", name),
            speaker=row.speaker or _speaker_of(stem),
            audio=audio,
            motion=motion,
            words=words,
            transcript=next(filter(None, texts), None),
            interlocutor=row.interlocutor,
            notes=_notes_on_choice(files),
        )
    problems = {
        row.name: f"{table_path}: line {row.line} names {row.name!r}, which has no audio file"
        for row in table.values()
        if row.name not in clips
    }
    wanted = {clip.interlocutor for clip in clips.values() if clip.motion}
    for name, clip in list(clips.items()):
        if clip.interlocutor and (clip.interlocutor not in clips or clip.interlocutor == name):
            line = f"{table_path}: line {table[name].line}"
            problems[name] = (
                f"{line} names the interlocutor {clip.interlocutor!r}, which is no "
                + ("other clip" if clip.interlocutor == name else "clip with an audio file")
            )
            clips[name] = dataclasses.replace(clip, interlocutor=None)
        if clip.motion is None and name not in wanted:
            skipped[name] = f"audio {clip.audio} has no motion beside it (.npy, .npz or .bvh)"
            problems.pop(name, None)
    kept = (clips[name] for name in sorted(clips) if name not in skipped and name not in problems)
    return Recordings(tuple(kept), skipped, problems)


def _group_files(folder: Path, *, excluded: Path) -> dict[Path, Files]:
    """Groups the files below `folder` by their path without suffix, relative to it."""
    groups: dict[Path, Files] = defaultdict(dict)
    known = (*AUDIO_SUFFIXES, *MOTION_SUFFIXES, *WORDS_SUFFIXES, *TRANSCRIPT_SUFFIXES)
    for path in _walk(folder, excluded=excluded):
        if path.suffix.lower() in known:
            groups[path.relative_to(folder).with_suffix("")].setdefault(path.suffix.lower(), path)
    return dict(groups)


def _walk(folder: Path, *, excluded: Path | None = None) -> Iterator[Path]:
    """Yields the files below `folder` in order; what is hidden or excluded is left out."""
    seen = {folder.resolve()}  # links may lead round in circles
    if excluded:
        seen.add(excluded.resolve())
    for parent, folders, names in os.walk(folder, followlinks=True):
        visible = sorted(name for name in folders if not name.startswith("."))
        places = {name: (Path(parent) / name).resolve() for name in visible}
        folders[:] = [name for name in visible if places[name] not in seen]
        seen.update(places.values())
        yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))


def _words_files(words_folder: str | None) -> dict[str, Files]:
    """Finds the words of `data.words_folder` by relative path and by stem."""
    if words_folder is None:
        return {}
    folder = Path(words_folder)
    if not folder.is_dir():
        raise UserError(
            f"data.words_folder={words_folder} is not a folder; give the one with words or null"
        )
    found: dict[str, Files] = defaultdict(dict)
    for path in _walk(folder):
        suffix = path.suffix.lower()
        if suffix in WORDS_SUFFIXES + TRANSCRIPT_SUFFIXES:
            for key in {path.relative_to(folder).with_suffix("").as_posix(), path.stem}:
                found[key].setdefault(suffix, path)
    return dict(found)


def _first(files: Files, suffixes: tuple[str, ...]) -> Path | None:
    return next((files[suffix] for suffix in suffixes if suffix in files), None)


def _speaker_of(stem: Path) -> str:
    parent = stem.parent.as_posix()
    speaker = LONE_SPEAKER if parent == "." else parent
    return f"{speaker}_mirror" if _MIRROR.search(stem.name) else speaker


def _notes_on_choice(files: Files) -> tuple[str, ...]:
    """Says which files of a kind were passed over."""
    notes = []
    for suffixes in (AUDIO_SUFFIXES, MOTION_SUFFIXES):
        taken, *others = [files[suffix].name for suffix in suffixes if suffix in files] or [""]
        if others:
            notes.append(f"{taken} is used, {', '.join(others)} is not")
    return tuple(notes)
