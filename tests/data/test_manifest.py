import dataclasses
import json

import numpy as np
import pytest

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.features import clip_features, decode_clip, encode_clip
from llavataros_jax.data.manifest import load_manifest
from llavataros_jax.errors import UserError
from llavataros_jax.motion.codec import PoseCodec
from llavataros_jax.motion.skeleton import AVATAROS_9
from tests.data.synthetic import AUDIO, POSE, WORD, random_clip, write_records

FEATURES = clip_features(pose_size=POSE, audio_size=AUDIO, word_size=WORD)


def test_round_trip(tmp_path):
    manifest, _ = write_records(tmp_path, {"train": [4, 5, 6], "validation": [3]})
    assert load_manifest(tmp_path) == manifest
    assert [clip.name for clip in manifest.clips_of("validation")] == ["validation_0"]
    assert list(manifest.shard_lengths("train").values()) == [2, 1]
    assert manifest.feature_size("audio") == AUDIO


def test_the_codec_comes_back(tmp_path):
    manifest, _ = write_records(tmp_path, {"train": [4]})
    size = 3 + 6 * 9 + 3 * 3
    codec = PoseCodec(
        skeleton=AVATAROS_9,
        flexible_joints=(1, 3, 6),
        rest_offsets=np.full((2, 9, 3), 1 / 3),
        mean=np.linspace(-1, 1, size, dtype=np.float32),
        std=np.full(size, 0.1, np.float32),
        constant=np.arange(size) < 4,
    )
    dataclasses.replace(manifest, codec=codec.to_dict()).save(tmp_path)
    found = load_manifest(tmp_path).pose_codec()
    assert found.skeleton.names == AVATAROS_9.names
    for name in ("rest_offsets", "mean", "std", "constant"):
        np.testing.assert_array_equal(getattr(found, name), getattr(codec, name))


def test_manifests_of_older_programs_are_still_found_whole(tmp_path):
    """The hash that the first version computed of these records; runs hold such manifests."""
    manifest, _ = write_records(tmp_path, {"train": [4]})
    assert manifest.content_hash == "24c650575274bb092bcf43932e45b42c"


def test_words_of_a_segment_are_counted_where_the_manifest_does_not_say(tmp_path, monkeypatch):
    manifest, _ = write_records(tmp_path, {"train": [40, 21], "validation": [30]})
    counted = ClipReader(tmp_path, "train").max_segment_words(10)
    assert counted > 1
    dataclasses.replace(manifest, max_segment_words={"10": counted + 5}).save(tmp_path)
    reads = []
    read = ClipReader._read

    def noted(self, *arguments, **options):
        reads.append(arguments)
        return read(self, *arguments, **options)

    monkeypatch.setattr(ClipReader, "_read", noted)
    reader = ClipReader(tmp_path, "train")
    assert reader.manifest == load_manifest(tmp_path)
    assert reader.max_segment_words(10) == counted + 5
    assert not reads
    fewer = reader.max_segment_words(5)
    assert fewer < counted
    assert len(reads) == 3
    assert reader.max_segment_words(5) == fewer
    assert len(reads) == 3, "it is counted once"


def test_the_hash_follows_the_content(tmp_path):
    manifest, _ = write_records(tmp_path, {"train": [4]})
    assert dataclasses.replace(manifest, name="toy").content_hash == manifest.content_hash
    assert dataclasses.replace(manifest, fps=31).content_hash != manifest.content_hash


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-40], "not valid JSON"),
        (lambda text: text.replace('"format_version": 1', '"format_version": 7'), "version 7"),
        (lambda text: text.replace('"fps": 30', '"fps": 25'), "edited or damaged"),
        (lambda text: text.replace('"take"', '"tack"'), "no manifest"),
        (lambda text: "[]", "version None"),
    ],
)
def test_damaged_manifests_are_refused(tmp_path, damage, message):
    write_records(tmp_path, {"train": [4]})
    path = tmp_path / "manifest.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=message) as refusal:
        load_manifest(tmp_path)
    assert str(path) in str(refusal.value)


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.json does not exist"):
        ClipReader(tmp_path, "train")


def test_a_record_that_does_not_fit_is_refused(tmp_path):
    write_records(tmp_path, {"train": [4]})
    path = tmp_path / "manifest.json"
    manifest = load_manifest(tmp_path)
    (clip,) = manifest.clips
    dataclasses.replace(manifest, clips=(dataclasses.replace(clip, num_frames=9),)).save(tmp_path)
    with pytest.raises(UserError, match="pose has 4 of 9 frames"):
        ClipReader(tmp_path, "train")[0]
    assert json.loads(path.read_text())["clips"][0]["num_frames"] == 9


@pytest.mark.parametrize("dyadic", [False, True])
def test_clips_come_back_as_they_went(dyadic):
    clip = random_clip(1, "anna_1", 8, dyadic=dyadic)
    record = {
        key: [memoryview(v) for v in ([value] if isinstance(value, bytes) else value)]
        for key, value in encode_clip(FEATURES, clip).items()
    }
    decoded = decode_clip(FEATURES, record)
    for key, value in clip.items():
        np.testing.assert_array_equal(decoded[key], value)
    if not dyadic:
        assert decoded["interlocutor_speaker"] == -1
        assert decoded["interlocutor_audio"].shape == (0, AUDIO)
        assert decoded["interlocutor_word_index"].shape == (0,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pose": np.zeros((8, POSE + 1))}, r"pose has shape \(8, 6\) instead of \(None, 5\)"),
        ({"audio": np.full((8, AUDIO), 1e9)}, "audio holds values that float16 cannot hold"),
        ({"audio": np.full((8, AUDIO), np.nan)}, "audio holds values"),
        ({"voice": 1}, "no feature voice"),
    ],
)
def test_clips_that_do_not_fit_are_refused(change, message):
    clip = random_clip(1, "anna_1", 8, dyadic=False) | change
    with pytest.raises(ValueError, match=message):
        encode_clip(FEATURES, clip)


def test_a_clip_without_pose_is_refused():
    clip = random_clip(1, "anna_1", 8, dyadic=False)
    del clip["pose"]
    with pytest.raises(ValueError, match="lacks its feature pose"):
        encode_clip(FEATURES, clip)
