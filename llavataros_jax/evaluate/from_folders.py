"""Anybody's motion: folders of motion and of sound whose files have the same names."""

import os
from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.errors import UserError
from llavataros_jax.evaluate.neighbours import neighbours
from llavataros_jax.evaluation.protocols.smplx_whole import read_whole_smplx
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from llavataros_jax.sound.reader import read_info
from llavataros_jax.sound.suffixes import AUDIO_SUFFIXES


class FolderClips:
    """Clips that are named alike in folders of recorded motion, of a system's, and of sound."""

    def __init__(
        self,
        motion: Sequence[Path],
        real: Path,
        audio: Path | None,
        *,
        source_fps: float | None = None,
        bvh_metres_per_unit: float | None = None,
        whole_smplx: bool = False,
    ) -> None:
        """Finds the clips; every recorded motion must have its partners.

        Args:
            motion: The system's motions: one folder, or one for each of its samples.
            real: Recorded motion; its sub-folders are speakers.
            audio: Their sound; without it, nothing that hears is measured.
            source_fps: Rate of motion whose files do not say it.
            bvh_metres_per_unit: Length of a BVH unit; when not given, it is found out.
            whole_smplx: Read all joints of SMPL-X and SMPL-H files, not the upper body's alone.

        Raises:
            UserError: When a folder holds nothing, or a file lacks its partner.
        """
        self.system, self.split = ", ".join(map(str, motion)), "all"
        self._source_fps, self._metres = source_fps, bvh_metres_per_unit
        self._whole_smplx = whole_smplx
        self._real = _files(real, MOTION_SUFFIXES, "--real", "motion")
        self._motion = [_files(folder, MOTION_SUFFIXES, "--motion", "motion") for folder in motion]
        self._audio = _files(audio, AUDIO_SUFFIXES, "--audio", "sound") if audio else {}
        for folder, files in zip(motion, self._motion, strict=True):
            _check(self._real, files, real, folder, "motion")
        if audio:
            _check(self._real, self._audio, real, audio, "sound")
        self.names = sorted(self._real)
        self._speakers = [os.path.dirname(name) for name in self.names]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, clip: int) -> Performance:
        name = self.names[clip]
        real = self._read(self._real[name], name)
        spoken = self._spoken(name, real.seconds)
        others = [
            heard
            for number in neighbours(self._speakers, clip)
            if (heard := self._spoken(self.names[number], real.seconds))
        ]
        return Performance(
            clip=name,
            speaker=self._speakers[clip],
            real=real,
            predicted=tuple(self._read(files[name], name) for files in self._motion),
            spoken=spoken,
            other=others[0] if others else None,
            foils=tuple(others[1:]),
        )

    def _read(self, path: Path, name: str) -> Trajectories:
        if self._whole_smplx and path.suffix.lower() == ".npz":
            whole = read_whole_smplx(path, fps=self._source_fps)
            if whole is not None:
                return of_motion(whole)
        audio = self._audio.get(name)
        motion, _ = read_motion(
            path,
            audio_seconds=read_info(audio).seconds if audio else None,
            source_fps=self._source_fps,
            bvh_metres_per_unit=self._metres,
        )
        return of_motion(motion)

    def _spoken(self, name: str, seconds: float) -> Spoken | None:
        audio = self._audio.get(name)
        return Spoken(audio, 0.0, seconds) if audio else None


def _files(folder: Path, suffixes: Sequence[str], option: str, kind: str) -> dict[str, Path]:
    """Returns the files of some endings below a folder, by their path in it without ending.

    Raises:
        UserError: When there is no such folder or file, or two files have one name.
    """
    if not folder.is_dir():
        raise UserError(f"{option} {folder} is no folder; name the folder that holds the {kind}")
    found: dict[str, Path] = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(parent) / name for name in sorted(names)):
            if path.suffix.lower() not in suffixes or path.name.startswith("."):
                continue
            name = path.relative_to(folder).with_suffix("").as_posix()
            if name in found:
                raise UserError(
                    f"{found[name]} and {path} are both the {kind} of {name}; keep one of them"
                )
            found[name] = path
    if not found:
        raise UserError(
            f"{option} {folder} holds no {kind}, which are files of {', '.join(suffixes[:6])}"
        )
    return found


def _check(
    real: dict[str, Path], partners: dict[str, Path], folder: Path, others: Path, kind: str
) -> None:
    lacking = sorted(real.keys() - partners.keys())
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise UserError(
            f"{real[lacking[0]]}{more} has no {kind} of the same name in {others}, which holds "
            f"{len(partners)} for {len(real)} clips; add it, or take the clip out of {folder}"
        )
