"""The table of contents of a folder of records: what training and animation must know."""

import dataclasses
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llavataros_jax.atomic import write_json
from llavataros_jax.data.features import FeatureSpec
from llavataros_jax.errors import UserError
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.storage.place import Place, placed, read_text

FORMAT_VERSION = 1
FILE_NAME = "manifest.json"
SPLITS = ("train", "validation")


@dataclass(frozen=True)
class ClipEntry:
    """One clip: where its record is and what preparation found out about it.

    Attributes:
        name: Name of the clip.
        take: Name of the take; a take and its mirror share it and never fall into two splits.
        split: `train` or `validation`.
        shard: File name of the shard.
        offset: Byte offset of the record in the shard.
        recording: Sound file that it is from, relative to `data.folder`.
        start_frame: Frame of the recording at which it begins.
        num_frames: Frames of the clip.
        num_words: Words of the main speaker.
        speaker: Row of the main speaker in `Manifest.speakers`.
        interlocutor_speaker: The same of the interlocutor, -1 if there is none.
        seconds: Length of the recording.
        content_hash: Hash of what the record was computed from.
        notes: What preparation did that the user should know.
        copy_of: Name of the training clip that it is a changed copy of; empty for what was
            recorded. A copy is for training alone: its speech is not that of `recording`.
    """

    name: str
    take: str
    split: str
    shard: str
    offset: int
    recording: str
    start_frame: int
    num_frames: int
    num_words: int
    speaker: int
    interlocutor_speaker: int
    seconds: float
    content_hash: str
    notes: tuple[str, ...] = ()
    copy_of: str = ""


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` in a folder of records says.

    Attributes:
        name: Name of the data set, the first part of its shards' names.
        fps: Frames per second of every clip.
        features: Features of a record with dtype and shape.
        codec: `PoseCodec.to_dict()` of the training clips.
        speakers: Names of the speakers; their ids are the rows.
        statistics: `audio_mean`, `audio_std`, `words_mean`, `words_std` of the training clips.
        feature_config: The sections `audio`, `text` and `words` of the config that was used.
        clips: All clips of all splits.
        max_segment_words: Most words that a segment of so many frames touches, by the number of
            frames as text; older ones have none, and it is counted (`ClipReader`).
        pose_basis: `PoseBasis.to_dict()` of the training clips; in runs with a sampled head alone.
        failures: Clips that could not be prepared, as `{"clip": name, "reason": sentence}`.
        format_version: Version of this format.
        content_hash: Hash over all of the above, which shows damage; whether two data sets hold the
            same, `identity.difference` tells.
    """

    name: str
    fps: int
    features: tuple[FeatureSpec, ...]
    codec: dict[str, Any]
    speakers: tuple[str, ...]
    statistics: dict[str, list[float]]
    feature_config: dict[str, Any]
    clips: tuple[ClipEntry, ...]
    failures: tuple[dict[str, str], ...] = ()
    max_segment_words: dict[str, int] = field(default_factory=dict)
    pose_basis: dict[str, Any] | None = None
    format_version: int = FORMAT_VERSION
    content_hash: str = field(init=False, default="")

    def __post_init__(self) -> None:
        plain = self._plain()
        del plain["content_hash"]
        # Through JSON once, because keys such as 2 and 10 sort otherwise once they are text.
        stored = json.loads(json.dumps(plain))
        digest = hashlib.blake2b(json.dumps(stored, sort_keys=True).encode(), digest_size=16)
        object.__setattr__(self, "content_hash", digest.hexdigest())

    def save(self, folder: Path | str) -> None:
        """Writes `manifest.json` atomically; write it last, it makes the folder valid."""
        write_json(Path(folder) / FILE_NAME, self._plain())

    def pose_codec(self) -> PoseCodec:
        """Builds the codec that turns the records' poses into motion."""
        return PoseCodec.from_dict(self.codec)

    def _plain(self) -> dict[str, Any]:
        """Returns all of it; what was written before copies, bases and counts keeps its hash."""
        plain = dataclasses.asdict(self)
        for name in ("max_segment_words", "pose_basis"):
            if not getattr(self, name):
                del plain[name]
        for clip in plain["clips"]:
            if not clip["copy_of"]:
                del clip["copy_of"]
        return plain

    def clips_of(self, split: str) -> tuple[ClipEntry, ...]:
        """Returns the clips of one split."""
        return tuple(clip for clip in self.clips if clip.split == split)

    def recorded_of(self, split: str) -> tuple[ClipEntry, ...]:
        """Returns the clips of one split that are no changed copies."""
        return tuple(clip for clip in self.clips_of(split) if not clip.copy_of)

    def shard_lengths(self, split: str) -> dict[str, int]:
        """Returns the number of records of each shard of a split, in the order of their names."""
        return dict(sorted(Counter(clip.shard for clip in self.clips_of(split)).items()))

    def feature_size(self, name: str) -> int:
        """Returns the length of the last axis of a feature, such as `audio`."""
        (size,) = (spec.shape[-1] for spec in self.features if spec.name == name)
        assert size is not None, f"{name} has no fixed size"
        return size


def load_manifest(folder: Place) -> Manifest:
    """Reads `manifest.json`.

    Raises:
        UserError: When it is missing, damaged, edited, or of another format version, or the bucket
            that it is in cannot be reached.
    """
    path = placed(folder, FILE_NAME)
    again = "prepare the data again (python -m data_prep --config ...)"
    try:
        tree = json.loads(read_text(path))
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist, so {folder} is no folder of records; name another one "
            "by data.records or prepare the data first (python -m data_prep --config ...)"
        ) from None
    except ValueError as problem:
        raise UserError(f"{path} is not valid JSON ({problem}); {again}") from problem
    version = tree.get("format_version") if isinstance(tree, dict) else None
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path} has format version {version}, this program reads {FORMAT_VERSION}; {again}"
        )
    expected = tree.pop("content_hash", None)
    try:
        manifest = _from_tree(tree)
    except (TypeError, KeyError, AttributeError) as problem:
        raise UserError(f"{path} is no manifest ({problem}); {again}") from problem
    if manifest.content_hash != expected:
        raise UserError(
            f"{path} was edited or damaged: its hash is {manifest.content_hash}, it says "
            f"{expected}; {again}"
        )
    return manifest


def _from_tree(tree: dict[str, Any]) -> Manifest:
    entries = [ClipEntry(**{**clip, "notes": tuple(clip["notes"])}) for clip in tree["clips"]]
    features = [FeatureSpec(**{**spec, "shape": tuple(spec["shape"])}) for spec in tree["features"]]
    return Manifest(
        **{
            **tree,
            "clips": tuple(entries),
            "features": tuple(features),
            "speakers": tuple(tree["speakers"]),
            "failures": tuple(tree["failures"]),
        }
    )
