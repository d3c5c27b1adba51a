"""NaN and infinity in a live stream: what is not there leaves no trace, what is bad is repaired."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.errors import UserError
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.model import FeatureStatistics, build
from tests.inference.test_animate import CODEC, speech
from tests.inference.test_stream import OPTIONS, SIZES, animator, lanes, trained
from tests.model.conftest import cut, small_config

FRAMES = 6


def streamer(call_frames: int = FRAMES, **options) -> Streamer:
    """Returns two lanes with smoothing, whose training mean is not zero."""
    rng = np.random.default_rng(0)
    numbers = (rng.uniform(0.5, 1, size).astype(np.float32) for size in (6, 6, 7, 7))
    config = small_config(memory_frames=14, segment_frames=7, **options)
    model = build(config, SIZES, FeatureStatistics(*numbers))
    params = trained(**options)[1]
    return Streamer(
        model, params, CODEC, lanes=2, call_frames=call_frames, smooth_fps=30, body_dials=False
    )


def people(first: int = 0, count: int = FRAMES, seeds=(1, 2)) -> tuple[Speech, Speech]:
    part, other = slice(first, first + count), [seed + 50 for seed in seeds]
    return cut(float32(lanes(seeds)), part), cut(float32(lanes(other)), part)


def float32(speech: Speech) -> Speech:
    return speech.replace(
        audio=speech.audio.astype(np.float32), words=speech.words.astype(np.float32)
    )


def with_audio(speech: Speech, place, value) -> Speech:
    audio = speech.audio.copy()
    audio[place] = value
    return speech.replace(audio=audio)


def poisoned(state):
    """Returns a state whose lane 0 holds NaN wherever a number may be."""

    def spoil(leaf):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return leaf
        return leaf.at[: len(leaf) // 2].set(jnp.nan)

    return jax.tree.map(spoil, state)


@pytest.mark.parametrize("options", OPTIONS[:2], ids=lambda options: options["variant"])
@pytest.mark.slow
def test_frames_outside_the_mask_and_absent_people_may_hold_anything(options):
    live, mask = streamer(**options), np.arange(FRAMES) < np.array([[3], [5]])
    present = np.array([False, True])

    def poses(filling):
        state, answers = live.start(), []
        for first in (0, FRAMES):
            main, other = people(first)
            main = with_audio(main, ~mask, filling)
            other = with_audio(with_audio(other, ~mask, filling), 0, filling)
            words = other.words.copy()
            words[0] = filling
            pose, state = live(
                state, main, other.replace(words=words), interlocutor_present=present,
                frame_mask=mask,
            )  # fmt: skip
            answers.append(np.asarray(pose)[mask])
        assert not np.asarray(state.repaired_frames).any()
        return np.concatenate(answers)

    clean = poses(0.0)
    assert np.isfinite(clean).all()
    for filling in (np.nan, np.inf, 1e30):
        np.testing.assert_array_equal(poses(filling), clean)


@pytest.mark.slow
@pytest.mark.parametrize("bad", [np.nan, -np.inf, 1e30, 7e4])
def test_a_bad_feature_is_as_the_training_mean_and_is_counted(bad):
    live = streamer(**OPTIONS[0])
    mean = live.model.statistics.audio_mean

    def run(values, bad_word):
        state, answers = live.start(), []
        for first in (0, FRAMES):
            main, other = people(first)
            if first == 0:
                main = with_audio(main, (0, 2), values)
                words = main.words.copy()
                words[0, main.word_index[0, 4]] = bad_word
                main = main.replace(words=words)
                assert main.word_index[0, 4] >= 0
            pose, state = live(state, main, other)
            answers.append(np.asarray(pose))
        return np.concatenate(answers, axis=1), state

    got, state = run(bad, bad)
    expected, clean = run(mean, live.model.statistics.words_mean)
    assert np.isfinite(got).all()
    np.testing.assert_array_equal(got, expected)
    said = (people()[0].word_index[0] == people()[0].word_index[0, 4]).sum()
    frames = {2, *np.flatnonzero(people()[0].word_index[0] == people()[0].word_index[0, 4])}
    assert said >= 1
    np.testing.assert_array_equal(state.repaired_frames, [len(frames), 0])
    assert not np.asarray(clean.repaired_frames).any()


def test_numbers_beside_a_bad_one_are_kept():
    live = streamer(**OPTIONS[0])
    one = with_audio(people()[0], (0, 2, 3), np.nan)
    all_of_them = with_audio(people()[0], (0, 2), np.nan)
    other = people()[1]
    some, _ = live(live.start(), one, other)
    none, _ = live(live.start(), all_of_them, other)
    assert np.abs(np.asarray(some) - np.asarray(none)).max() > 1e-4


@pytest.mark.parametrize("options", OPTIONS[:2], ids=lambda options: options["variant"])
@pytest.mark.slow
def test_the_next_user_after_nan_gets_a_fresh_streams_poses(options):
    live, start = streamer(**options), np.array([True, False])
    fresh, _ = live(live.start(), *people(FRAMES))

    bad = with_audio(people()[0], (0, 1), np.nan)
    state = live(live.start(), bad, people()[1])[1]
    after, state = live(state, *people(FRAMES), is_start=start)
    np.testing.assert_array_equal(after[0], fresh[0])
    np.testing.assert_array_equal(state.repaired_frames, [0, 0])

    good = live(live.start(), *people())[1]
    spoiled, _ = live(poisoned(good), *people(FRAMES), is_start=start)
    np.testing.assert_array_equal(spoiled[0], fresh[0])


def test_a_bad_lane_leaves_the_other_as_it_is():
    live = streamer(**OPTIONS[1])

    def second_lane(spoil):
        state, answers = live.start(), []
        for first in (0, FRAMES):
            main, other = people(first)
            if spoil:
                main = with_audio(main, 0, np.nan)
            pose, state = live(poisoned(state) if spoil else state, main, other)
            answers.append(np.asarray(pose)[1])
        return np.concatenate(answers)

    np.testing.assert_array_equal(second_lane(True), second_lane(False))


@pytest.mark.slow
def test_a_masked_frame_may_name_no_word_and_an_unknown_speaker_is_refused():
    live = streamer(**OPTIONS[0])
    main, other = people()
    mask = np.ones((2, FRAMES), bool)
    mask[0, 3:] = False
    index = np.where(mask, main.word_index, 99)
    pose, _ = live(live.start(), main.replace(word_index=index), other, frame_mask=mask)
    expected, _ = live(live.start(), main, other, frame_mask=mask)
    np.testing.assert_array_equal(np.asarray(pose)[mask], np.asarray(expected)[mask])
    with pytest.raises(UserError, match=r"speaker's ids are \[2, 3\], .* knows 3 speakers"):
        live(live.start(), main.replace(speaker=np.array([2, 3], np.int32)), other)


def test_a_recording_with_bad_features_is_refused():
    main = speech(1, 9)
    audio = main.audio.copy()
    audio[4, 1] = audio[6, 0] = np.nan
    run = animator(**OPTIONS[0])
    spoiled = type(main)(audio, main.words, main.word_index, main.speaker)
    with pytest.raises(UserError, match=r"the speaker's audio .* 2 of 9 frames, the first at 4"):
        run(spoiled)
    words = main.words.copy()
    words[3] = np.inf
    with pytest.raises(UserError, match=r"the interlocutor's words .* 1 of 9"):
        run(main, type(main)(main.audio, words, main.word_index, main.speaker))
