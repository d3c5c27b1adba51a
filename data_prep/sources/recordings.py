"""`Recordings`, what a source found, and the table that says who talks with whom."""

import dataclasses
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_prep.clips.clip import Clip
from data_prep.sources.clips_table import FILE_NAME, TableRow, read_clips_table
from llavataros_jax.config import DataConfig

LONE_SPEAKER = "speaker"
MIRROR = re.compile(r"_mirror(?=_|$)")


@dataclass(frozen=True)
class Recordings:
    """What a folder holds.

    Attributes:
        clips: Clips in the order of their names, with those that are wanted as interlocutors only.
        skipped: Names that are no clip, each with the reason.
        problems: Clips that were asked for and cannot be found, each with the reason.
        held_out: Takes that the data set itself sets aside for validation.
    """

    clips: tuple[Clip, ...]
    skipped: dict[str, str]
    problems: dict[str, str]
    held_out: tuple[str, ...] = ()


def with_table(
    found: Mapping[str, Clip],
    data: DataConfig,
    *,
    skipped: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    held_out: Collection[str] = (),
) -> Recordings:
    """Applies `clips.tsv`, where there is one, and leaves out what cannot be used.

    Raises:
        UserError: When the table is malformed.
    """
    path = Path(data.folder) / FILE_NAME
    table = read_clips_table(path) if path.is_file() else {}
    clips = {name: _with_row(clip, table.get(name)) for name, clip in found.items()}
    skipped, problems = dict(skipped), dict(problems or {})
    for row in table.values():
        if row.name not in clips and row.name not in problems:
            reason = f"{path}: line {row.line} names {row.name!r}, which has no audio file"
            problems[row.name] = reason
    wanted = {clip.interlocutor for clip in clips.values() if clip.motion}
    for name, clip in list(clips.items()):
        if clip.interlocutor and (clip.interlocutor not in clips or clip.interlocutor == name):
            line = f"{path}: line {table[name].line}"
            problems[name] = (
                f"{line} names the interlocutor {clip.interlocutor!r}, which is no "
                + ("other clip" if clip.interlocutor == name else "clip with an audio file")
            )
            clips[name] = dataclasses.replace(clip, interlocutor=None)
        if clip.motion is None and name not in wanted:
            skipped[name] = f"audio {clip.audio} has no motion (.npy, .npz, .bvh) to go with it"
            problems.pop(name, None)
    kept = (clips[name] for name in sorted(clips) if name not in skipped and name not in problems)
    return Recordings(tuple(kept), skipped, problems, tuple(sorted(held_out)))


def speaker_of(name: str, speaker: str | None) -> str:
    """Returns the speaker of a clip; a mirrored take has one of its own."""
    speaker = speaker or LONE_SPEAKER
    return f"{speaker}_mirror" if MIRROR.search(name) else speaker


def take_of(name: str) -> str:
    """Returns the take of a clip, which is also that of its mirror."""
    return MIRROR.sub("", name)


def _with_row(clip: Clip, row: TableRow | None) -> Clip:
    if row is None:
        return clip
    return dataclasses.replace(
        clip,
        speaker=row.speaker or clip.speaker,
        take=row.take or clip.take,
        interlocutor=row.interlocutor or clip.interlocutor,
    )
