"""Live animation: however speech arrives, the motion of the whole clip."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llavataros_jax.batch import Speech
from llavataros_jax.errors import UserError
from llavataros_jax.inference.animate import Animator
from llavataros_jax.inference.frames import Frames
from llavataros_jax.inference.step import step
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.model import Sizes, build
from llavataros_jax.motion.smoothing import smooth_recording, smooth_values
from tests.inference.test_animate import CODEC, speech
from tests.model.conftest import cut, draw_params, make_probe, small_config

CLIP = 91
SIZES = Sizes(6, 7, CODEC.pose_size, 3)
OPTIONS = (
    {"variant": "plus", "norm": "post"},
    {"variant": "cross", "norm": "pre", "span_frames": 4, "self_blocks": 1, "cross_blocks": 1},
    {
        "variant": "text",
        "norm": "pre",
        "heads": 1,
        "d_head": 6,
        "span_frames": 15,
        "self_blocks": 1,
    },
    {"variant": "audio", "norm": "post", "self_blocks": 0, "word_bit": True},
)


@functools.cache
def trained(**options):
    model = build(small_config(memory_frames=14, segment_frames=7, **options), SIZES)
    return model, draw_params(model)


@functools.cache
def animator(**options) -> Animator:
    return Animator(*trained(**options), CODEC)


@functools.cache
def stream(call_frames: int, lanes: int = 1, **options) -> Streamer:
    # The dials of bodies have tests of their own (test_live_dials.py).
    network = trained(**options)
    return Streamer(*network, CODEC, lanes=lanes, call_frames=call_frames, body_dials=False)


@functools.cache
def whole(seed: int, *, dyadic: bool = True, frames: int = CLIP, **options) -> np.ndarray:
    other = speech(seed + 50, frames) if dyadic else None
    return animator(**options)(speech(seed, frames), other)


def lanes(seeds, frames: int = CLIP) -> Speech:
    clips = [speech(seed, frames) for seed in seeds]
    audio, words, index, who = (
        np.stack([np.asarray(getattr(clip, name)) for clip in clips])
        for name in ("audio", "words", "word_index", "speaker")
    )
    return Speech(audio, words, index, who.astype(np.int32))


def streamed(streamer: Streamer, cuts, *, dyadic: bool = True, seeds=(1,)) -> np.ndarray:
    main, other = lanes(seeds), lanes([seed + 50 for seed in seeds])
    carry, poses, start = streamer.start(), [], 0
    for count in cuts:
        part = slice(start, start + count)
        pose, carry = streamer(carry, cut(main, part), cut(other, part) if dyadic else None)
        poses.append(np.asarray(pose))
        start += count
    return np.concatenate(poses, axis=1)


def pieces(size: int) -> list[int]:
    return [size] * (CLIP // size) + [CLIP % size] * (CLIP % size > 0)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=options["variant"], marks=[pytest.mark.slow] * (place > 0))
        for place, options in enumerate(OPTIONS)
    ],
)
def test_frame_by_frame_equals_the_whole_clip(options):
    poses = streamed(stream(1, **options), pieces(1))[0]
    np.testing.assert_allclose(poses, whole(1, **options), atol=1e-5)


@pytest.mark.slow
def test_chunks_equal_the_whole_clip():
    for size in (7, 30, 90, CLIP):
        poses = streamed(stream(30, **OPTIONS[0]), pieces(size))[0]
        np.testing.assert_allclose(poses, whole(1, **OPTIONS[0]), atol=1e-5)


@pytest.mark.parametrize("options", [OPTIONS[0], {"cross_blocks": 0, "self_blocks": 1}])
@pytest.mark.slow
def test_nobody_else_need_be_there(options):
    poses = streamed(stream(30, **options), pieces(7), dyadic=False)[0]
    np.testing.assert_allclose(poses, whole(1, dyadic=False, **options), atol=1e-5)


@pytest.mark.slow
def test_the_ancestors_quirk_makes_motion_depend_on_the_chunk():
    options = {"cross_memory": "main_encoder", "self_blocks": 1, "cross_blocks": 1}
    expected, streamer = whole(1, **options), stream(7, **options)
    np.testing.assert_allclose(streamed(streamer, pieces(7))[0], expected, atol=1e-5)
    assert np.abs(streamed(streamer, pieces(1))[0] - expected).max() > 1e-3


@pytest.mark.slow
def test_nothing_compiles_after_warming_up_and_the_carry_does_not_grow(compilations):
    """Whatever number of frames, words or type of numbers a call brings, lanes and seeds too."""
    streamer = Streamer(
        *trained(**OPTIONS[0]), CODEC, call_frames=7, smooth_fps=30, body_dials=False
    )
    streamer.warm_up()
    main, carry = lanes([1]), streamer.start()
    sizes = [leaf.shape for leaf in jax.tree.leaves(carry)]
    assert compilations
    compilations.clear()
    for start, count in ((0, 1), (1, 7), (8, 3), (11, 30), (41, 14)):
        part = cut(main, slice(start, start + count))
        part = part.replace(
            words=np.repeat(part.words, 1 + start % 3, axis=1),
            audio=part.audio.astype((np.float16, np.float32, np.float64)[start % 3]),
        )
        other = part if start % 2 else None
        pose, carry = streamer(carry, part, other, is_start=np.array([start == 8]), seeds=[3])
        assert pose.shape == (1, count, CODEC.pose_size)
    streamer.flush(carry)
    assert compilations == []
    assert [leaf.shape for leaf in jax.tree.leaves(carry)] == sizes


@pytest.mark.parametrize(
    "options",
    [
        OPTIONS[0] | {"self_blocks": 1, "cross_blocks": 1},
        pytest.param(OPTIONS[1], marks=pytest.mark.slow),
    ],
    ids=["plus", "cross"],
)
def test_a_stream_that_is_alone_is_one_without_an_interlocutor(options):
    alone = Streamer(*trained(**options), CODEC, call_frames=7, body_dials=False, alone=True)
    found = streamed(alone, pieces(7), dyadic=False)[0]
    np.testing.assert_allclose(found, whole(1, dyadic=False, **options), atol=1e-5)
    part = cut(lanes([1]), slice(0, 1))
    with pytest.raises(UserError, match="made with alone=True; leave one of them out"):
        alone(alone.start(), part, part)


SHORT = 20


@settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    options=st.sampled_from(OPTIONS[1:3]),
    lane_seeds=st.permutations((1, 2, 3)),
    calls=st.lists(
        st.tuples(
            st.sampled_from((1, 5)),
            st.lists(st.integers(0, 5), min_size=3, max_size=3),
            st.lists(st.sampled_from((False, False, False, True)), min_size=3, max_size=3),
        ),
        min_size=3,
        max_size=9,
    ),
)
@pytest.mark.slow
def test_lanes_that_start_stop_and_wait_when_they_like(options, lane_seeds, calls):
    """Each lane has a clip of its own, from which each call brings as many frames as it likes."""
    streamer = stream(3, 3, **options)
    clips, others = lanes(lane_seeds, SHORT), lanes([seed + 50 for seed in lane_seeds], SHORT)
    carry, position = streamer.start(), np.zeros(3, int)
    for count, wanted, starts in calls:
        starts = np.array(starts)
        position[starts] = 0
        brought = np.minimum(np.minimum(wanted, count), SHORT - position)
        rows = np.minimum(position[:, None] + np.arange(count), SHORT - 1)
        present = np.arange(count) < brought[:, None]

        def taken(clip: Speech, rows=rows, present=present) -> Speech:
            audio = np.take_along_axis(clip.audio, rows[..., None], axis=1)
            index = np.take_along_axis(clip.word_index, rows, axis=1)
            return clip.replace(audio=np.where(present[..., None], audio, 9), word_index=index)

        pose, carry = streamer(
            carry, taken(clips), taken(others), frame_mask=present, is_start=starts
        )
        for lane, seed in enumerate(lane_seeds):
            part = slice(position[lane], position[lane] + brought[lane])
            expected = whole(seed, frames=SHORT, **options)[part]
            np.testing.assert_allclose(pose[lane, : brought[lane]], expected, atol=1e-5)
        position += brought


@pytest.mark.slow
def test_no_frame_hears_the_future_and_the_band_ends():
    """Differentiates one frame of a stream of calls by all audio: zero after it and beyond."""
    probe = make_probe(self_blocks=1, cross_blocks=1)
    model, call, frame = probe.model, 6, 34
    position_keys = jax.jit(model.position_keys)(probe.params)

    def calls(people):
        parts = [cut(people, slice(start, start + call)) for start in range(0, 36, call)]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)

    def live(cache, people):
        main, other = people
        feature, cache = model.advance(
            probe.params, main, other, jnp.ones(2, bool), frame_mask=jnp.ones((2, call), bool),
            position_keys=position_keys, cache=cache,
        )  # fmt: skip
        return cache, model.regress(probe.params, feature)

    def output(x):
        main = probe.main.replace(audio=probe.main.audio + x[0, ..., None])
        other = probe.interlocutor.replace(audio=probe.interlocutor.audio + x[1, ..., None])
        cache = model.empty_cache(2, call_frames=call)
        _, poses = jax.lax.scan(live, cache, (calls(main), calls(other)))
        return jnp.sum(jnp.sin(poses[frame // call, :, frame % call]))

    gradients = np.abs(jax.jit(jax.grad(output))(jnp.zeros((2, 2, 36)))).sum(1)
    assert np.isfinite(gradients).all()
    for gradient in gradients:  # of the main speaker and of the interlocutor
        assert (gradient[frame + 1 :] == 0).all()
        assert (gradient[: frame - 2 * 11] == 0).all()
        assert (gradient[frame - 11 : frame + 1] > 0).all()


def test_a_step_is_pure_and_traces_without_any_value():
    """A step that needed a value on the host could not be traced from shapes alone."""
    model, params = trained()
    streamer = Streamer(model, params, CODEC, call_frames=1, body_dials=False)
    part = cut(lanes([1]), slice(0, 1))
    part = part.replace(words=part.words[:, :1])
    frames = Frames(part, part, np.ones(1, bool), np.ones((1, 1), bool), np.zeros(1, bool))
    traced = jax.make_jaxpr(functools.partial(step, model, call_frames=1))(
        streamer.params, streamer.start(), frames
    )
    assert "callback" not in str(traced)


@pytest.mark.slow
def test_smoothed_poses_are_the_offline_filters_four_frames_later():
    streamer = Streamer(
        *trained(**OPTIONS[0]), CODEC, call_frames=5, smooth_fps=30, body_dials=False
    )
    smoothed = streamed(streamer, pieces(5))[0]
    expected = smooth_values(whole(1, **OPTIONS[0]).astype(np.float64), 30)
    np.testing.assert_allclose(smoothed[8:], expected[4:-4], atol=1e-5)


def test_a_stream_and_its_flush_are_the_offline_motion_though_lanes_end_on_their_own():
    """Lane 0 ends after 13 frames and starts anew while lane 1 goes on to its frame 20."""
    options, delay = OPTIONS[0], 4
    live = Streamer(
        *trained(**options), CODEC, lanes=2, call_frames=5, smooth_fps=30, body_dials=False
    )
    main, other, state = lanes((1, 2), SHORT), lanes((51, 52), SHORT), live.start()
    poses, ends = [[], []], []
    for arrived, counts in ((0, (5, 5)), (5, (5, 5)), (10, (3, 5)), (15, (0, 5))):
        mask, part = np.arange(5) < np.array(counts)[:, None], slice(arrived, arrived + 5)
        restarts = np.array([arrived == 15, False])
        pose, state = live(
            state, cut(main, part), cut(other, part), frame_mask=mask, is_start=restarts
        )
        for lane in range(2):
            poses[lane] += list(np.asarray(pose)[lane, : counts[lane]])
        if arrived in (10, 15):
            ends.append(np.asarray(live.flush(state)))
    assert ends[0].shape == (2, delay, SIZES.pose)
    for lane, length, end in ((0, 13, ends[0][0]), (1, 20, ends[1][1])):
        joined = np.array([*poses[lane][delay:], *end])
        expected = smooth_recording(whole(lane + 1, frames=SHORT, **options)[:length], 30)
        assert joined.shape == expected.shape
        np.testing.assert_allclose(joined, expected, atol=1e-5)
    plain = stream(30, **options)
    assert plain.flush(plain.start()).shape == (1, 0, SIZES.pose)
    assert plain.flush(plain.start(), lane=0).shape == (0, SIZES.pose)
    with pytest.raises(UserError, match=r"lane 2 was to be flushed, .* has 2 lanes; give 0 to 1"):
        live.flush(state, lane=2)


def test_shapes_that_do_not_fit_are_refused():
    streamer = Streamer(*trained(), CODEC)
    with pytest.raises(UserError, match="no frames"):
        streamer(streamer.start(), cut(lanes([1]), slice(0, 0)))
    with pytest.raises(UserError, match="this stream needs"):
        streamer(streamer.start(), cut(lanes([1, 2]), slice(0, 3)))
