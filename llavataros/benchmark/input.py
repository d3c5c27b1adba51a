"""A batch of training: read lane by lane as before, copied once, or gathered on the device."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from llavataros.benchmark.turns import compare
from llavataros_jax.batch import Batch
from llavataros_jax.data.batches import read_batch
from llavataros_jax.data.buffers import Buffers
from llavataros_jax.data.clips import ClipReader, max_clip_words
from llavataros_jax.data.features import clip_features, encode_clip
from llavataros_jax.data.lanes import IDLE, Row
from llavataros_jax.data.manifest import ClipEntry, Manifest
from llavataros_jax.data.plan import LanePlan
from llavataros_jax.data.records import shard_name, write_shard
from llavataros_jax.data.resident import gather_batch, load_resident
from llavataros_jax.data.segments import fill_speech, interlocutor_of, silence, speech_of

_LANES, _FRAMES, _AHEAD = 64, 90, 12
_CLIPS, _CLIP_FRAMES = 16, 1800
# As of GENEA 2023 in the public ancestor: 83 joints, PASE+, FastText.
_SIZES = {"pose_size": 504, "audio_size": 768, "word_size": 300}


def run(turns: int) -> None:
    """Reads the same steps of 64 lanes of 90 frames of two people in all ways."""
    with tempfile.TemporaryDirectory() as folder:
        reader = ClipReader(_write_records(Path(folder)), "train")
        plan = LanePlan(
            reader.lengths_frames,
            lanes=_LANES,
            segment_frames=_FRAMES,
            seed=1,
            random_phase=True,
            piece_segments=4,
            dealing="stream",
        )
        options: dict[str, Any] = {
            "segment_frames": _FRAMES,
            "max_words": reader.max_segment_words(_FRAMES),
            "lookahead_frames": _AHEAD,
        }
        ways: dict[str, Callable[[Row], object]] = {
            "lane by lane into new arrays (before)": lambda row: plain_batch(
                reader, row, **options
            ),
            "copied once into new arrays": lambda row: read_batch(reader, row, **options),
            "copied once into memory used again (ours)": _reused(reader, options),
            "gathered on the device (data.resident)": _gathered(reader),
        }
        compare(
            f"reading a batch of {_LANES} lanes, {_FRAMES} frames and two people",
            {name: _next_row(way, plan) for name, way in ways.items()},
            turns,
        )


def plain_batch(
    reader: ClipReader, row: Row, *, segment_frames: int, max_words: int, lookahead_frames: int
) -> Batch:
    """Reads a batch by the plainest code: zeros, in which every lane is filled by itself."""
    lanes = len(row)
    sizes = (reader.manifest.feature_size("audio"), reader.manifest.feature_size("words"))
    main, interlocutor = (
        silence(lanes, frames=segment_frames, rows=max_words, sizes=sizes) for _ in range(2)
    )
    interlocutor_present = np.zeros(lanes, bool)
    pose_size = reader.manifest.feature_size("pose")
    pose = np.zeros((lanes, segment_frames, pose_size), np.float32)
    frame_mask = np.zeros((lanes, segment_frames), bool)
    for lane, (clip, first, _) in enumerate(row.tolist()):
        if clip == IDLE:
            continue
        arrays = reader[clip]
        frames = slice(first, first + segment_frames)
        segment = arrays["pose"][frames]
        pose[lane, : len(segment)] = segment
        frame_mask[lane, : len(segment)] = True
        fill_speech(main, lane, speech_of(arrays), frames, lookahead_frames=lookahead_frames)
        if other := interlocutor_of(arrays):
            interlocutor_present[lane] = True
            fill_speech(interlocutor, lane, other, frames, lookahead_frames=lookahead_frames)
    return Batch(
        main=main,
        interlocutor=interlocutor,
        interlocutor_present=interlocutor_present,
        pose=pose,
        frame_mask=frame_mask,
        is_start=row[:, 2].astype(bool),
    )


def _reused(reader: ClipReader, options: dict[str, Any]) -> Callable[[Row], Batch]:
    buffers = Buffers()
    return lambda row: read_batch(reader, row, **options, buffers=buffers)


def _gathered(reader: ClipReader) -> Callable[[Row], object]:
    resident = load_resident(
        reader, segment_frames=_FRAMES, lookahead_frames=_AHEAD, place=jax.device_put
    )
    gather = jax.jit(gather_batch)
    return lambda row: gather(resident, row)


def _next_row(way: Callable[[Row], object], plan: LanePlan) -> Callable[[], object]:
    """Returns what reads on at every call."""

    def rows() -> Iterator[Row]:
        step = 0
        while True:
            yield plan.row(step)
            step += 1

    left = rows()
    return lambda: way(next(left))


def _write_records(folder: Path) -> Path:
    """Writes clips of noise and of words of a third of a second, all of them conversations."""
    features, random = clip_features(**_SIZES), np.random.default_rng(0)
    entries: list[ClipEntry] = []
    records: list[dict[str, Any]] = []
    most_words = 1
    for number in range(_CLIPS):
        frames, name = _CLIP_FRAMES + 17 * number, f"clip_{number}"
        clip: dict[str, Any] = {
            "clip": name,
            "pose": random.standard_normal((frames, _SIZES["pose_size"]), np.float32),
        }
        for person in ("", "interlocutor_"):
            index = (np.arange(frames, dtype=np.int32) + int(random.integers(10))) // 10
            words, audio = index[-1] + 1, random.standard_normal((frames, _SIZES["audio_size"]))
            clip |= {
                f"{person}speaker": np.int32(number % 3),
                f"{person}audio": audio.astype(np.float16),
                f"{person}words": random.standard_normal((words, _SIZES["word_size"]), np.float32),
                f"{person}word_index": np.where(random.random(words)[index] < 0.7, index, -1),
            }
        words = len(clip["words"])
        clip |= {"word_times": np.zeros((words, 2)), "word_text": ["word"] * words}
        most_words = max(most_words, max_clip_words(clip, _FRAMES))
        records.append(encode_clip(features, clip))
        entries.append(
            ClipEntry(
                name=name,
                take=name,
                split="train",
                shard=shard_name("noise", "train", 0, 1),
                offset=0,
                recording="",
                start_frame=0,
                num_frames=frames,
                num_words=words,
                speaker=number % 3,
                interlocutor_speaker=number % 3,
                seconds=frames / 30,
                content_hash=name,
            )
        )
    offsets = write_shard(folder / entries[0].shard, records)
    Manifest(
        name="noise",
        fps=30,
        features=features,
        codec={},
        speakers=("a", "b", "c"),
        statistics={},
        feature_config={},
        clips=tuple(
            ClipEntry(**{**vars(entry), "offset": offset})
            for entry, offset in zip(entries, offsets, strict=True)
        ),
        max_segment_words={str(_FRAMES): most_words},
    ).save(folder)
    return folder
