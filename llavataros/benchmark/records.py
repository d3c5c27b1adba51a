"""Reading: a segment out of a mapped shard, or float lists parsed by protobuf."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from llavataros.benchmark.turns import compare
from llavataros_jax.data.records import Shard, write_shard


def run(turns: int) -> None:
    """Reads 90 of 3000 frames with 768 + 66 numbers each; the usual record is one such segment."""
    random = np.random.default_rng(0)
    audio = random.standard_normal((3000, 768)).astype(np.float16)
    pose = random.standard_normal((3000, 66)).astype(np.float32)
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="list.proto", package="b", syntax="proto3")
    message = file.message_type.add(name="Segment")
    for number, name in enumerate(("audio", "pose"), 1):
        message.field.add(
            name=name, number=number, type=kinds.TYPE_FLOAT, label=kinds.LABEL_REPEATED
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    segment_class = message_factory.GetMessageClass(pool.FindMessageTypeByName("b.Segment"))
    whole = segment_class(audio=audio[:90].ravel().tolist(), pose=pose[:90].ravel().tolist())
    encoded = whole.SerializeToString()

    def usual() -> list[np.ndarray]:
        parsed: Any = segment_class.FromString(encoded)
        return [np.array(parsed.audio, np.float16), np.array(parsed.pose, np.float32)]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tfrecord"
        (offset,) = write_shard(path, [{"audio": audio.tobytes(), "pose": pose.tobytes()}])
        shard = Shard(path)

        def ours() -> list[np.ndarray]:
            record = shard.read(offset)
            return [
                np.frombuffer(record["audio"][0], np.float16).reshape(-1, 768)[:90].copy(),
                np.frombuffer(record["pose"][0], np.float32).reshape(-1, 66)[:90].copy(),
            ]

        ways = {"mapped bytes (ours)": ours, "protobuf float lists": usual}
        compare("reading a segment of 90 frames", ways, turns)
