"""The clips of a split as arrays that lie in mapped files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from llavataros_jax.data.features import decode_clip
from llavataros_jax.data.manifest import ClipEntry, Manifest, load_manifest
from llavataros_jax.data.remote_shard import open_shards
from llavataros_jax.errors import UserError
from llavataros_jax.storage.place import Place, is_remote, placed

_PER_FRAME = ("pose", "audio", "word_index")


class ClipReader:
    """Reads the clips of one split; `reader[i]` are the arrays of clip i by name, not copied."""

    def __init__(self, records: Place, split: str, *, recorded_only: bool = False) -> None:
        """Opens a folder of records, here or in a bucket; shards are opened when first read.

        `recorded_only` leaves out changed copies: what is measured is what was recorded.

        Raises:
            UserError: When the folder has no valid manifest, a shard is not there, or features are
                shifted, as preparation once did for look-ahead, or a bucket cannot be reached.
        """
        self.records: Place = records if is_remote(records) else Path(records)
        self.split = split
        self.manifest = load_manifest(records)
        if ahead := shifted_frames(self.manifest):
            raise UserError(
                f"records {self.records} hold speech shifted by {ahead} frames, as older versions "
                f"prepared it for audio.lookahead_frames={ahead}, but now the network looks ahead "
                "(model.lookahead_frames); prepare them again"
            )
        clips_of = self.manifest.recorded_of if recorded_only else self.manifest.clips_of
        self.clips = clips_of(split)
        self._shards = open_shards(self.records, self.manifest)
        self._arrays: dict[int, dict[str, Any]] = {}
        self._most_words: dict[int, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": {}}

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, clip: int) -> dict[str, Any]:
        arrays = self._arrays.get(clip)
        if arrays is None:
            arrays = self._arrays[clip] = self._read(self.clips[clip])
        return arrays

    def glance(self, clip: int) -> dict[str, Any]:
        """Returns the arrays of a clip without a check of what is in them, which reads it all."""
        return self._arrays.get(clip) or self._read(self.clips[clip], verify=False)

    def most_bytes(self) -> int | None:
        """Returns a bound of what the clips' arrays take, where it would cost to read them."""
        sizes = [self._shards[clip.shard].size_of(clip.offset) for clip in self.clips]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def lengths_frames(self) -> list[int]:
        """Frames of each clip."""
        return [clip.num_frames for clip in self.clips]

    def max_segment_words(self, segment_frames: int) -> int:
        """Returns a bound of the words that a segment touches, wherever it is cut.

        It covers all splits, so that one compiled step serves training and validation. Manifests
        have it for the segments that preparation knew of; else word indices alone are read, once.
        """
        if segment_frames not in self._most_words:
            self._most_words[segment_frames] = self._count_words(segment_frames)
        return self._most_words[segment_frames]

    def _count_words(self, segment_frames: int) -> int:
        if most := self.manifest.max_segment_words.get(str(segment_frames)):
            return most
        most = 1
        for entry in self.manifest.clips:
            arrays = self._read(entry, verify=False)
            most = max(most, max_clip_words(arrays, segment_frames))
        return most

    def _read(self, entry: ClipEntry, *, verify: bool = True) -> dict[str, Any]:
        record = self._shards[entry.shard].read(entry.offset, verify=verify)
        try:
            arrays = decode_clip(self.manifest.features, record)
            _check(entry, arrays)
        except ValueError as problem:
            if not verify:
                return self._read(entry)  # which tells damage from a wrong manifest
            raise UserError(
                f"records {placed(self.records, entry.shard)}: clip {entry.name} at byte "
                f"{entry.offset} does not fit the manifest ({problem}); prepare the data again"
            ) from problem
        return arrays


def shifted_frames(manifest: Manifest) -> int:
    """Returns by how many frames an older preparation shifted features, for look-ahead."""
    return manifest.feature_config.get("audio", {}).get("lookahead_frames", 0)


def max_clip_words(arrays: Mapping[str, Any], segment_frames: int) -> int:
    """Returns a bound of the words of one person that a segment of a record touches."""
    names = ("word_index", "interlocutor_word_index")
    return max(max_words(arrays[name], segment_frames) for name in names if name in arrays)


def max_words(word_index: Int[np.ndarray, " N"], segment_frames: int) -> int:
    """Returns a bound of the words in any `segment_frames` frames: the most runs of one word."""
    begins = word_index >= 0
    begins[1:] &= word_index[1:] != word_index[:-1]
    runs = np.concatenate([[0], np.cumsum(begins)])
    # The first frame of a window may continue a word that began before it.
    inside = runs[np.minimum(np.arange(len(begins)) + segment_frames, len(begins))] - runs[1:]
    return int(np.max(inside + (word_index >= 0), initial=0))


def _check(entry: ClipEntry, arrays: dict[str, Any]) -> None:
    if arrays["clip"] != entry.name:
        raise ValueError(f"it is clip {arrays['clip']}")
    for person in ("", "interlocutor_"):
        if person and entry.interlocutor_speaker < 0:
            continue
        for name in _PER_FRAME if not person else _PER_FRAME[1:]:
            found = len(arrays[person + name])
            if found != entry.num_frames:
                raise ValueError(f"{person + name} has {found} of {entry.num_frames} frames")
        index = arrays[f"{person}word_index"]
        words = len(arrays[f"{person}words"])
        if index.min(initial=0) < -1 or index.max(initial=-1) >= words:
            raise ValueError(f"{person}word_index leaves the {words} words")
