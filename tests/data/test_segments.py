"""Look-ahead: which speech the poses of a segment may see."""

import dataclasses
import re

import numpy as np
import pytest

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.lanes import IDLE
from llavataros_jax.data.loader import LaneSource, whole_clips
from llavataros_jax.data.segments import ClipSpeech, heard
from llavataros_jax.errors import UserError
from tests.data.synthetic import WORD, write_records

LENGTHS = {"train": [37, 26, 61], "validation": [25, 13]}
T, AHEAD = 10, 8
CLIP = ClipSpeech(
    audio=np.arange(7, dtype=np.float16)[:, None],
    words=np.eye(3, dtype=np.float16),
    word_index=np.array([-1, 0, 0, 1, -1, 2, 2], np.int32),
    speaker=1,
)


@pytest.mark.parametrize(
    ("frames", "ahead", "audio", "words"),
    [
        (slice(0, 4), 0, [0, 1, 2, 3], [-1, 0, 0, 1]),
        (slice(4, 8), 0, [4, 5, 6], [-1, 2, 2]),
        (slice(0, 4), 2, [2, 3, 4, 5], [0, 1, -1, 2]),
        (slice(4, 8), 2, [6, 6, 6], [2, -1, -1]),
        (slice(0, 4), 5, [5, 6, 6, 6], [2, 2, -1, -1]),
        (slice(0, 2), 9, [6, 6], [-1, -1]),
        (slice(8, 12), 2, [], []),
    ],
)
def test_a_frame_hears_later_ones_and_after_the_end_the_last_sound_without_a_word(
    frames, ahead, audio, words
):
    found, index = heard(CLIP, frames, lookahead_frames=ahead)
    assert found[:, 0].tolist() == audio
    assert index.tolist() == words
    assert found.dtype == np.float16
    assert index.dtype == np.int32


def test_without_look_ahead_nothing_is_copied():
    audio, index = heard(CLIP, slice(2, 5), lookahead_frames=0)
    assert np.shares_memory(audio, CLIP.audio)
    assert np.shares_memory(index, CLIP.word_index)


def spread(words: np.ndarray, index: np.ndarray) -> np.ndarray:
    return np.array([words[k] if k >= 0 else np.zeros(WORD, np.float16) for k in index])


def moved(array: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.concatenate([array[AHEAD:], *[end] * AHEAD])[-len(array) :]


def test_batches_have_the_poses_of_their_frames_and_the_speech_of_later_ones(tmp_path):
    _, contents = write_records(tmp_path, LENGTHS)
    reader = ClipReader(tmp_path, "train")
    source = LaneSource(
        reader, lanes=3, segment_frames=T, seed=3, random_phase=True, lookahead_frames=AHEAD
    )
    plain = LaneSource(reader, lanes=3, segment_frames=T, seed=3, random_phase=True)
    seen = set()
    for step in range(source.plan.epoch_steps(0)):
        batch, now = source[step], plain[step]
        np.testing.assert_array_equal(batch.pose, now.pose)
        np.testing.assert_array_equal(batch.frame_mask, now.frame_mask)
        np.testing.assert_array_equal(batch.interlocutor_present, now.interlocutor_present)
        for lane, (clip, first, _) in enumerate(source.plan.row(step).tolist()):
            if clip == IDLE:
                continue
            arrays = contents[f"train_{clip}"]
            people = [("", batch.main), ("interlocutor_", batch.interlocutor)]
            for prefix, speech in people[: 1 + ("interlocutor_audio" in arrays)]:
                audio = arrays[prefix + "audio"]
                words = spread(arrays[prefix + "words"], arrays[prefix + "word_index"])
                expected = moved(audio, audio[-1:])[first : first + T]
                count = len(expected)
                np.testing.assert_array_equal(speech.audio[lane, :count], expected)
                found = spread(np.asarray(speech.words)[lane], np.asarray(speech.word_index)[lane])
                expected = moved(words, 0 * words[-1:])[first : first + T]
                np.testing.assert_array_equal(found[:count], expected)
                assert not speech.audio[lane, count:].any()
                assert (speech.word_index[lane, count:] == -1).all()
                seen.add((prefix, first + T > len(audio)))
    assert len(seen) == 4  # of both people, and at an end and before it


def test_validation_hears_as_far_ahead_as_training(tmp_path):
    _, contents = write_records(tmp_path, LENGTHS)
    reader = ClipReader(tmp_path, "validation")
    (first, *_) = whole_clips(reader, lanes=1, segment_frames=T, lookahead_frames=AHEAD)
    np.testing.assert_array_equal(
        first.main.audio[0], contents["validation_0"]["audio"][AHEAD : AHEAD + T]
    )


def test_records_that_an_older_version_shifted_are_refused(tmp_path):
    manifest, _ = write_records(tmp_path, {"train": [12, 15]})
    audio = {"mels": 40, "lookahead_frames": 0}
    dataclasses.replace(manifest, feature_config={"audio": audio}).save(tmp_path)
    assert len(ClipReader(tmp_path, "train")) == 2
    dataclasses.replace(manifest, feature_config={"audio": {**audio, "lookahead_frames": 12}}).save(
        tmp_path
    )
    with pytest.raises(UserError, match=re.escape(str(tmp_path))) as refusal:
        ClipReader(tmp_path, "train")
    assert "shifted by 12 frames" in str(refusal.value)
    assert str(refusal.value).endswith("prepare them again")
