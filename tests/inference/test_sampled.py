"""A sampled head, whole and live: the same seed moves the same way, and the dials turn it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.errors import UserError
from llavataros_jax.inference.animate import Animator
from llavataros_jax.inference.dials import LiveDials, checked_dials
from llavataros_jax.inference.state import StreamState
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.model import Dials
from tests.inference.sampled import (
    AHEAD,
    CALL,
    FRAMES,
    LANES,
    RECALLING,
    SMOOTHING,
    Performance,
    animator,
    clip,
    network,
    offline,
    streamer,
    turned,
)
from tests.inference.test_animate import CODEC
from tests.model.conftest import cut


def size(poses: np.ndarray) -> float:
    return float(np.abs(poses).mean())


def test_live_streams_of_any_cut_and_lane_are_the_offline_motion():
    """Lane 1 begins late, and lane 2 anew with another seed, after fewer frames than the delay.

    In lane 1 there is nobody else.
    """
    dials = turned(
        temperature=[1.2, 0.7, 1.0], guidance=[1.5, 1.0, 2.0], steps=3,
        size=[1.0, 1.5, 0.7], expressiveness=[1.0, 1.4, 0.6], idle=[0.7, 0.0, 1.0],
    )  # fmt: skip
    here = {"dials": dials, "interlocutor_present": np.array([True, False, True])}
    stream = Performance((1, 2, 3), (7, 8, 9))
    for counts in ((6, 0, 3), (2, 0, 1)):
        stream.call(counts, **here)
    short = stream.end(dials)[2]
    np.testing.assert_allclose(short, offline(3, 9, 4, dials=dials, lane=2), atol=1e-5)
    stream.call((5, 4, 6), starts=[2], seeds=[0, 0, 4_000_000_000], **here)
    while any(len(poses) < FRAMES for poses in stream.poses):
        left = [FRAMES - len(poses) for poses in stream.poses]
        stream.call([min(n, int(stream.rng.integers(1, CALL + 1))) for n in left], **here)
    for lane, seed in enumerate((7, 8, 4_000_000_000)):
        motion = stream.end(dials)[lane]
        expected = offline(lane + 1, seed, dials=dials, lane=lane, alone=lane == 1)
        assert motion.shape == expected.shape
        np.testing.assert_allclose(motion, expected, atol=1e-5)


def test_a_lane_is_the_same_bit_by_bit_whatever_the_others_hold_and_ends_alone():
    """The others have other speech, seeds and dials, start, stop and leave, and hear nobody."""
    full = turned(idle=0.5)
    quiet = turned(
        temperature=[2.0, 1.0, 0.0], size=[2.0, 1.0, 3.0], expressiveness=[0.0, 1.0, 3.0],
        idle=[0.0, 0.5, 1.0],
    )  # fmt: skip
    guided = quiet.replace(guidance=np.array([3.0, 1.0, 0.0], np.float32))
    stream, other = Performance((1, 2, 3), (7, 8, 9)), Performance((4, 2, 5), (0, 8, 1))
    other.spoil(lane=0, frame=4)

    def both(number: int, dials: LiveDials) -> tuple[np.ndarray, np.ndarray]:
        here = np.array([False, True, number > 3])
        same = other.call(
            (CALL - 1, CALL, number % 3),
            starts=[2] if number == 4 else [],
            dials=dials,
            interlocutor_present=here,
        )
        return stream.call(dials=full)[1], same[1]

    for number in range(6):
        np.testing.assert_array_equal(*both(number, quiet))
    last, alone = streamer().flush(stream.state, dials=full), other.state
    np.testing.assert_array_equal(streamer().flush(alone, dials=quiet, lane=1), last[1])
    assert np.abs(last[0] - last[1]).max() > 0.01
    # Where another lane is guided, all take its longer way, and round otherwise.
    for number in (6, 7):
        np.testing.assert_allclose(*both(number, guided), atol=1e-6)


@pytest.mark.slow
def test_a_head_that_recalls_its_poses_goes_on_frame_by_frame_and_after_nan():
    model, params = network(RECALLING, ahead=0)
    expected = Animator(model, params, CODEC)(clip(1), seed=3)
    live = Streamer(model, params, CODEC, call_frames=1, body_dials=False)
    state, poses = live.start([3]), []
    spoken = Speech(
        clip(1).audio[None], clip(1).words[None], clip(1).word_index[None], np.array([2], np.int32)
    )
    for frame in range(FRAMES):
        pose, state = live(state, cut(spoken, slice(frame, frame + 1)))
        poses.append(np.asarray(pose)[0, 0])
    np.testing.assert_allclose(poses, expected, atol=1e-5)
    assert state.sampling is not None
    history = state.sampling.history
    assert history.shape[1] == RECALLING.history_frames
    assert np.abs(history).min() > 0
    spoilt = state.replace(sampling=state.sampling.replace(history=history.at[0, 1].set(jnp.nan)))
    for frame in range(3):
        pose, spoilt = live(spoilt, cut(spoken, slice(frame, frame + 1)))
        assert np.isfinite(np.asarray(pose)).all()


def test_offline_seeds_differ_by_temperature_and_nothing_compiles_anew():
    run, main = animator(), clip(1)
    motions = {
        temperature: [
            run(main, seed=seed, dials=Dials.of(1, temperature=temperature)) for seed in (0, 1)
        ]
        for temperature in (0.0, 0.5, 1.0, 2.0)
    }
    np.testing.assert_array_equal(motions[0.0][0], motions[0.0][1])
    np.testing.assert_array_equal(run(main), motions[1.0][0])
    apart = [size(first - second) for first, second in motions.values()]
    assert np.all(np.diff(apart) > 0.01), apart
    more = run(main, clip(51), seed=2**32 - 1, dials=Dials.of(1, guidance=2.0, steps=5))
    assert size(more - run(main, clip(51), seed=2**32 - 1)) > 0.01
    turned_run = Animator(run.model, run.params, CODEC, dials=Dials.of(1, temperature=0.0))
    assert turned_run._dials(None) is turned_run.dials
    compiled: Any = run._run
    assert compiled._cache_size() == 2  # alone, and with somebody else
    for seed in (-1, 2**32):
        with pytest.raises(UserError, match=r"seeds are \[-?\d+\], but must be whole numbers"):
            run(main, seed=seed)


def test_the_same_seed_moves_alike_in_any_lane_and_others_do_not():
    stream = Performance((1, 1, 1), (5, 6, 5))
    for _ in range(4):
        stream.call()
    first, second, third = stream.end()
    np.testing.assert_allclose(first, third, atol=1e-6)
    assert size(first - second) > 0.01
    # Without new seeds a lane starts with what it had; seeds of lanes that go on mean nothing.
    stream.call(starts=[0])
    stream.call(starts=[1], seeds=[1, 5, 1])
    np.testing.assert_array_equal(seeds_of(stream.state), [5, 5, 5])
    np.testing.assert_array_equal(seeds_of(streamer().start()), range(LANES))


def test_dials_act_from_their_call_on_and_not_before_without_compiling():
    """Noise does not depend on its size, so the rest is as if it had always been of the new."""
    calm = turned(temperature=[0.0, 1.0, 0.0])
    stream, same = (Performance((1, 2, 3), (7, 8, 9)) for _ in range(2))
    for number in range(FRAMES // CALL):
        pose, other = stream.call(dials=calm if number >= 4 else None), same.call()
        if number < 4:
            np.testing.assert_array_equal(pose, other)
        np.testing.assert_array_equal(pose[1], other[1])
    motion, change = stream.end(calm)[0], 4 * CALL - AHEAD
    before, after = offline(1, 7), offline(1, 7, dials=calm)
    assert size(before - after) > 0.01
    steady, rest = slice(0, change - SMOOTHING), slice(change + SMOOTHING, None)
    np.testing.assert_allclose(motion[steady], before[steady], atol=1e-5)
    np.testing.assert_allclose(motion[rest], after[rest], atol=1e-5)
    compiled: Any = streamer()._step
    assert compiled._cache_size() == 1


@pytest.mark.parametrize("spoilt", ["noise", "condition", "cache"])
def test_nan_neither_stays_in_a_stream_nor_leaves_its_lane(spoilt):
    """A cache that holds NaN gives features that are none until it has forgotten them."""
    stream, clean = (Performance((1, 2, 3), (7, 8, 9)) for _ in range(2))
    for _ in range(3):
        stream.call()
        clean.call()
    state = stream.state
    assert state.sampling is not None
    assert not np.asarray(state.repaired_frames).any()
    if spoilt == "cache":
        rings = jax.tree.map(lambda x: x.at[0].set(jnp.nan), state.cache.rings[:1])
        stream.state = state.replace(cache=state.cache.replace(rings=rings + state.cache.rings[1:]))
    else:
        bad = getattr(state.sampling, spoilt).at[0].set(jnp.nan)
        stream.state = state.replace(sampling=state.sampling.replace(**{spoilt: bad}))
    found, expected = stream.call(), clean.call()
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[1:], expected[1:])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(stream.state.sampling))
    # The next stream of the lane is as if nothing had been.
    dials = turned(idle=1.0)
    for number in range(FRAMES // CALL):
        stream.call((CALL, 0, 0), starts=[0] if number == 0 else [], dials=dials)
    again = stream.end(dials)[0]
    np.testing.assert_allclose(again, offline(1, 7, dials=dials), atol=1e-5)


def test_a_feature_that_is_none_becomes_the_mean_and_motion_goes_on():
    stream, clean = (Performance((1, 2, 3), (7, 8, 9)) for _ in range(2))
    stream.spoil(lane=1, frame=8)
    for _ in range(4):
        found, expected = stream.call(), clean.call()
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(found[[0, 2]], expected[[0, 2]])
    np.testing.assert_array_equal(stream.state.repaired_frames, [0, 1, 0])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"temperature": [1, -0.1, 1]}, "flow.temperature is -0.1"),
        ({"temperature": [1, np.nan, 1]}, "flow.temperature is nan"),
        ({"guidance": [1, 11, 1]}, "flow.guidance is 11"),
        ({"steps": 0}, "flow.steps is 0"),
        ({"steps": 2.5}, r"steps is 2\.5, but must be a whole number"),
        ({"idle": [0, 0, np.inf]}, "film.idle must be from 0 to 1"),
        ({"size": [0, 3.1, 1]}, "film.size must be from 0 to 3"),
        ({"expressiveness": [1, 1]}, r"expressiveness has the shape \(2,\), .* has 3 lanes"),
        ({"idle": 0.5}, r"idle has the shape \(\), .*; give one number for each"),
        ({"steps": [1, 2, 3]}, "the dial steps has the shape .*; give one number for all"),
    ],
)
def test_dials_out_of_range_are_refused(changed, expected, unchecked):
    dials = LiveDials.of(LANES).replace(**changed)
    with pytest.raises(UserError, match=expected):
        checked_dials(dials, LANES)


def test_seeds_that_are_none_are_refused():
    for seeds in ([1, 2], [1, 2, -3], [1, 2, 2**32], [0.5, 1.0, 2.0]):
        with pytest.raises(UserError, match="the seeds"):
            streamer().start(np.array(seeds))


def seeds_of(state: StreamState) -> np.ndarray:
    assert state.sampling is not None
    return np.asarray(state.sampling.seed)
