"""The finished folder of records: statistics, shards, metadata, manifest.

Shards carry a hash of what is in them in their names, so new ones never lie in the place of old
ones, and the manifest, replaced last, makes the change from one data set to the next in one step.
"""

import dataclasses
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.clips.cache import remove_half_written
from data_prep.records.kept_stages import KeptStages
from data_prep.records.plan import PREFIX, DatasetPlan, PlannedRecord
from data_prep.records.splits import TRAIN, VALIDATION
from data_prep.records.statistics import RunningMoments
from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_dict
from llavataros_jax.data.clips import max_clip_words
from llavataros_jax.data.features import ABSENT, FeatureSpec, clip_features, encode_clip
from llavataros_jax.data.manifest import FILE_NAME, ClipEntry, Manifest, load_manifest
from llavataros_jax.data.records import shard_name, write_shard
from llavataros_jax.data.tfds_metadata import write_tfds_metadata
from llavataros_jax.errors import UserError
from llavataros_jax.motion.codec import PoseCodec

_OURS = re.compile(rf"\.?{PREFIX}_[0-9a-f]{{12}}-(train|validation)\..*tfrecord-.*")


def finished_dataset(folder: Path, plan: DatasetPlan) -> Manifest | None:
    """Returns the manifest if the folder already holds what is planned, complete.

    What it tells besides, such as notes, failures and where recordings lie, is brought up to date.
    """
    if not (folder / FILE_NAME).is_file():
        return None
    try:
        manifest = load_manifest(folder)
    except UserError:
        return None  # of an older format; it is written anew
    files = {clip.shard for clip in manifest.clips} | {"features.json", "dataset_info.json"}
    if manifest.name != plan.name or not all((folder / name).is_file() for name in files):
        return None
    planned = {record.cut.name: record for record in plan.records}
    clips = [
        dataclasses.replace(clip, **_told(planned[clip.name], plan)) for clip in manifest.clips
    ]
    current = dataclasses.replace(
        manifest, clips=tuple(clips), feature_config=_feature_config(plan), failures=_failures(plan)
    )
    if current != manifest:
        current.save(folder)
    return current


def write_dataset(
    folder: Path, plan: DatasetPlan, cache_folder: Path, *, advance: Callable[[], None]
) -> Manifest:
    """Writes shards, `features.json`, `dataset_info.json` and at last `manifest.json`.

    Statistics and the codec come from the training records alone, and of these not from changed
    copies: speech and motion are normalised as they naturally are, which is how they are met after
    training, and runs with and without copies can be compared. Mirror images count, as those that
    were recorded do: they are speakers with bodies of their own. Clips are read one at a time,
    so memory does not grow with their number. An older data set in the folder stays valid until
    the new manifest is there, and its shards are removed then.

    Args:
        folder: Folder of records.
        plan: What to write.
        cache_folder: Where the stages' results are.
        advance: Called after each record.

    Raises:
        UserError: When results of stages have gone.
        OSError: When it cannot be written.
    """
    config = plan.config
    kept = KeptStages(cache_folder, config.motion.fps, frame_rule=config.words.frame_rule)
    training = [
        record for record in plan.records if record.cut.split == TRAIN and not record.copy_of
    ]
    codec = PoseCodec.measure(
        ((kept.motion(record), plan.speaker_id(record.main)) for record in training),
        len(plan.speakers),
        flexible_joints=config.motion.flexible_joints,
        rigid_tolerance_metres=config.motion.rigid_tolerance_metres,
    )
    codec = codec.fit(
        (codec.encode(kept.motion(record)) for record in training),
        scaler=config.motion.scaler,
        scale_floor=config.motion.scale_floor,
    )
    statistics = _statistics(training, kept, config)
    features = clip_features(
        pose_size=codec.pose_size,
        audio_size=len(statistics["audio_mean"]),
        word_size=config.text.size,
    )
    entries: list[ClipEntry] = []
    segment_frames, most_words = config.model.segment_frames, 1
    for split in (TRAIN, VALIDATION):
        records = [record for record in plan.records if record.cut.split == split]
        shards = _shards(records, features, config)
        for number, shard in enumerate(shards):
            name = shard_name(plan.name, split, number, len(shards))
            written: list[ClipEntry] = []

            def encoded(
                shard: list[PlannedRecord] = shard, written: list[ClipEntry] = written
            ) -> Iterator[dict[str, bytes | list[bytes]]]:
                nonlocal most_words
                for record in shard:
                    values, entry = _contents(record, plan, codec, kept)
                    most_words = max(most_words, max_clip_words(values, segment_frames))
                    yield encode_clip(features, values)
                    written.append(entry)
                    advance()

            offsets = write_shard(folder / name, encoded())
            entries += [
                dataclasses.replace(entry, shard=name, offset=offset)
                for entry, offset in zip(written, offsets, strict=True)
            ]
    manifest = Manifest(
        name=plan.name,
        fps=config.motion.fps,
        features=features,
        codec=codec.to_dict(),
        speakers=plan.speakers,
        statistics=statistics,
        feature_config=_feature_config(plan),
        clips=tuple(entries),
        failures=_failures(plan),
        max_segment_words={str(segment_frames): most_words},
    )
    write_tfds_metadata(folder, manifest)
    manifest.save(folder)
    _remove_old_shards(folder, {entry.shard for entry in entries})
    remove_half_written(cache_folder)
    return manifest


