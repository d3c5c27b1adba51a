"""`Recordings`, what a source found, and the table that says who talks with whom."""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_prep.clips.clip import MIRROR, MIRRORED, Clip
from data_prep.sources.clips_table import FILE_NAME, TableRow, read_clips_table
from llavataros_jax.config import DataConfig

LONE_SPEAKER = "speaker"


@dataclass(frozen=True)
class Recordings:
    """What a folder holds.

    Attributes:
        clips: Clips in the order of their names, with those that are wanted as interlocutors only.
        skipped: Names that are no clip, each with the reason.
        problems: Clips that were asked for and cannot be found, each with the reason.
        held_out: Takes that the data set itself sets aside for validation.
        notes: What the user should know about the whole.
    """

    clips: tuple[Clip, ...]
    skipped: dict[str, str]
    problems: dict[str, str]
    held_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def with_table(
    found: Mapping[str, Clip],
    data: DataConfig,
    *,
    skipped: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    held_out: Collection[str] = (),
) -> Recordings:
    """Applies `clips.tsv`, where there is one, and leaves out what cannot be used.

    A clip whose interlocutor is missing has a problem of its own; whoever talks with it still
    hears what it says.

    Raises:
        UserError: When the table is malformed.
    """
    path = Path(data.folder) / FILE_NAME
    table = read_clips_table(path) if path.is_file() else {}
    clips = {name: _with_row(clip, table.get(name)) for name, clip in found.items()}
    skipped, problems = dict(skipped), dict(problems or {})
    for row in table.values():
        if row.name not in clips and row.name not in problems and row.name not in skipped:
            reason = f"{path}: line {row.line} names {row.name!r}, which has no audio file"
            problems[row.name] = reason
    lonely: dict[str, str] = {}
    for name, clip in clips.items():
        if clip.interlocutor and (clip.interlocutor not in clips or clip.interlocutor == name):
            line = f"{path}: line {table[name].line} " if name in table else ""
            lonely[name] = (
                f"{line}names the interlocutor {clip.interlocutor!r}, which "
                f"{_why_not(clip, skipped, problems)}"
            )
    wanted = {c.interlocutor for name, c in clips.items() if c.motion and name not in lonely}
    kept = []
    for name, clip in sorted(clips.items()):
        if clip.motion is None and name not in wanted:
            skipped[name] = (
                f"audio {clip.audio} has no motion (.npy, .npz, .bvh) to go with it" + _pickle(clip)
            )
        elif name not in lonely:
            kept.append(clip)
        else:
            problems[name] = lonely[name]
            if name in wanted:
                kept.append(dataclasses.replace(clip, motion=None, interlocutor=None))
    usable = {clip.take for clip in kept if clip.motion}
    aside, note = _set_aside(held_out, usable)
    is_chosen = data.holdout == "tail" or data.holdout_takes or not data.holdout_fraction
    notes = () if is_chosen or not note else (note,)
    return Recordings(tuple(kept), skipped, problems, aside, notes)


def _why_not(clip: Clip, skipped: Mapping[str, str], problems: Mapping[str, str]) -> str:
    """Says why the interlocutor of a clip is none."""
    assert clip.interlocutor is not None
    if clip.interlocutor == clip.name:
        return "is the clip itself; name the other speaker's"
    reason = problems.get(clip.interlocutor) or skipped.get(clip.interlocutor)
    return f"cannot be used: {reason}" if reason else "is no clip with an audio file"


def _pickle(clip: Clip) -> str:
    """Says that motion which lies beside a recording is not opened."""
    path = clip.audio.with_suffix(".pkl")
    if not path.is_file():
        return ""
    return (
        f"; {path.name} is a pickle, which can run code and is never opened: save its arrays "
        "(poses, trans, mocap_frame_rate) with numpy.savez"
    )


def _set_aside(held_out: Collection[str], usable: Collection[str]) -> tuple[tuple[str, ...], str]:
    """Returns which usable takes the data set holds out, and what is to be said about them."""
    aside = tuple(sorted(set(held_out) & set(usable)))
    if not held_out or (aside and set(aside) != set(usable)):
        return aside, ""
    reason = "all takes that can be used are" if aside else "no take that can be used is"
    said = f"{reason} among those that the data set holds out, so data.holdout_fraction decides"
    return (), said


def speaker_of(name: str, speaker: str | None) -> str:
    """Returns the speaker of a clip; a mirrored take has one of its own."""
    speaker = speaker or LONE_SPEAKER
    return speaker + MIRRORED if MIRROR.search(name) else speaker


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
