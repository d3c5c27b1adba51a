"""Files of recordings: which suffixes are of use, and how a folder is searched."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from llavataros_jax.errors import UserError

# Where there are several of a kind, the first counts.
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
MOTION_SUFFIXES = (".npy", ".npz", ".bvh")
WORDS_SUFFIXES = (".textgrid", ".json", ".tsv", ".ctm")
TRANSCRIPT_SUFFIXES = (".txt", ".lab")

Files = dict[str, Path]  # by lower-case suffix


def group_files(folder: Path, *, excluded: Path) -> dict[Path, Files]:
    """Groups the files below `folder` by their path without suffix, relative to it."""
    groups: dict[Path, Files] = defaultdict(dict)
    known = (*AUDIO_SUFFIXES, *MOTION_SUFFIXES, *WORDS_SUFFIXES, *TRANSCRIPT_SUFFIXES)
    for path in walk(folder, excluded=excluded):
        if path.suffix.lower() in known:
            groups[path.relative_to(folder).with_suffix("")].setdefault(path.suffix.lower(), path)
    return dict(groups)


def walk(folder: Path, *, excluded: Path | None = None) -> Iterator[Path]:
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


def words_files(words_folder: str | None) -> dict[str, Files]:
    """Finds the words of `data.words_folder` by relative path and by stem.

    Raises:
        UserError: When it is no folder.
    """
    if words_folder is None:
        return {}
    folder = Path(words_folder)
    if not folder.is_dir():
        raise UserError(
            f"data.words_folder={words_folder} is not a folder; give the one with words or null"
        )
    found: dict[str, Files] = defaultdict(dict)
    for path in walk(folder):
        suffix = path.suffix.lower()
        if suffix in WORDS_SUFFIXES + TRANSCRIPT_SUFFIXES:
            for key in {path.relative_to(folder).with_suffix("").as_posix(), path.stem}:
                found[key].setdefault(suffix, path)
    return dict(found)


def first(files: Files, suffixes: tuple[str, ...]) -> Path | None:
    """Returns the file of the first of these suffixes."""
    return next((files[suffix] for suffix in suffixes if suffix in files), None)


def first_words(places: list[Files]) -> tuple[Path | None, Path | None]:
    """Returns timed words and a transcript, each from the first place that has one."""
    words = (first(files, WORDS_SUFFIXES) for files in places)
    transcripts = (first(files, TRANSCRIPT_SUFFIXES) for files in places)
    return next(filter(None, words), None), next(filter(None, transcripts), None)


def files_beside(path: Path) -> Files:
    """Finds the files of the same folder and stem by their suffixes."""
    siblings = sorted(path.parent.glob("*"))
    return {other.suffix.lower(): other for other in siblings if other.stem == path.stem}
