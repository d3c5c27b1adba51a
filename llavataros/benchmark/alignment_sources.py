"""What the proof of alignment learns from and judges: GENEA 2020, others beside it, generated."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.alignment.material import AlignmentClip, alignment_clip
from llavataros_jax.alignment.speech import SAMPLE_RATE
from llavataros_jax.errors import UserError
from llavataros_jax.evaluate.fit_alignment import clips_of
from llavataros_jax.evaluate.position_file import PositionFile
from llavataros_jax.motion.reader import MOTION_SUFFIXES, read_motion
from llavataros_jax.motion.trajectories import of_motion
from llavataros_jax.sound.reader import read_info, read_mono

_HOURS, _SEED = 0.5, 3
_GENERATED = 1  # number of the source; GENEA's is 0


class Sources:
    """Clips by where they are from.

    Attributes:
        names: Clips of GENEA 2020 that have sound.
        conditions: Their motion in each condition, beside the same speech.
        others: Recordings of other people, by data set.
        generated: Half an hour of motion made by rules, of twelve voices.
    """

    def __init__(self, folder: Path, scratch: Path):
        """Reads what lies in and beside `folder`, and makes half an hour in `scratch`."""
        sounds = {path.stem: path for path in (folder / "wav").glob("*.wav")}
        files = sorted((folder / "coords").glob("Cond_*__motion_coords.npz"))
        by_name = {path.name.split("_")[1]: path for path in files}
        if not sounds or "N" not in by_name:
            raise UserError(
                f"{folder} needs coords/Cond_N__motion_coords.npz and its sound in wav, but holds "
                f"{len(files)} files of motion and {len(sounds)} of sound; name the folder of "
                "GENEA 2020's material"
            )
        recorded = PositionFile(by_name["N"])
        self.names = [name for name in recorded.clips if name in sounds]
        self.conditions: dict[str, list[AlignmentClip]] = {}
        for condition, path in by_name.items():
            file = PositionFile(path, like=recorded.skeleton)
            self.conditions[condition] = [
                alignment_clip(name, "", file.read(name), read_mono(sounds[name], SAMPLE_RATE))
                for name in self.names
            ]
        beside = folder.resolve().parent
        self.others = {
            name: found
            for name, pattern in (("AvatarOS", "avataros/*Neutral_0_x*"), ("BEAT2", "beat2/*"))
            if (found := _recordings(sorted(beside.glob(f"{pattern}.wav"))))
        }
        self.generated = with_source(_generated(scratch / "hours"), _GENERATED)

    @property
    def other_people(self) -> list[AlignmentClip]:
        """All recordings of other people, each data set a source."""
        return [
            clip
            for number, clips in enumerate(self.others.values(), start=_GENERATED + 1)
            for clip in with_source(clips, number)
        ]


def with_source(clips: Sequence[AlignmentClip], source: int) -> list[AlignmentClip]:
    """Returns the clips as those of another source."""
    return [dataclasses.replace(clip, source=source) for clip in clips]


def _recordings(sounds: Sequence[Path]) -> list[AlignmentClip]:
    clips = []
    for sound in sounds:
        motions = [sound.with_suffix(suffix) for suffix in MOTION_SUFFIXES]
        motions = [path for path in motions if path.is_file()]
        if not motions:
            continue
        read, _ = read_motion(motions[0], audio_seconds=read_info(sound).seconds)
        samples = read_mono(sound, SAMPLE_RATE)
        clips.append(alignment_clip(sound.stem, "", of_motion(read), samples))
    return clips


def _generated(folder: Path) -> list[AlignmentClip]:
    from data_prep.corpus.hours.writer import write_hours

    write_hours(folder, hours=_HOURS, seed=_SEED, without_held_out=False, workers=1, piper=None)
    return clips_of([("motion", folder, folder)], None)
