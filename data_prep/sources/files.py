"""Files of recordings: which suffixes are of use, and how a folder is searched."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.sources.animated import animated_files
from data_prep.sources.lookalikes import lookalike
from data_prep.words.timed_files import holds_timed_words
from llavataros_jax.errors import UserError
from llavataros_jax.motion.reader import MOTION_SUFFIXES
from llavataros_jax.sound.suffixes import AUDIO_SUFFIXES

WORDS_SUFFIXES = (
    *(".textgrid", ".json", ".jsonl", ".marks", ".tsv", ".ctm", ".csv"),
    *(".vtt", ".srt", ".ass", ".ssa", ".sbv", ".lrc", ".stm"),
)
TRANSCRIPT_SUFFIXES = (".txt", ".lab")

Files = dict[str, Path]  # by lower-case suffix


@dataclass(frozen=True)
class Speech:
    """What is said in a clip, as files.

    Attributes:
        words: Timed words, if there are any.
        transcript: What is said, without times, if it is known.
        notes: Which files look like either and are not.
    """

    words: Path | None
    transcript: Path | None
    notes: tuple[str, ...] = ()


def group_files(
    folder: Path, *, excluded: Path, skipped: dict[str, str] | None = None
) -> dict[Path, Files]:
    """Groups the files below `folder` by their path without suffix, relative to it.

    What is not to be read is added to `skipped`, with the reason; see `walk`.
    """
    groups: dict[Path, Files] = defaultdict(dict)
    known = (*AUDIO_SUFFIXES, *MOTION_SUFFIXES, *WORDS_SUFFIXES, *TRANSCRIPT_SUFFIXES)
    for path in walk(folder, excluded=excluded, skipped=skipped):
        if path.suffix.lower() in known:
            groups[path.relative_to(folder).with_suffix("")].setdefault(path.suffix.lower(), path)
    return dict(groups)


def walk(
    folder: Path, *, excluded: Path | None = None, skipped: dict[str, str] | None = None
) -> Iterator[Path]:
    """Yields the files below `folder` in order; what is hidden or excluded is left out.

    What an animation wrote is left out too, and added to `skipped` by its path in `folder`.
    """
    seen = {folder.resolve()}  # links may lead round in circles
    if excluded:
        seen.add(excluded.resolve())
    for parent, folders, names in os.walk(folder, followlinks=True):
        visible = sorted(name for name in folders if not name.startswith("."))
        places = {name: (Path(parent) / name).resolve() for name in visible}
        folders[:] = [name for name in visible if places[name] not in seen]
        seen.update(places.values())
        names = sorted(name for name in names if not name.startswith("."))
        animated = animated_files(Path(parent), names)
        for name in names:
            path = Path(parent) / name
            if name not in animated:
                yield path
            elif skipped is not None:
                skipped[path.relative_to(folder).as_posix()] = animated[name]


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


def find_speech(places: Sequence[Files]) -> Speech:
    """Finds timed words and a transcript, each in the first place that has one.

    Labels or captions under the name of a transcript, as Audacity saves them, are timed words.
    """
    notes: list[str] = []
    words = _first_real(places, WORDS_SUFFIXES, notes)
    transcript = _first_real(places, TRANSCRIPT_SUFFIXES, notes)
    if transcript is not None and holds_timed_words(transcript):
        words, transcript = words or transcript, None
    return Speech(words, transcript, tuple(notes))


def files_beside(path: Path) -> Files:
    """Finds the files of the same folder and stem by their suffixes."""
    names = sorted(other.name for other in path.parent.glob("*") if other.stem == path.stem)
    animated = animated_files(path.parent, names)
    others = [path.with_name(name) for name in names if name not in animated]
    return {other.suffix.lower(): other for other in others}


def _first_real(
    places: Sequence[Files], suffixes: tuple[str, ...], notes: list[str]
) -> Path | None:
    """Returns the first file of these kinds that is what its suffix says, and notes the others."""
    for files in places:
        for path in (files[suffix] for suffix in suffixes if suffix in files):
            kind = lookalike(path)
            if kind is None:
                return path
            note = f"{path.name} is not read: it holds {kind}"
            if note not in notes:
                notes.append(note)
    return None