def _contents(
    record: PlannedRecord, plan: DatasetPlan, codec: PoseCodec, kept: KeptStages
) -> tuple[dict[str, Any], ClipEntry]:
    """Returns the values of a record's features, and its entry but for the place in a shard."""
    fps, cut, speaker = plan.config.motion.fps, record.cut, plan.speaker_id(record.main)
    words, values = kept.speech(record, record.main)
    start_seconds, seconds = cut.start_frame / fps, record.num_frames / fps
    times = [(word.start_seconds, word.end_seconds) for word in words]
    values |= {
        "clip": cut.name,
        "speaker": np.int32(speaker),
        "pose": codec.encode(kept.motion(record)),
        "word_times": np.clip(np.reshape(times, (-1, 2)) - start_seconds, 0, seconds),
        "word_text": [word.text for word in words],
        "interlocutor_speaker": np.int32(ABSENT),
    }
    if record.interlocutor:
        _, theirs = kept.speech(record, record.interlocutor)
        values |= {f"interlocutor_{name}": value for name, value in theirs.items()}
        values["interlocutor_speaker"] = np.int32(plan.speaker_id(record.interlocutor))
    return values, ClipEntry(
        name=cut.name,
        split=cut.split,
        shard="",
        offset=0,
        start_frame=cut.start_frame,
        num_frames=record.num_frames,
        num_words=len(words),
        speaker=speaker,
        interlocutor_speaker=int(values["interlocutor_speaker"]),
        seconds=seconds,
        content_hash=plan.record_hash(record),
        copy_of=record.copy_of,
        **_told(record, plan),
    )


def _told(record: PlannedRecord, plan: DatasetPlan) -> dict[str, Any]:
    """Returns those fields of a record's entry that say nothing of what it holds."""
    clip = record.main.clip
    recording = os.path.relpath(clip.audio, plan.config.data.folder)
    return {"take": clip.take, "recording": recording, "notes": record.main.notes}


def _feature_config(plan: DatasetPlan) -> dict[str, Any]:
    tree = config_to_dict(plan.config)
    return {section: tree[section] for section in ("audio", "text", "words")}


def _failures(plan: DatasetPlan) -> tuple[dict[str, str], ...]:
    return tuple({"clip": clip, "reason": why} for clip, why in plan.failures.items())


def _statistics(
    training: Sequence[PlannedRecord], kept: KeptStages, config: Config
) -> dict[str, Any]:
    """Measures audio over frames and word vectors over spoken words, of the main speakers."""
    audio = words = None
    for record in training:
        _, values = kept.speech(record, record.main)
        audio = audio or RunningMoments(values["audio"].shape[1])
        words = words or RunningMoments(config.text.size)
        audio.add(values["audio"])
        words.add(values["words"])
    assert audio is not None, "a data set has training records"
    assert words is not None
    return {
        "audio_mean": audio.mean(),
        "audio_std": audio.deviation(),
        "words_mean": words.mean(),
        "words_std": words.deviation(),
    }


def _shards(
    records: Sequence[PlannedRecord], features: Sequence[FeatureSpec], config: Config
) -> list[list[PlannedRecord]]:
    """Deals records to shards, each of which is closed when it exceeds `data.shard_megabytes`."""
    rows = {spec.name: spec for spec in features}

    def row_bytes(name: str) -> int:
        lengths = (length for length in rows[name].shape if length is not None)
        return np.dtype(rows[name].dtype).itemsize * math.prod(lengths)

    shards: list[list[PlannedRecord]] = []
    size = 0
    for record in records:
        if not shards or size > config.data.shard_megabytes * 1e6:
            shards.append([])
            size = 0
        shards[-1].append(record)
        size += record.num_frames * row_bytes("pose")
        for person in filter(None, (record.main, record.interlocutor)):
            size += record.num_frames * (row_bytes("audio") + row_bytes("word_index"))
            size += person.num_words * row_bytes("words")
    return shards


def _remove_old_shards(folder: Path, current: set[str]) -> None:
    """Removes shards of older data sets, and what a killed run left half-written."""
    for path in folder.iterdir():
        if path.name not in current and _OURS.fullmatch(path.name):
            path.unlink(missing_ok=True)
