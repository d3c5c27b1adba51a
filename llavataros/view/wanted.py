"""What `llavataros view` shows: motions, and the speech of each as its record tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.sources.files import files_beside, find_speech
from data_prep.words.timed_files import read_timed_text
from data_prep.words.word import Word
from llavataros.written_files import read_record
from llavataros_jax.errors import UserError
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.reader import read_motion
from llavataros_jax.sound.reader import read_info

_RECORD = ".json"
_MOTIONS = (".npy", ".bvh")  # that an animation writes, the more exact first


@dataclass(frozen=True, eq=False)
class Wanted:
    """A motion to show.

    Attributes:
        name: What the page calls it.
        motion: The motion.
        audio: Its speech, if there is any.
        words: What is said.
        notes: What the user should know.
    """

    name: str
    motion: Motion
    audio: Path | None
    words: tuple[Word, ...]
    notes: tuple[str, ...]


def wanted_motions(
    paths: Sequence[Path],
    *,
    audio: Sequence[Path] = (),
    words: Sequence[Path] = (),
    labels: Sequence[str] = (),
    fps: float | None = None,
) -> list[Wanted]:
    """Reads motions, with speech that is given or that their records name.

    Args:
        paths: Motion files, or the records that `llavataros animate` writes beside them.
        audio: A recording for each, or one for all.
        words: Timed words for each, or one file for all.
        labels: A name for each; by default that of its file.
        fps: Frames per second; goes before what files say.

    Raises:
        UserError: When a file is missing or cannot be used, or numbers of files do not agree.
    """
    count = len(paths)
    recordings = _for_each(audio, count, "--audio", "recordings")
    texts = _for_each(words, count, "--words", "files of words")
    names = _names(paths, labels)
    return [
        _wanted(path, name, recording, text, fps)
        for path, name, recording, text in zip(paths, names, recordings, texts, strict=True)
    ]


def _wanted(
    path: Path, name: str, audio: Path | None, words: Path | None, fps: float | None
) -> Wanted:
    record = _record_of(path)
    if path.suffix.lower() == _RECORD and record is None:
        raise UserError(
            f"{path} is no record of llavataros animate; name a motion file (.npy, .npz, .bvh)"
        )
    notes: list[str] = []
    known = record or {}
    if audio is None:
        audio = _named(known.get("audio"), path, notes, "--audio")
    spoken = _words_of(known)
    if words is None and audio is not None and not spoken:
        named = known.get("arguments", {}).get("words")
        words = _named(named, path, notes, "--words") or find_speech([files_beside(audio)]).words
    seconds = None if audio is None else read_info(audio).seconds
    motion = _motion(path, seconds, fps or known.get("fps"), notes)
    if words is not None:
        speaker = known.get("arguments", {}).get("speaker")
        length = motion.seconds if seconds is None else seconds
        spoken = read_timed_text(words, length, speaker=speaker, note=notes.append).words
    elif audio is not None and not spoken:
        notes.append("there are no words with times; give them with --words")
    return Wanted(name, motion, audio, spoken, tuple(notes))


def _record_of(path: Path) -> dict | None:
    """Returns the record that a path is or that lies beside it."""
    record = path if path.suffix.lower() == _RECORD else path.with_name(f"{path.stem}{_RECORD}")
    if path.suffix.lower() == _RECORD and not path.is_file():
        raise UserError(f"{path} does not exist; check the path")
    tree = read_record(record)
    return tree if tree and (path == record or path.name in tree["files"]) else None


def _words_of(record: dict) -> tuple[Word, ...]:
    """Returns the words that an animation was made with; older records have none."""
    try:
        return tuple(Word(str(w), float(a), float(b)) for w, a, b in record["word_times"])
    except (KeyError, TypeError, ValueError):
        return ()


def _named(name: str | None, path: Path, notes: list[str], option: str) -> Path | None:
    """Finds a file that a record names: from here, or beside the record."""
    if not isinstance(name, str):
        return None
    for place in (Path(name).expanduser(), path.parent / Path(name).name):
        if place.is_file():
            return place
    notes.append(f"{name}, which its record names, is not here; give it with {option}")
    return None


def _motion(path: Path, seconds: float | None, fps: float | None, notes: list[str]) -> Motion:
    choices = [path]
    if path.suffix.lower() == _RECORD:
        choices = [path.with_name(f"{path.stem}{suffix}") for suffix in _MOTIONS]
        choices = [choice for choice in choices if choice.is_file()]
        if not choices:
            raise UserError(
                f"{path} is a record whose motion ({path.stem}.npy or .bvh) does not lie beside it"
            )
    for choice in choices:
        try:
            motion, found = read_motion(choice, audio_seconds=seconds, source_fps=fps)
        except UserError:
            if choice == choices[-1]:
                raise
            continue  # an array of another skeleton, which the BVH names
        notes += found
        return motion
    raise AssertionError("one of them was read or refused")


def _for_each(given: Sequence[Path], count: int, option: str, what: str) -> list[Path | None]:
    if len(given) > 1 and len(given) != count:
        raise UserError(
            f"{option} names {len(given)} {what} for {count} motions; give one for all, or one for "
            "each in their order"
        )
    if not given:
        return [None] * count
    return [given[0]] * count if len(given) == 1 else list(given)


def _names(paths: Sequence[Path], labels: Sequence[str]) -> list[str]:
    if labels and len(labels) != len(paths):
        raise UserError(f"--label names {len(labels)} of {len(paths)} motions; give one for each")
    if labels:
        return list(labels)
    stems = [path.stem for path in paths]
    # Two files of one name are told apart by their folders.
    return [
        f"{path.parent.name}/{stem}" if stems.count(stem) > 1 and path.parent.name else stem
        for path, stem in zip(paths, stems, strict=True)
    ]
