import json

import numpy as np
import pytest

from tests.data.synthetic import write_records

# What tfds 4.9.10 itself writes by `FeaturesDict.save_config` for three features of these kinds.
TENSOR_OF_TFDS = {
    "pythonClassName": "tensorflow_datasets.core.features.tensor_feature.Tensor",
    "tensor": {"dtype": "float16", "encoding": "bytes", "shape": {"dimensions": ["-1", "3"]}},
}
SCALAR_OF_TFDS = {
    "pythonClassName": "tensorflow_datasets.core.features.tensor_feature.Tensor",
    "tensor": {"dtype": "int32", "encoding": "bytes", "shape": {}},
}
TEXTS_OF_TFDS = {
    "pythonClassName": "tensorflow_datasets.core.features.sequence_feature.Sequence",
    "sequence": {
        "feature": {
            "pythonClassName": "tensorflow_datasets.core.features.text_feature.Text",
            "text": {},
        },
        "length": "-1",
    },
}


def test_files_are_what_tfds_writes(tmp_path):
    manifest, _ = write_records(tmp_path, {"train": [4, 5, 6]})
    features = json.loads((tmp_path / "features.json").read_text())["featuresDict"]["features"]
    assert features["audio"] == TENSOR_OF_TFDS
    assert features["speaker"] == SCALAR_OF_TFDS
    assert features["word_text"] == TEXTS_OF_TFDS
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    (train,) = info["splits"]
    assert train["shardLengths"] == ["2", "1"]
    shards = {clip.shard for clip in manifest.clips}
    assert int(train["numBytes"]) == sum((tmp_path / name).stat().st_size for name in shards)


def test_tfds_returns_the_same_arrays(tmp_path):
    pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    manifest, contents = write_records(tmp_path, {"train": [4, 5, 16], "validation": [3]})
    builder = tfds.builder_from_directory(str(tmp_path))
    assert builder.info.splits["train"].num_examples == 3
    for split, count in (("train", 3), ("validation", 1)):
        examples = list(tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False)))
        assert len(examples) == count
        for example in examples:
            assert set(example) == {spec.name for spec in manifest.features}
            clip = contents[example["clip"].decode()]
            for name, value in clip.items():
                if name == "word_text":
                    assert [text.decode() for text in example[name]] == value
                elif name != "clip":
                    np.testing.assert_array_equal(example[name], value)
                    assert example[name].dtype == np.asarray(value).dtype
            if "interlocutor_audio" not in clip:
                assert example["interlocutor_audio"].shape == (0, clip["audio"].shape[1])
                assert example["interlocutor_speaker"] == -1
