"""Whether two folders of records hold the same, so that a run may go on with either.

A manifest's own hash also covers what the user is told, such as notes, failures and where files
lie; it shows damage. Here only what records hold counts: a stray file, a moved folder, weights in
another place, another number of processes or of records in a shard change nothing.
"""

import math
from typing import Any

from llavataros_jax.data.manifest import SPLITS, ClipEntry, Manifest

# Features that are computed again elsewhere round their last bits otherwise, and with them means
# and deviations; another scaler, skeleton or recording differs by far more.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-5


def difference(before: Manifest, now: Manifest) -> str | None:
    """Says in which of its contents a data set differs from an earlier one, None if in none."""
    for name in ("fps", "speakers"):
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            return f"{name} {_told(old)} became {_told(new)}"
    features = [{spec.name: spec for spec in manifest.features} for manifest in (before, now)]
    for name in features[0].keys() | features[1].keys():
        old, new = (found.get(name) for found in features)
        if old != new:
            return (
                f"the feature {name} was {_told(old and old.shape)}, is {_told(new and new.shape)}"
            )
    for split in SPLITS:
        found = _clips_differ(before.clips_of(split), now.clips_of(split))
        if found:
            return found
    for name in ("codec", "statistics"):
        if not _agree(getattr(before, name), getattr(now, name)):
            return f"the {name} of the training clips changed"
    return None


def _clips_differ(before: tuple[ClipEntry, ...], now: tuple[ClipEntry, ...]) -> str | None:
    names, new_names = [clip.name for clip in before], [clip.name for clip in now]
    for one, other, said in ((names, new_names, "went"), (new_names, names, "came")):
        if only := [name for name in one if name not in set(other)]:
            return f"{len(only)} clips {said}, such as {only[0]}"
    if names != new_names:
        return "the order of its clips changed"
    for old, new in zip(before, now, strict=True):
        same = ("start_frame", "num_frames", "num_words", "speaker", "interlocutor_speaker")
        if any(getattr(old, name) != getattr(new, name) for name in same):
            return f"clip {old.name} has other frames, words or speakers"
        # Hashes of different kinds, from before and after preparation told them so, say nothing.
        kinds = {clip.content_hash.rpartition("-")[0] for clip in (old, new)}
        if len(kinds) == 1 and old.content_hash != new.content_hash:
            return f"clip {old.name} has other contents"
    return None


def _agree(old: Any, new: Any) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_agree(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_agree, old, new))
    if isinstance(old, float | int) and isinstance(new, float | int):
        return math.isclose(old, new, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return old == new


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
