"""The clips of a study: recordings, and what each system's motion of them is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.rendering.encoder import SUFFIXES as FILM_SUFFIXES
from llavataros_jax.sound.reader import read_info
from llavataros_jax.sound.suffixes import AUDIO_SUFFIXES

SHORTEST_SECONDS = 1.0
NOTED_SECONDS = 0.5  # by which files of a clip may differ without a word


@dataclass(frozen=True)
class Clip:
    """A recording and the motion that systems made for it.

    Attributes:
        name: Name of its files, without suffix.
        audio: The recording.
        motion: A motion file or a film, by system.
        seconds: Of the study's part of it: what recording and every motion have, cut to what was
            asked for; 0 before it is measured.
        audio_seconds: From the start of the study's part to the recording's end.
    """

    name: str
    audio: Path
    motion: Mapping[str, Path]
    seconds: float = 0.0
    audio_seconds: float = 0.0


def systems_of(given: Sequence[str]) -> dict[str, Path]:
    """Reads `NAME=DIR` of every system.

    Raises:
        UserError: A name is missing or there twice, or a folder does not exist.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        if not (name.strip() and equals and folder):
            raise UserError(f"--motion {text} is not NAME=DIR, a system and the folder it wrote")
        if name in found:
            raise UserError(f"--motion names {name} twice; give each system a name of its own")
        if not Path(folder).is_dir():
            raise UserError(f"--motion {text}: {folder} is no folder; name the one {name} wrote")
        found[name] = Path(folder)
    return found


def find_clips(
    audio: Path, systems: Mapping[str, Path], *, names: Sequence[str] = ()
) -> list[Clip]:
    """Finds every clip that a system has motion of, or those named, by the names of files.

    Motion goes before a film of the same name, and of several motion files the first of `.npy`,
    `.npz`, `.bvh` counts.

    Raises:
        UserError: A folder is missing, or a clip lacks its recording or the motion of a system.
    """
    if not audio.is_dir():
        raise UserError(f"--audio {audio} is no folder; name the one with the recordings")
    recordings = _by_name(audio, AUDIO_SUFFIXES)
    moving = {
        system: _by_name(folder, (*MOTION_SUFFIXES, *FILM_SUFFIXES))
        for system, folder in systems.items()
    }
    wanted = list(dict.fromkeys(names)) or sorted(set().union(*moving.values()))
    if not wanted:
        folders = ", ".join(map(str, systems.values()))
        raise UserError(
            f"{folders}: there is no motion (.npy, .npz, .bvh) and no film (.mp4, .mov)"
        )
    clips = []
    for name in wanted:
        for system, files in moving.items():
            if name not in files:
                raise UserError(
                    f"system {system} has no motion of the clip {name} in {systems[system]}; add "
                    "it, or choose the clips that all systems have by --names"
                )
        if name not in recordings:
            raise UserError(
                f"{next(iter(moving.values()))[name]} has no recording {name} in {audio}; add it, "
                "or choose the clips by --names"
            )
        motion = {system: files[name] for system, files in moving.items()}
        clips.append(Clip(name, recordings[name], motion))
    return clips


def measure(clip: Clip, *, start_seconds: float, longest_seconds: float) -> tuple[Clip, list[str]]:
    """Finds out how much of a clip can be shown of every system alike.

    Returns:
        The clip with its length, and what is strange about its files.

    Raises:
        UserError: A file cannot be read, or less than a second is left.
    """
    notes = []
    recorded = read_info(clip.audio).seconds
    lengths = {clip.audio: recorded}
    for path in clip.motion.values():
        if path.suffix.lower() in MOTION_SUFFIXES:
            motion, found = read_motion(path, audio_seconds=recorded)
            lengths[path] = motion.seconds
            notes += [f"{path}: {note}" for note in found]
        else:
            lengths[path] = _film_seconds(path)
    shortest = min(lengths, key=lambda path: lengths[path])
    left = lengths[shortest] - start_seconds
    if left < SHORTEST_SECONDS:
        after = f", {left:.2f} s of them after --start {start_seconds:g}" if start_seconds else ""
        raise UserError(
            f"{shortest} lasts {lengths[shortest]:.2f} s{after}, and less than "
            f"{SHORTEST_SECONDS:g} s cannot be judged; leave {clip.name} out by --names"
        )
    seconds = min(left, longest_seconds)
    if seconds == left and max(lengths.values()) - lengths[shortest] > NOTED_SECONDS:
        notes.append(
            f"{clip.name} is shown for {seconds:.2f} s, because {shortest} ends there; the longest "
            f"of its files lasts {max(lengths.values()):.2f} s"
        )
    return Clip(clip.name, clip.audio, clip.motion, seconds, recorded - start_seconds), notes


def _by_name(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Returns the files of a folder by stem; of several, the one whose suffix comes first."""
    files = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
    known = [path for path in files if path.suffix.lower() in suffixes]
    known.sort(key=lambda path: (suffixes.index(path.suffix.lower()), path.name))
    found: dict[str, Path] = {}
    for path in known:
        found.setdefault(path.stem, path)
    return found


def _film_seconds(path: Path) -> float:
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.count_frames_and_secs(str(path))[1] or 0.0
    except (RuntimeError, ValueError) as problem:
        raise UserError(f"{path} is no film that can be read; export it as MP4 again") from problem
