"""Small folders of records with random content, and the arrays that went into them."""

from pathlib import Path
from typing import Any

import numpy as np

from llavataros_jax.data.features import clip_features, encode_clip
from llavataros_jax.data.manifest import ClipEntry, Manifest
from llavataros_jax.data.records import shard_name, write_shard
from llavataros_jax.data.tfds_metadata import write_tfds_metadata

POSE, AUDIO, WORD = 5, 3, 4


def random_words(generator: np.random.Generator, num_frames: int) -> tuple[np.ndarray, int]:
    """Returns a word index of words of 1 to 6 frames with pauses, and the number of words."""
    index, word = [], 0
    while len(index) < num_frames:
        spoken = generator.random() < 0.7
        index += [word if spoken else -1] * int(generator.integers(1, 7))
        word += spoken
    return np.array(index[:num_frames], np.int32), word


def random_clip(
    seed: int,
    name: str,
    num_frames: int,
    *,
    dyadic: bool,
    sizes: tuple[int, int, int] = (POSE, AUDIO, WORD),
) -> dict[str, Any]:
    """Returns the values of a clip's features."""
    generator = np.random.default_rng(seed)
    pose, audio, word = sizes
    clip: dict[str, Any] = {
        "clip": name,
        "pose": generator.normal(size=(num_frames, pose)).astype(np.float32),
    }
    for person in ("", "interlocutor_") if dyadic else ("",):
        index, num_words = random_words(generator, num_frames)
        clip[person + "speaker"] = np.int32(generator.integers(3))
        clip[person + "audio"] = generator.normal(size=(num_frames, audio)).astype(np.float16)
        clip[person + "words"] = generator.normal(size=(num_words, word)).astype(np.float16)
        clip[person + "word_index"] = index
    num_words = len(clip["words"])
    clip["word_times"] = np.sort(generator.random((num_words, 2)), axis=0).astype(np.float32)
    clip["word_text"] = [f"wörd{k}" for k in range(num_words)]
    return clip


def write_records(
    folder: Path,
    lengths: dict[str, list[int]],
    *,
    clips_per_shard: int = 2,
    sizes: tuple[int, int, int] = (POSE, AUDIO, WORD),
) -> tuple[Manifest, dict[str, dict[str, Any]]]:
    """Writes clips of the given lengths of each split; every second one is a conversation."""
    features = clip_features(pose_size=sizes[0], audio_size=sizes[1], word_size=sizes[2])
    entries, contents = [], {}
    for split, frames in lengths.items():
        clips = [
            random_clip(100 * k + 7, f"{split}_{k}", n, dyadic=k % 2 == 1, sizes=sizes)
            for k, n in enumerate(frames)
        ]
        contents |= {clip["clip"]: clip for clip in clips}
        groups = [clips[k : k + clips_per_shard] for k in range(0, len(clips), clips_per_shard)]
        for number, group in enumerate(groups):
            shard = shard_name("toy", split, number, len(groups))
            offsets = write_shard(folder / shard, (encode_clip(features, clip) for clip in group))
            entries += [
                ClipEntry(
                    name=clip["clip"],
                    take=clip["clip"],
                    split=split,
                    shard=shard,
                    offset=offset,
                    recording=f"{clip['clip']}.wav",
                    start_frame=0,
                    num_frames=len(clip["pose"]),
                    num_words=len(clip["words"]),
                    speaker=int(clip["speaker"]),
                    interlocutor_speaker=int(clip.get("interlocutor_speaker", -1)),
                    seconds=len(clip["pose"]) / 30,
                    content_hash=f"{offset:x}",
                    notes=("stereo mixed down",),
                )
                for clip, offset in zip(group, offsets, strict=True)
            ]
    manifest = Manifest(
        name="toy",
        fps=30,
        features=features,
        codec={"joints": {"2": 0.1, "10": 1 / 3}},
        speakers=("anna", "ben", "çem"),
        statistics={"audio_mean": [0.1, 0.2, 0.3]},
        feature_config={"audio": {"mels": 40}},
        clips=tuple(entries),
        failures=({"clip": "x", "reason": "it is empty"},),
    )
    write_tfds_metadata(folder, manifest)
    manifest.save(folder)
    return manifest, contents
