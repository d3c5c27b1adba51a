"""What is held out for validation: whole takes, or the end of every take.

A take, its mirror and both sides of a conversation are one thing here: they share their content,
so they never fall into different splits, and are all cut at the same second.
"""

import dataclasses
import difflib
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed

TRAIN, VALIDATION = "train", "validation"
TAIL = "+tail"
_LISTED = 8
LEAST_TAKES = 5  # from so many on, whole ones can be spared
DROP_SECONDS, WINDOW_SECONDS = 6.0, 3.0  # 180 and 90 frames of 30 per second


@dataclass(frozen=True)
class Performance:
    """What matters of a clip here.

    Attributes:
        name: Name of the clip.
        take: Name of its take.
        num_frames: Its frames.
        interlocutor_take: Take of the other speaker's clip, if there is one.
    """

    name: str
    take: str
    num_frames: int
    interlocutor_take: str | None = None


@dataclass(frozen=True)
class Cut:
    """Frames [start_frame, stop_frame) of a clip that become one record.

    Attributes:
        name: Name of the record.
        clip: Name of the clip.
        split: `train` or `validation`.
        start_frame: First frame.
        stop_frame: Frame after the last one.
    """

    name: str
    clip: str
    split: str
    start_frame: int
    stop_frame: int


def choose_holdout(clips: Sequence[Performance], data: DataConfig) -> tuple[DataConfig, str]:
    """Resolves `data.holdout=auto`: whole takes from five on, else the end of each.

    Takes that share a conversation count once, because they are held out together. Of fewer than
    five, a whole one would be much of what there is to train on.

    Returns:
        The section without `auto`, and a sentence that says what was chosen and why; no sentence
        when the user has chosen.
    """
    if data.holdout != "auto":
        return data, ""
    if data.holdout_takes:
        return dataclasses.replace(data, holdout="takes"), ""
    count = len(_groups(clips))
    chosen = "takes" if count >= LEAST_TAKES else "tail"
    share = f"{data.holdout_fraction:.0%}"
    said = f"of them, about {share}" if chosen == "takes" else f"the last {share} of each"
    return (
        dataclasses.replace(data, holdout=chosen),
        f"data.holdout={chosen}: {count} take{'s' if count > 1 else ''} that share nothing, so "
        f"{said} is held out for validation",
    )


def plan_splits(clips: Sequence[Performance], data: DataConfig) -> list[Cut]:
    """Divides clips into training and validation, always in the same way.

    Raises:
        UserError: When no take is left to train on.
    """
    groups = _groups(clips)
    if data.holdout == "tail":
        cuts = [cut for group in groups for cut in _tails(group, data.holdout_fraction)]
        return sorted(cuts, key=lambda cut: cut.name)
    held_out = _held_out(groups, data)
    return [
        Cut(
            clip.name,
            clip.name,
            VALIDATION if clip.take in held_out else TRAIN,
            0,
            clip.num_frames,
        )
        for clip in sorted(clips, key=lambda clip: clip.name)
    ]


def drop_and_trim(cuts: Sequence[Cut], lengths: Mapping[str, int], fps: float) -> list[Cut]:
    """Applies GENEA's window rule: no first 6 seconds, an end at a multiple of 3 (spec 1.4).

    Args:
        cuts: What is to be trimmed; what nothing is left of is left out.
        lengths: Frames of each clip.
        fps: Frames per second.

    Raises:
        UserError: When nothing is left to train on.
    """
    trimmed = []
    for cut in cuts:
        start = max(cut.start_frame, round(DROP_SECONDS * fps))
        window = round(WINDOW_SECONDS * fps)
        stop = min(cut.stop_frame, lengths[cut.clip] // window * window)
        if start < stop:
            trimmed.append(dataclasses.replace(cut, start_frame=start, stop_frame=stop))
    if not any(cut.split == TRAIN for cut in trimmed):
        raise UserError(
            f"data.drop_and_trim leaves out the first {DROP_SECONDS:g} s of every clip, and with "
            "them everything to train on; hold out less or turn it off"
        )
    return trimmed


def check_holdout_takes(takes: set[str], data: DataConfig) -> None:
    """Refuses `data.holdout_takes` that do not exist or are all there are.

    Raises:
        UserError: With the nearest take.
    """
    for take in data.holdout_takes:
        if take not in takes:
            near = difflib.get_close_matches(take, takes, n=1)
            known = f"takes are {listed(sorted(takes), _LISTED)}"
            hint = f"did you mean {near[0]}?" if near else known
            raise UserError(f"data.holdout_takes names {take!r}, which is no take; {hint}")
    _require_some_left(set(data.holdout_takes), takes)


def _groups(clips: Sequence[Performance]) -> list[list[Performance]]:
    """Joins the clips that share a take or a conversation; sorted by the first take's name."""
    root: dict[str, str] = {clip.take: clip.take for clip in clips}

    def find(take: str) -> str:
        while root[take] != take:
            take = root[take]
        return take

    for clip in clips:
        other = clip.interlocutor_take
        if other is not None and other in root:
            first, second = sorted((find(clip.take), find(other)))
            root[second] = first
    groups: dict[str, list[Performance]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.name):
        groups[find(clip.take)].append(clip)
    return [groups[take] for take in sorted(groups)]


def _held_out(groups: list[list[Performance]], data: DataConfig) -> set[str]:
    """Returns the takes that are held out."""
    takes = [{clip.take for clip in group} for group in groups]
    everything: set[str] = set().union(*takes)
    held_out: set[str] = set()
    if data.holdout_takes:
        held_out = held_out.union(*(group for group in takes if group & set(data.holdout_takes)))
        _require_some_left(held_out, everything)
        return held_out
    if data.holdout_fraction == 0 or len(groups) < 2:
        return held_out
    wanted = max(1, round(data.holdout_fraction * len(everything)))
    shuffled = sorted(takes, key=lambda group: hashlib.blake2b(min(group).encode()).digest())
    for group in shuffled:
        if len(held_out) + len(group) <= min(wanted, len(everything) - 1):
            held_out |= group
    return held_out or min(shuffled, key=len)


def _require_some_left(held_out: set[str], takes: set[str]) -> None:
    if held_out == takes:
        raise UserError(
            "nothing is left to train on: all takes that can be used "
            f"({listed(sorted(takes), _LISTED)}) are held out, by data.holdout_takes or by the "
            "data set itself; hold out fewer (both sides of a conversation go together), or mend "
            "the clips that failed"
        )


def _tails(group: list[Performance], fraction: float) -> list[Cut]:
    """Cuts all clips of a group at the frame where the shortest of them is held out from."""
    shortest = min(clip.num_frames for clip in group)
    cut = shortest - round(fraction * shortest)
    cuts = []
    for clip in group:
        if fraction == 0 or not 0 < cut < shortest:
            cuts.append(Cut(clip.name, clip.name, TRAIN, 0, clip.num_frames))
            continue
        cuts.append(Cut(clip.name, clip.name, TRAIN, 0, cut))
        cuts.append(Cut(clip.name + TAIL, clip.name, VALIDATION, cut, clip.num_frames))
    return cuts
