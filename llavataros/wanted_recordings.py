"""Which recordings a command line means: files, and folders of them, each with its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.sources.files import (
    AUDIO_SUFFIXES,
    files_beside,
    find_speech,
    first,
    group_files,
)
from llavataros_jax.errors import UserError


@dataclass(frozen=True)
class WantedRecording:
    """A recording to animate.

    Attributes:
        audio: The sound file.
        name: Name of what is written, which may lie in sub-folders of the output folder.
        words: Timed words that lie beside it or that the user named.
        transcript: What is said, likewise.
        notes: What was chosen for the user.
    """

    audio: Path
    name: Path
    words: Path | None = None
    transcript: Path | None = None
    notes: tuple[str, ...] = ()


def wanted_recordings(paths: Sequence[Path | str], *, out: Path) -> list[WantedRecording]:
    """Finds the recordings of files and folders, and the words beside each.

    A folder is searched with its sub-folders, which the results keep; `out` is left out.

    Raises:
        UserError: When a folder holds no recording, or two recordings would have one name.
    """
    found: list[WantedRecording] = []
    for path in (Path(path).expanduser() for path in paths):
        found += _of_folder(path, out) if path.is_dir() else [_with_words(path, Path(path.stem))]
    taken: dict[Path, Path] = {}
    for recording in found:
        before = taken.setdefault(recording.name, recording.audio)
        if before != recording.audio:
            raise UserError(
                f"{before} and {recording.audio} would both be written as {recording.name}; "
                "animate them one after another with different --out"
            )
    return [r for number, r in enumerate(found) if r.audio not in {f.audio for f in found[:number]}]


def _of_folder(folder: Path, out: Path) -> list[WantedRecording]:
    groups = group_files(folder, excluded=out)
    found = [
        _with_words(audio, stem)
        for stem, files in sorted(groups.items())
        if (audio := first(files, AUDIO_SUFFIXES))
    ]
    if not found:
        raise UserError(
            f"{folder} holds no recording; name a sound or film file, or a folder of them"
        )
    return found


def _with_words(audio: Path, name: Path) -> WantedRecording:
    if not audio.parent.is_dir():
        return WantedRecording(audio, name)
    beside = files_beside(audio)
    beside.pop(audio.suffix.lower(), None)
    speech = find_speech([beside])
    notes = list(speech.notes)
    if source := speech.words or speech.transcript:
        notes.append(f"words are from {source.name}, which lies beside the recording")
    transcript = None if speech.words else speech.transcript
    return WantedRecording(audio, name, speech.words, transcript, tuple(notes))
