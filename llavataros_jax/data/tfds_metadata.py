"""The two JSON files by which TensorFlow Datasets opens a folder of records as it is.

`tfds.builder_from_directory(folder).as_dataset()` then returns the clips' arrays. The files follow
what `FeaturesDict.save_config` and `DatasetInfo.write_to_directory` write (tfds 4.9), and neither
TFDS nor TensorFlow is needed to write them.
"""

from pathlib import Path
from typing import Any

from llavataros_jax.atomic import write_json
from llavataros_jax.data.features import TEXT, FeatureSpec
from llavataros_jax.data.manifest import SPLITS, Manifest

_CLASSES = "tensorflow_datasets.core.features"


def write_tfds_metadata(folder: Path | str, manifest: Manifest) -> None:
    """Writes `features.json` and `dataset_info.json` beside the shards that `manifest` names."""
    folder = Path(folder)
    write_json(
        folder / "features.json",
        {
            "pythonClassName": f"{_CLASSES}.features_dict.FeaturesDict",
            "featuresDict": {"features": {spec.name: _feature(spec) for spec in manifest.features}},
        },
    )
    splits = [(split, manifest.shard_lengths(split)) for split in SPLITS]
    write_json(
        folder / "dataset_info.json",
        {
            "name": manifest.name,
            "version": f"{manifest.format_version}.0.0",
            "description": "Speech and body motion, one clip a record; see manifest.json.",
            "fileFormat": "tfrecord",
            "splits": [
                {
                    "name": split,
                    "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                    # protobuf writes 64-bit numbers in JSON as text
                    "shardLengths": [str(length) for length in lengths.values()],
                    "numBytes": str(sum((folder / shard).stat().st_size for shard in lengths)),
                }
                for split, lengths in splits
                if lengths
            ],
        },
    )


def _feature(spec: FeatureSpec) -> dict[str, Any]:
    if spec.dtype == TEXT and spec.shape:
        element = _feature(FeatureSpec(spec.name, TEXT, ()))
        return {
            "pythonClassName": f"{_CLASSES}.sequence_feature.Sequence",
            "sequence": {"feature": element, "length": "-1"},
        }
    if spec.dtype == TEXT:
        return {"pythonClassName": f"{_CLASSES}.text_feature.Text", "text": {}}
    dimensions = [str(-1 if length is None else length) for length in spec.shape]
    return {
        "pythonClassName": f"{_CLASSES}.tensor_feature.Tensor",
        "tensor": {
            "dtype": spec.dtype,
            "encoding": "bytes",
            "shape": {"dimensions": dimensions} if dimensions else {},
        },
    }
