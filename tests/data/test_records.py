import os
import pickle

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from llavataros_jax.data.records import (
    Shard,
    encode_example,
    parse_example,
    shard_name,
    write_shard,
)
from llavataros_jax.errors import UserError

RECORDS = [
    {"clip": b"one", "audio": bytes(range(200)), "texts": [b"a", b"", "ü".encode()]},
    {"clip": b"two", "audio": b"", "texts": []},
]


def example_class():
    """Builds `tf.train.Example` from its definition (tensorflow/core/example/feature.proto)."""
    file = descriptor_pb2.FileDescriptorProto(name="ex.proto", package="t", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto

    def message(name, *fields):
        made = file.message_type.add(name=name)
        for number, (field, kind, label, type_name) in enumerate(fields, 1):
            made.field.add(name=field, number=number, type=kind, label=label, type_name=type_name)
        return made

    one, many = kinds.LABEL_OPTIONAL, kinds.LABEL_REPEATED
    message("BytesList", ("value", kinds.TYPE_BYTES, many, None))
    message("Feature", ("bytes_list", kinds.TYPE_MESSAGE, one, ".t.BytesList"))
    features = message(
        "Features", ("feature", kinds.TYPE_MESSAGE, many, ".t.Features.FeatureEntry")
    )
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=one)
    entry.field.add(
        name="value", number=2, type=kinds.TYPE_MESSAGE, label=one, type_name=".t.Feature"
    )
    message("Example", ("features", kinds.TYPE_MESSAGE, one, ".t.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


def as_lists(record):
    return {k: [v] if isinstance(v, bytes) else list(v) for k, v in record.items()}


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.text(max_size=5), st.lists(st.binary(max_size=300), max_size=4), max_size=5)
)
def test_examples_agree_with_protobuf(record):
    example = example_class()()
    encoded = b"".join(encode_example(record))
    example.ParseFromString(encoded)
    decoded = {key: list(value.bytes_list.value) for key, value in example.features.feature.items()}
    assert decoded == record
    parsed = parse_example(memoryview(example.SerializeToString()))
    assert {key: [bytes(value) for value in values] for key, values in parsed.items()} == record


def test_shard_round_trip_by_offset(tmp_path):
    path = tmp_path / "a.tfrecord"
    offsets = write_shard(path, RECORDS)
    shard = Shard(path)
    assert list(shard.offsets()) == offsets
    for offset, record in reversed(list(zip(offsets, RECORDS, strict=True))):
        read = shard.read(offset)
        assert {k: [bytes(v) for v in values] for k, values in read.items()} == as_lists(record)
    assert os.listdir(tmp_path) == ["a.tfrecord"]


def test_bytes_are_those_that_tensorflow_writes(tmp_path):
    # tf.io.TFRecordWriter of TensorFlow 2.21 with tf.train.Example of {"clip": b"one"}.
    golden = "13000000000000000c91321b0a110a0f0a04636c697012070a050a036f6e65a1dc3380"
    path = tmp_path / "a.tfrecord"
    write_shard(path, [{"clip": b"one"}])
    assert path.read_bytes().hex() == golden


def test_reading_copies_nothing(tmp_path):
    (offset,) = write_shard(tmp_path / "a.tfrecord", RECORDS[:1])
    array = np.frombuffer(Shard(tmp_path / "a.tfrecord").read(offset)["audio"][0], np.uint8)
    assert not array.flags.owndata
    assert not array.flags.writeable


def test_a_shard_pickles_without_its_map(tmp_path):
    (offset,) = write_shard(tmp_path / "a.tfrecord", RECORDS[:1])
    shard = Shard(tmp_path / "a.tfrecord")
    shard.read(offset)
    assert bytes(pickle.loads(pickle.dumps(shard)).read(offset)["clip"][0]) == b"one"


def test_every_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "a.tfrecord"
    offsets = write_shard(path, RECORDS)
    whole = path.read_bytes()
    for position in range(offsets[1], len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=rf"a\.tfrecord are damaged at byte {offsets[1]}"):
            Shard(path).read(offsets[1])


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "a.tfrecord"
    offsets = write_shard(path, RECORDS)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"a\.tfrecord are damaged at byte"):
            Shard(path).read(offsets[1])


def test_other_examples_and_missing_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="do not exist"):
        Shard(tmp_path / "none.tfrecord").read(0)
    floats = b"\x0a\x0b\x0a\x09\x0a\x01x\x12\x04\x12\x02\x0a\x00"
    with pytest.raises(ValueError, match="unexpected field 2"):
        parse_example(memoryview(floats))
    with pytest.raises(ValueError, match="wire type"):
        parse_example(memoryview(b"\x08\x01"))


def test_an_interrupted_write_leaves_the_old_shard(tmp_path):
    path = tmp_path / "a.tfrecord"
    write_shard(path, RECORDS)
    before = path.read_bytes()

    def breaking():
        yield RECORDS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(path, breaking())
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.tfrecord"]


def test_shard_names_are_those_of_tfds():
    assert shard_name("avataros", "train", 0, 3) == "avataros-train.tfrecord-00000-of-00003"
    with pytest.raises(UserError, match="My-data"):
        shard_name("My-data", "train", 0, 1)


def test_tensorflow_reads_our_shards(tmp_path):
    tf = pytest.importorskip("tensorflow")
    path = tmp_path / "a.tfrecord"
    write_shard(path, RECORDS)
    for data, record in zip(tf.data.TFRecordDataset(str(path)), RECORDS, strict=True):
        feature = tf.train.Example.FromString(data.numpy()).features.feature
        assert {k: list(v.bytes_list.value) for k, v in feature.items()} == as_lists(record)


def test_we_read_shards_that_tensorflow_wrote(tmp_path):
    tf = pytest.importorskip("tensorflow")
    path = tmp_path / "b.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            features = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
                for key, values in as_lists(record).items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    shard = Shard(path)
    found = [shard.read(offset) for offset in shard.offsets()]
    plain = [{k: [bytes(v) for v in values] for k, values in r.items()} for r in found]
    assert plain == [as_lists(record) for record in RECORDS]
