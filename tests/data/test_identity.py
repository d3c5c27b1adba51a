import dataclasses

import pytest

from llavataros_jax.data.identity import difference
from llavataros_jax.data.manifest import Manifest
from tests.data.synthetic import write_records


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    return write_records(folder, {"train": [4, 5, 6], "validation": [3]})[0]


def changed(manifest: Manifest, number: int = 0, **fields) -> Manifest:
    clips = list(manifest.clips)
    clips[number] = dataclasses.replace(clips[number], **fields)
    return dataclasses.replace(manifest, clips=tuple(clips))


def test_what_is_told_and_where_things_lie_does_not_count(manifest):
    replace = dataclasses.replace
    others = [
        replace(manifest, name="other"),
        replace(manifest, failures=()),
        replace(manifest, feature_config={"audio": {"pase": "/moved/FE.ckpt"}}),
        changed(manifest, recording="moved/a.wav"),
        changed(manifest, notes=("words and sound disagree",)),
        changed(manifest, shard="toy-train.tfrecord-00000-of-00001", offset=9),
        replace(manifest, statistics={"audio_mean": [0.1 + 1e-7, 0.2, 0.3]}),
    ]
    for other in others:
        assert other.content_hash != manifest.content_hash
        assert difference(manifest, other) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: dataclasses.replace(m, fps=25), "fps 30 became 25"),
        (lambda m: dataclasses.replace(m, speakers=("anna",)), "speakers anna, ben, çem became"),
        (lambda m: dataclasses.replace(m, features=m.features[1:]), "the feature clip was"),
        (lambda m: dataclasses.replace(m, clips=m.clips[1:]), "1 clips went, such as train_0"),
        (lambda m: dataclasses.replace(m, clips=m.clips[::-1]), "the order of its clips changed"),
        (lambda m: changed(m, name="new"), "1 clips went, such as train_0"),
        (lambda m: changed(m, split="validation"), "1 clips went, such as train_0"),
        (lambda m: changed(m, content_hash="other"), "clip train_0 has other contents"),
        (lambda m: changed(m, start_frame=1), "clip train_0 has other frames"),
        (lambda m: dataclasses.replace(m, codec={"joints": {"2": 0.2, "10": 1 / 3}}), "the codec"),
        (lambda m: dataclasses.replace(m, codec={"bones": {}}), "the codec"),
        (lambda m: dataclasses.replace(m, statistics={"audio_mean": [0.1, 0.2]}), "the statistics"),
    ],
)
def test_what_records_hold_counts(manifest, change, said):
    assert str(difference(manifest, change(manifest))).startswith(said)


def test_hashes_of_an_older_kind_are_not_compared(manifest):
    """Records that an older program wrote are told by all else when a newer one writes them."""
    assert difference(manifest, changed(manifest, content_hash="2-9a")) is None
    newer = changed(manifest, content_hash="2-9a")
    assert difference(newer, changed(manifest, content_hash="2-9b")) is not None
