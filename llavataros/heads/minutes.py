"""Records of which training sees a few minutes alone: for the curve over the size of a corpus.

The held-out clips stay as they are, and so do the statistics by which features and poses are
normalised: those of all training clips. Fewer minutes would know them a little worse.
"""

import dataclasses
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from llavataros_jax.data.manifest import ClipEntry, Manifest
from llavataros_jax.errors import UserError


def write_minutes(manifest: Manifest, records: Path, folder: Path, minutes: float) -> None:
    """Writes a folder of records whose training clips are whole takes of so many minutes.

    Shards are links. Takes are in an order that is chance, but always the same, so that few minutes
    are part of more.

    Raises:
        UserError: When there are fewer minutes.
    """
    chosen = takes_of_minutes(manifest, minutes)
    clips = tuple(c for c in manifest.clips if c.split != "train" or c.take in chosen)
    folder.mkdir(parents=True, exist_ok=True)
    for name in {clip.shard for clip in clips}:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to((records / name).resolve())
    dataclasses.replace(manifest, clips=clips).save(folder)


def takes_of_minutes(manifest: Manifest, minutes: float) -> set[str]:
    """Returns training takes whose length comes nearest to so many minutes from below, or one.

    Changed copies and mirror images come with their takes, and are not counted.

    Raises:
        UserError: When there are fewer minutes.
    """
    clips = [c for c in manifest.recorded_of("train") if not _is_mirrored(c, manifest.speakers)]
    seconds: dict[str, float] = defaultdict(float)
    for clip in clips:
        seconds[clip.take] += clip.num_frames / manifest.fps
    have = sum(seconds.values()) / 60
    if not 0 < minutes <= have:
        raise UserError(
            f"--minutes {minutes:g} cannot be had: the training clips of these records are "
            f"{have:.1f} minutes; ask for some between 0 and that, or make more (python -m "
            "data_prep.corpus --hours)"
        )
    chosen, total = set(), 0.0
    for take in sorted(seconds, key=lambda name: zlib.crc32(name.encode())):
        if not chosen or total + seconds[take] <= 60 * minutes:
            chosen.add(take)
            total += seconds[take]
    return chosen


def _is_mirrored(clip: ClipEntry, speakers: Sequence[str]) -> bool:
    return speakers[clip.speaker].endswith("_mirror")
