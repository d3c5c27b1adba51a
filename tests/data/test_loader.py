import pickle

import jax
import numpy as np
import pytest

from llavataros_jax.data.clips import ClipReader, max_words
from llavataros_jax.data.lanes import IDLE
from llavataros_jax.data.loader import LaneSource, batches, whole_clips
from llavataros_jax.errors import UserError
from tests.data.synthetic import AUDIO, WORD, random_words, write_records

LENGTHS = {"train": [37, 20, 6, 61, 44], "validation": [25, 13]}
T = 10


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    _, contents = write_records(folder, LENGTHS)
    return folder, contents


def source_of(folder, lanes=4, **options):
    settings = {"lanes": lanes, "segment_frames": T, "seed": 3, "random_phase": True, **options}
    return LaneSource(ClipReader(folder, "train"), **settings)


def frame_words(words, index):
    """Spreads words over frames: the definition by which words are stored."""
    rows = [words[k] if k >= 0 else np.zeros(WORD, np.float16) for k in index]
    return np.array(rows, np.float16).reshape(len(index), WORD)


def expected_speech(clip, prefix, frames):
    audio = clip[prefix + "audio"][frames]
    words = frame_words(clip[prefix + "words"], clip[prefix + "word_index"][frames])
    padding = ((0, T - len(audio)), (0, 0))
    return np.pad(audio, padding), np.pad(words, padding)


def check_lane(batch, lane, clip, first):
    """Compares a lane with the arrays that were written."""
    frames = slice(first, first + T)
    pose = clip["pose"][frames]
    np.testing.assert_array_equal(batch.pose[lane, : len(pose)], pose)
    assert not batch.pose[lane, len(pose) :].any()
    np.testing.assert_array_equal(batch.frame_mask[lane], np.arange(T) < len(pose))
    present = "interlocutor_audio" in clip
    assert batch.interlocutor_present[lane] == present
    for speech, prefix in ((batch.main, ""), (batch.interlocutor, "interlocutor_")):
        if prefix and not present:
            assert not speech.audio[lane].any()
            assert not speech.words[lane].any()
            assert (speech.word_index[lane] == -1).all()
            assert speech.speaker[lane] == 0
            continue
        audio, words = expected_speech(clip, prefix, frames)
        np.testing.assert_array_equal(speech.audio[lane], audio)
        found = frame_words(speech.words[lane], speech.word_index[lane])
        np.testing.assert_array_equal(found, words)
        assert speech.speaker[lane] == clip[prefix + "speaker"]


def test_batches_hold_what_the_plan_names(records):
    folder, contents = records
    source = source_of(folder)
    for step in range(source.plan.epoch_steps(0) + 3):
        batch = source[step]
        for lane, (clip, first, is_start) in enumerate(source.plan.row(step).tolist()):
            assert batch.is_start[lane] == bool(is_start)
            if clip == IDLE:
                parts = (batch.pose, batch.main.audio, batch.main.words, batch.interlocutor.words)
                assert not any(part[lane].any() for part in parts)
                assert (batch.main.word_index[lane] == -1).all()
                assert not batch.frame_mask[lane].any()
                assert not batch.interlocutor_present[lane]
            else:
                check_lane(batch, lane, contents[f"train_{clip}"], first)
    assert batch.main.audio.dtype == batch.main.words.dtype == np.float16
    assert batch.pose.dtype == np.float32
    assert batch.main.audio.shape == (4, T, AUDIO)
    assert batch.main.words.shape == (4, source.max_words, WORD)


def test_word_bound_holds_for_every_cut():
    generator = np.random.default_rng(0)
    for num_frames in (1, 2, 9, 80):
        for segment_frames in (1, 4, 30, 100):
            index, _ = random_words(generator, num_frames)
            most = max(len(set(index[k : k + segment_frames]) - {-1}) for k in range(num_frames))
            assert max_words(index, segment_frames) == most
    assert max_words(np.full(5, -1, np.int32), 3) == 0
    assert max_words(np.zeros(0, np.int32), 3) == 0


