"""A folder of records of nodding and waving, small enough to train on in seconds."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.data.features import clip_features, encode_clip
from llavataros_jax.data.manifest import ClipEntry, Manifest
from llavataros_jax.data.records import shard_name, write_shard
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.motion import Motion, motion_from_local
from llavataros_jax.motion.skeleton import AVATAROS_9
from tests.data.synthetic import random_clip

AUDIO, WORD = 6, 5
# Compiled in a fraction of the time, for what the form of a network has no part in.
LEAST = {"variant": "audio", "cross_blocks": 0}
TRAIN, VALIDATION = [75, 50, 90, 61], [45, 70]


def waving(seed: int, num_frames: int) -> Motion:
    """Returns motion whose joints swing slowly, with an offset that is not rigid."""
    rng = np.random.default_rng(seed)
    joints = AVATAROS_9.num_joints
    seconds = np.arange(num_frames)[:, None, None] / 30
    angles = 0.3 * np.sin(2 * seconds * rng.uniform(0.5, 2, (joints, 3)) + rng.uniform(0, 6, 3))
    local = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(-1, joints, 3, 3)
    offsets = np.broadcast_to(AVATAROS_9.offsets, (num_frames, joints, 3)).copy()
    offsets[:, 3] += 0.002 * np.sin(seconds[:, 0])
    root = np.array([0, 0.9, 0]) + 0.02 * np.sin(seconds[:, 0])
    return motion_from_local(local, offsets, root, fps=30, skeleton=AVATAROS_9)


def write_records(folder: Path) -> Manifest:
    """Writes the records; every second clip is one side of a conversation."""
    motions = {
        (split, k): waving(10 * k + (split == "train"), frames)
        for split, lengths in (("train", TRAIN), ("validation", VALIDATION))
        for k, frames in enumerate(lengths)
    }
    codec = PoseCodec.measure([(motion, 0) for motion in motions.values()], 3)
    poses = {key: codec.encode(motion) for key, motion in motions.items()}
    codec = codec.fit(poses.values())
    features = clip_features(pose_size=codec.pose_size, audio_size=AUDIO, word_size=WORD)
    entries = []
    for split in ("train", "validation"):
        clips = [
            random_clip(k, f"{split}_{k}", len(pose), dyadic=k % 2 == 1, sizes=(1, AUDIO, WORD))
            | {"pose": pose}
            for (s, k), pose in poses.items()
            if s == split
        ]
        shard = shard_name("toy", split, 0, 1)
        offsets = write_shard(folder / shard, (encode_clip(features, clip) for clip in clips))
        entries += [
            ClipEntry(
                name=clip["clip"], take=clip["clip"], split=split, shard=shard, offset=offset,
                recording="", start_frame=0,
                num_frames=len(clip["pose"]), num_words=len(clip["words"]),
                speaker=int(clip["speaker"]),
                interlocutor_speaker=int(clip.get("interlocutor_speaker", -1)),
                seconds=len(clip["pose"]) / 30, content_hash=f"{offset:x}",
            )
            for clip, offset in zip(clips, offsets, strict=True)
        ]  # fmt: skip
    ones = {"audio": [1.0] * AUDIO, "words": [1.0] * WORD}
    statistics = {f"{k}_std": v for k, v in ones.items()}
    statistics |= {f"{k}_mean": [0.0] * len(v) for k, v in ones.items()}
    manifest = Manifest(
        name="toy", fps=30, features=features, codec=codec.to_dict(),
        speakers=("anna", "ben", "çem"), statistics=statistics, feature_config={},
        clips=tuple(entries),
    )  # fmt: skip
    manifest.save(folder)
    return manifest


def toy_config(records: Path | str, run: Path | str, **sections) -> Config:
    """Returns the config of a network of width 16; `sections` override its options."""
    tree = {
        "data": {"records": str(records)},
        "model": {
            "d_model": 16, "heads": 2, "d_head": 8, "d_inner": 32, "self_blocks": 1,
            "cross_blocks": 1, "segment_frames": 20, "memory_frames": 20, "dropout": 0.1,
            "norm": "pre",
        },
        "optimizer": {"learning_rate": 3e-3, "clip_norm": 1.0},
        "training": {
            "run": str(run), "steps": 8, "lanes": 8, "log_every": 2, "validate_every": 4,
            "checkpoint_every": 4, "dropout_bits": "threefry2x32",
        },
    }  # fmt: skip
    for section, options in sections.items():
        tree[section] = {**tree.get(section, {}), **options}
    return config_from_dict(tree)
