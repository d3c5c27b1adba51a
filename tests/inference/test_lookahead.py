"""Look-ahead offline and live: a pose sees the speech of later frames, and comes so much later."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.data.segments import ClipSpeech
from llavataros_jax.inference.animate import Animator
from llavataros_jax.inference.attention_shares import run_to
from llavataros_jax.inference.lookahead import speech_after, start_hearing
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.model import build
from llavataros_jax.motion.smoothing import smooth_recording
from tests.inference.test_animate import CODEC, speech
from tests.inference.test_stream import OPTIONS, SIZES, lanes, trained
from tests.model.conftest import cut, small_config

AHEAD, SMOOTHING, SHORT = 6, 4, 20
NETWORK = {**OPTIONS[1], "word_bit": True}


@functools.cache
def looking(ahead: int, **options):
    """Returns the network of `trained`, with its parameters, that looks ahead."""
    config = small_config(
        memory_frames=14, segment_frames=7, lookahead_frames=ahead, **{**NETWORK, **options}
    )
    return build(config, SIZES), trained(**{**NETWORK, **options})[1]


@functools.cache
def animator(ahead: int) -> Animator:
    return Animator(*looking(ahead), CODEC)


@functools.cache
def whole(seed: int, frames: int = SHORT, ahead: int = AHEAD) -> np.ndarray:
    return animator(ahead)(speech(seed, frames), speech(seed + 50, frames))


def moved(clip: ClipSpeech, ahead: int) -> ClipSpeech:
    """Returns the clip as a network without look-ahead must hear it to make the same motion."""
    frames = len(clip.word_index)
    audio = np.concatenate([clip.audio, *[clip.audio[-1:]] * ahead])[ahead:]
    index = np.concatenate([clip.word_index, np.full(ahead, -1, np.int32)])[ahead:]
    assert len(audio) == len(index) == frames
    return dataclasses.replace(clip, audio=audio, word_index=index)


@pytest.mark.parametrize("frames", [3, 40])
def test_offline_a_frame_has_the_pose_of_later_speech(frames):
    main, other = moved(speech(1, frames), AHEAD), moved(speech(51, frames), AHEAD)
    poses = animator(0)(main, other)
    assert poses.shape == (frames, SIZES.pose)
    np.testing.assert_array_equal(whole(1, frames), poses)
    assert np.abs(poses - whole(1, frames, 0)).max() > 1e-3


def test_the_picture_of_attention_hears_as_far_ahead():
    options = {"cross_blocks": 0, "variant": "plus"}
    (model, params), (plain, _) = looking(AHEAD, **options), looking(0, **options)
    found = run_to(model, params, speech(1, 20), 1)
    expected = run_to(plain, params, moved(speech(1, 20), AHEAD), 1)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


class Lane:
    """One stream of a lane: how many frames have come, and its poses call by call."""

    def __init__(self, seed: int) -> None:
        self.seed, self.came, self.poses = seed, 0, []

    def check(self, end: np.ndarray, delay: int, *, smoothing: bool) -> None:
        joined = np.array([*self.poses, *end])[delay:]
        expected = whole(self.seed)
        if self.came < SHORT:
            clips = (speech(seed, SHORT) for seed in (self.seed, self.seed + 50))
            expected = animator(AHEAD)(
                *(
                    dataclasses.replace(
                        clip,
                        audio=clip.audio[: self.came],
                        word_index=clip.word_index[: self.came],
                    )
                    for clip in clips
                )
            )
        if smoothing:
            expected = smooth_recording(expected.astype(np.float64), 30)
        assert joined.shape == expected.shape
        np.testing.assert_allclose(joined, expected, atol=1e-5)


# Frames that each of three lanes brings to each call of five, at places drawn for each call; -1
# starts the lane anew with this call and brings three.
CALLS = ((5, 0, 3), (0, 5, 0), (5, 5, 1), (5, 2, -1), (5, 5, 4), (0, 3, 5))


@pytest.mark.parametrize("smoothing", [False, True])
def test_live_streams_and_their_flush_are_the_offline_motion(smoothing):
    """Lane 0 ends early, 1 starts late, 2 anew after four frames, fewer than the look-ahead."""
    live = Streamer(
        *looking(AHEAD),
        CODEC,
        lanes=3,
        call_frames=4,
        smooth_fps=30 if smoothing else None,
        body_dials=False,
    )
    delay = live.delay_frames
    assert delay == AHEAD + SMOOTHING * smoothing
    rng, state, seeds = np.random.default_rng(0), live.start(), (1, 2, 3)
    main, other = lanes(seeds, SHORT), lanes([seed + 50 for seed in seeds], SHORT)
    streams, short = [Lane(seed) for seed in seeds], None
    for counts in CALLS:
        starts = np.array([count < 0 for count in counts])
        if starts.any():
            short = streams[2], np.asarray(live.flush(state))[2]
            streams[2] = Lane(3)
        mask = np.zeros((3, 5), bool)
        for lane, count in enumerate(counts):
            mask[lane, rng.permutation(5)[: count if count >= 0 else 3]] = True
        came = np.array([stream.came for stream in streams])
        rows = np.minimum(came[:, None] + np.cumsum(mask, axis=1) - mask, SHORT - 1)
        parts = [
            person.replace(
                audio=np.where(
                    mask[..., None],
                    np.take_along_axis(person.audio, rows[..., None], axis=1),
                    np.float16(np.nan),
                ),
                word_index=np.take_along_axis(person.word_index, rows, axis=1),
            )
            for person in (main, other)
        ]
        pose, state = live(state, *parts, frame_mask=mask, is_start=starts)
        for lane, stream in enumerate(streams):
            stream.poses += list(np.asarray(pose)[lane, mask[lane]])
            stream.came += int(mask[lane].sum())
    assert [stream.came for stream in streams] == [20, 20, 12]
    end = np.asarray(live.flush(state))
    assert end.shape == (3, delay, SIZES.pose)
    assert short is not None
    assert short[0].came == 4
    for lane, stream in enumerate(streams):
        stream.check(end[lane], delay, smoothing=smoothing)
    short[0].check(short[1], delay, smoothing=smoothing)
    # The state is still there after a flush.
    again, _ = live(state, cut(main, slice(0, 5)), cut(other, slice(0, 5)))
    assert np.isfinite(np.asarray(again)).all()


def test_after_the_end_of_a_stream_only_the_poses_that_are_due_exist():
    state = start_hearing(3, 6).replace(waited_frames=jnp.array([0, 2, AHEAD]))
    main, other, due = speech_after(state, SIZES, lookahead_frames=AHEAD)
    np.testing.assert_array_equal(due.sum(1), [0, 2, AHEAD])
    assert due[1, -2:].all()
    assert (main.word_index == -1).all()
    assert other.audio.shape == (3, AHEAD, 6)


def test_single_frames_of_somebody_alone_are_enough():
    live = Streamer(*looking(3), CODEC, call_frames=1, body_dials=False)
    clip, state, poses = lanes([1], 9), live.start(), []
    for frame in range(9):
        pose, state = live(state, cut(clip, slice(frame, frame + 1)))
        poses.append(np.asarray(pose)[0, 0])
    joined = np.array([*poses, *np.asarray(live.flush(state))[0]])[3:]
    np.testing.assert_allclose(joined, animator(3)(speech(1, 9)), atol=1e-5)
    compiled: Any = live._step
    assert compiled._cache_size() == 1


def test_the_delay_is_told_and_without_look_ahead_nothing_is_kept():
    def delays(ahead: int, **options) -> int:
        return Streamer(*looking(ahead), CODEC, **options).delay_frames

    assert [delays(0), delays(0, smooth_fps=30), delays(0, smooth_fps=30, delay_frames=2)] == [
        *(0, 4, 2)
    ]
    assert [delays(AHEAD), delays(AHEAD, smooth_fps=30, delay_frames=2)] == [AHEAD, AHEAD + 2]
    assert Streamer(*looking(0), CODEC).start().heard is None
    plain = jax.tree.leaves(Streamer(*looking(0), CODEC).start())
    ahead = jax.tree.leaves(Streamer(*looking(AHEAD), CODEC).start())
    assert len(ahead) == len(plain) + 6