def test_a_process_reads_its_own_lanes_in_their_order(records):
    folder, _ = records
    whole = source_of(folder)
    for own_lanes in ([0, 1], [3, 1], (2,), range(4)):
        share = source_of(folder, own_lanes=own_lanes)
        assert share.max_words == whole.max_words
        for step in (0, 5, 17):
            jax.tree.map(
                lambda own, of_all, lanes=list(own_lanes): np.testing.assert_array_equal(
                    own, of_all[lanes]
                ),
                share[step],
                whole[step],
            )


def test_validation_of_a_process_reads_its_own_lanes(records):
    folder, _ = records
    reader = ClipReader(folder, "validation")
    whole = list(whole_clips(reader, lanes=2, segment_frames=T))
    own = list(whole_clips(reader, lanes=2, segment_frames=T, own_lanes=[1]))
    assert len(own) == len(whole)
    for part, batch in zip(own, whole, strict=True):
        jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b[[1]]), part, batch)


def test_prefetched_batches_are_those_of_their_steps(records):
    folder, _ = records
    source = source_of(folder)
    for start, stop in ((0, 25), (11, 30), (4, 4)):
        found = list(batches(source, start, stop, threads=3, prefetch=5))
        assert len(found) == stop - start
        for step, batch in zip(range(start, stop), found, strict=True):
            jax.tree.map(np.testing.assert_array_equal, batch, source[step])


def test_a_reader_that_was_used_pickles(records):
    folder, _ = records
    source = source_of(folder)
    batch = source[0]
    jax.tree.map(np.testing.assert_array_equal, pickle.loads(pickle.dumps(source))[0], batch)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_validation_reads_every_held_out_frame_once(records, lanes):
    folder, contents = records
    reader = ClipReader(folder, "validation")
    poses = []
    for batch in whole_clips(reader, lanes=lanes, segment_frames=T):
        assert batch.pose.shape[:2] == (lanes, T)
        poses.append(batch.pose[batch.frame_mask])
    held_out = np.concatenate([contents[f"validation_{k}"]["pose"] for k in range(2)])
    found = np.concatenate(poses)
    np.testing.assert_array_equal(found[np.lexsort(found.T)], held_out[np.lexsort(held_out.T)])


def test_training_and_validation_share_one_shape(records):
    folder, _ = records
    train = source_of(folder, lanes=2)[0]
    (held_out, *_) = whole_clips(ClipReader(folder, "validation"), lanes=2, segment_frames=T)
    assert jax.tree.map(np.shape, train) == jax.tree.map(np.shape, held_out)


def test_reading_frames_copies_nothing(records):
    folder, _ = records
    audio = ClipReader(folder, "train")[0]["audio"]
    assert not audio.flags.owndata
    assert not audio.flags.writeable


def test_an_empty_split_is_told(tmp_path):
    write_records(tmp_path, {"train": [12, 15]})
    reader = ClipReader(tmp_path, "validation")
    with pytest.raises(UserError, match="no clips of the split validation"):
        LaneSource(reader, lanes=1, segment_frames=T, seed=0, random_phase=False)
    assert list(whole_clips(reader, lanes=1, segment_frames=T)) == []


def test_damage_is_told_from_the_threads_and_at_the_start(tmp_path):
    manifest, _ = write_records(tmp_path, {"train": [12, 15]})
    clip = manifest.clips[1]
    shard = tmp_path / clip.shard
    whole = shard.read_bytes()

    def flip(position):
        # A new file, because the old one may still be mapped.
        shard.unlink()
        shard.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])

    flip(clip.offset + 50)  # an audio sample
    with pytest.raises(UserError, match=rf"{shard.name} are damaged at byte {clip.offset}"):
        list(batches(source_of(tmp_path, lanes=2), 0, 2))
    flip(len(whole) - 20)  # a feature's name
    with pytest.raises(UserError, match=rf"{shard.name} are damaged at byte {clip.offset}"):
        source_of(tmp_path, lanes=2)
    shard.unlink()
    with pytest.raises(UserError, match=rf"{shard.name} do not exist"):
        ClipReader(tmp_path, "train")
