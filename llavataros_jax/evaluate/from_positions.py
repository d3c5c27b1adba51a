"""Motion that is positions only, as much of what is published."""

from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.evaluate.neighbours import neighbours
from llavataros_jax.evaluate.position_file import PositionFile
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.listing import listed
from llavataros_jax.sound.reader import read_info
from llavataros_jax.sound.suffixes import AUDIO_SUFFIXES

# Motion and sound of one recording may end so far apart; more is another rate or recording.
_APART_SECONDS, _APART_SHARE = 1.0, 0.1


class PositionClips:
    """Clips of files of positions, with the sound that there is.

    Such files say nothing about who speaks: all clips count as one person's.

    Attributes:
        system: Who is measured: the files' names.
        split: Of which clips.
        names: Of the clips.
        silent: Names of the clips without sound.
    """

    def __init__(
        self,
        joints: Sequence[Path],
        real: Path | None = None,
        audio: Path | None = None,
        *,
        clips: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        fps: float | None = None,
        metres_per_unit: float | None = None,
        beside: str | None = None,
        facing: bool = False,
    ) -> None:
        """Finds the clips.

        Args:
            joints: The system's motions: a file, or one for each of its samples.
            real: Recorded motion of the same clips; without it the first of `joints` stands for
                it, and what compares must not be measured (`evaluate.unrecorded`).
            audio: Folder of sound files that are called like clips; a clip may have none.
            clips: Those that count, if not all.
            names: Names of the joints, when the files do not say them.
            fps: Rate, when the files do not say it.
            metres_per_unit: Of all files; when not given, each one's is found by the body's size.
            beside: Joint beside which all places are; needed where some files are of bodies in a
                room, and others of bodies whose hips stay where they are.
            facing: Turn every clip about the vertical so that it faces z on the mean; needed where
                bodies of different files face different ways.

        Raises:
            UserError: When a file or folder is not as needed, or a clip is missing in one.
        """
        self.system = ", ".join(map(str, joints))
        self.split = "all" if clips is None else "chosen"

        def opened(path: Path, like: PositionFile | None) -> PositionFile:
            return PositionFile(
                path,
                names=names,
                fps=fps,
                metres_per_unit=metres_per_unit,
                beside=beside,
                facing=facing,
                like=like.skeleton if like else None,
            )

        self._real = opened(real, None) if real else None
        self._joints: list[PositionFile] = []
        for path in joints:
            like = self._real or next(iter(self._joints), None)
            self._joints.append(opened(path, like))
        files = [*([self._real] if self._real else []), *self._joints]
        self.names = _common(files, clips)
        self._audio = _sounds(Path(audio), self.names) if audio else {}
        self.silent = tuple(name for name in self.names if name not in self._audio)
        self._heard = [name for name in self.names if name in self._audio]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, clip: int) -> Performance:
        name = self.names[clip]
        predicted = tuple(file.read(name) for file in self._joints)
        real = self._real.read(name) if self._real else predicted[0]
        spoken, others = None, []
        if name in self._audio:
            spoken = self._spoken(name, real.seconds)
            _check_length(name, real.seconds, spoken.recording)
            following = neighbours([""] * len(self._heard), self._heard.index(name))
            others = [self._spoken(self._heard[number], real.seconds) for number in following]
        return Performance(
            clip=name,
            speaker="",
            real=real,
            predicted=predicted,
            spoken=spoken,
            other=others[0] if others else None,
            foils=tuple(others[1:]),
        )

    def _spoken(self, name: str, seconds: float) -> Spoken:
        return Spoken(self._audio[name], 0.0, seconds)


def _common(files: Sequence[PositionFile], chosen: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the clips that count, which all files must have."""
    first = files[0]
    names = first.clips if chosen is None else tuple(dict.fromkeys(chosen))
    for file in files:
        if lacking := [name for name in names if name not in file.clips]:
            where = "--clips" if chosen is not None else first.path
            raise UserError(
                f"{file.path} has no clip {listed(lacking, 5)}, of {len(names)} in {where}; add "
                "it, or name clips that all files have with --clips"
            )
        if chosen is None and (more := [name for name in file.clips if name not in names]):
            raise UserError(
                f"{first.path} has no clip {listed(more, 5)}, of {len(file.clips)} in "
                f"{file.path}; add it, or name clips that all files have with --clips"
            )
    return names


def _sounds(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Returns the sound of clips by their names; of several files the usual ending's counts."""
    if not folder.is_dir():
        raise UserError(f"--audio {folder} is no folder; name the folder that holds the sound")
    rank = {suffix: place for place, suffix in enumerate(AUDIO_SUFFIXES)}
    files = [path for path in folder.iterdir() if path.suffix.lower() in rank]
    files.sort(key=lambda path: (-rank[path.suffix.lower()], path.name))
    sounds = {path.stem: path for path in files}
    found = {name: sounds[name] for name in names if name in sounds}
    if not found:
        raise UserError(
            f"--audio {folder} holds {len(files)} files of sound, of which none is called like a "
            f"clip, {listed(names, 3)}; rename them"
        )
    return found


def _check_length(name: str, seconds: float, recording: Path) -> None:
    heard = read_info(recording).seconds
    if abs(heard - seconds) > max(_APART_SECONDS, _APART_SHARE * seconds):
        raise UserError(
            f"clip {name} moves for {seconds:.2f} s and {recording} lasts {heard:.2f} s; they must "
            "be of one recording, at the rate that --fps or the file states"
        )
