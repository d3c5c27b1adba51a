"""The dials of a live body, size, expressiveness and idling: what they do offline, call by call."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.config import AudioConfig
from llavataros_jax.errors import UserError
from llavataros_jax.inference.body import Body, BodyState
from llavataros_jax.inference.dials import LiveDials
from llavataros_jax.inference.stream import Streamer
from llavataros_jax.motion.enlargement import enlarge_recording
from llavataros_jax.motion.expressiveness import Expressiveness
from llavataros_jax.motion.idle import quieten_recording
from llavataros_jax.sound.steps import PROSODY
from llavataros_jax.sound.voice import recorded_activity
from tests.inference.test_animate import CODEC
from tests.inference.test_stream import lanes, trained
from tests.model.conftest import cut
from tests.training.records import waving

FPS, AHEAD, SMOOTHING = 30, 5, 4
DELAY = AHEAD + SMOOTHING
FRAMES, CALL, LANES = 120, 7, 2
AUDIO = AudioConfig(mels=1)
LOUD, QUIET = -2.0, -8.0  # natural logarithms
SPEAKS = np.r_[np.ones(40), np.zeros(50), np.ones(30)].astype(bool)
BODY = Body(CODEC, fps=FPS, audio=AUDIO, lookahead_frames=AHEAD, delay_frames=SMOOTHING)
# As small as what a body does in silence; idling lets larger movements end.
POSES = np.stack(
    [np.asarray(Expressiveness(CODEC)(CODEC.encode(waving(seed, FRAMES)), 0.1)) for seed in (1, 2)]
)
NORMALISED = np.asarray(CODEC.normalise(POSES), np.float32)


def heard(with_words: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the features of speech with a pause, and its words."""
    steps = 3 * (AUDIO.mels + len(PROSODY))
    audio = np.zeros((FRAMES, steps), np.float32)
    first = 3 * (AUDIO.mels + PROSODY.index("energy"))
    audio[:, first : first + 3] = np.where(SPEAKS, LOUD, QUIET)[:, None]
    if not with_words:
        return audio, np.full(FRAMES, -1, np.int32)
    return np.zeros_like(audio), np.where(SPEAKS, 0, -1).astype(np.int32)


def turned(**dials: Any) -> LiveDials:
    return LiveDials.of(LANES).replace(
        **{name: np.broadcast_to(np.float32(value), LANES) for name, value in dials.items()}
    )


@functools.cache
def program() -> Callable[..., tuple[Any, BodyState]]:
    def call(state, is_start, *arguments, **masks):
        return BODY(BODY.reset(state, is_start), *arguments, **masks)

    return jax.jit(call)


def live(dials_of_call: Callable[[int], LiveDials], *, with_words: bool = True) -> np.ndarray:
    """Plays all poses, with holes, as late as look-ahead and smoothing bring them."""
    audio, index = heard(with_words)
    state, came, number = BODY.start(LANES), np.zeros(LANES, int), 0
    found: list[list[np.ndarray]] = [[] for _ in range(LANES)]
    rng, none = np.random.default_rng(0), np.zeros(LANES, bool)
    while (came < FRAMES).any():
        mask, rows = np.zeros((LANES, CALL), bool), np.zeros((LANES, CALL), int)
        for lane in range(LANES):
            count = min(FRAMES - came[lane], rng.integers(CALL + 1))
            mask[lane, rng.permutation(CALL)[:count]] = True
            rows[lane, mask[lane]] = came[lane] + np.arange(count)
        came += mask.sum(axis=1)
        speech = Speech(
            np.where(mask[..., None], audio[rows], np.float32(np.nan)), np.zeros((LANES, CALL, 1)),
            np.where(mask, index[rows], -1).astype(np.int32), np.zeros(LANES, np.int32),
        )  # fmt: skip
        late = np.take_along_axis(NORMALISED, np.maximum(rows - DELAY, 0)[..., None], axis=1)
        pose, state = program()(
            state, none, late, speech, dials_of_call(number), arrived=mask,
            brings=mask & (rows >= AHEAD), is_motion=mask & (rows >= DELAY),
        )  # fmt: skip
        for lane in range(LANES):
            found[lane] += list(np.asarray(pose)[lane, mask[lane] & (rows[lane] >= DELAY)])
        number += 1
    due = np.ones((LANES, DELAY), bool)
    last = jax.jit(BODY.finish)(state, NORMALISED[:, -DELAY:], dials_of_call(number), due=due)
    return np.array([[*found[k], *np.asarray(last)[k]] for k in range(LANES)])


@pytest.mark.parametrize("with_words", [True, False])
def test_a_live_body_is_the_offline_one(with_words):
    dials = turned(size=[1.3, 2.0], expressiveness=[1.4, 0.5], idle=[1.0, 0.6])
    found = live(lambda _: dials, with_words=with_words)
    audio, index = heard(with_words)
    activity = recorded_activity(index, audio, AUDIO, fps=FPS)
    assert 0.3 < (activity >= 0.5).mean() < 0.7
    for lane in range(LANES):
        larger = enlarge_recording(POSES[lane], dials.size[lane].item(), fps=FPS)
        wider = np.asarray(Expressiveness(CODEC)(larger, float(dials.expressiveness[lane])))
        expected = quieten_recording(
            wider, activity, float(dials.idle[lane]), fps=FPS, ahead_frames=AHEAD
        )
        assert np.abs(expected - wider).max() > 1e-3
        np.testing.assert_allclose(found[lane], expected, atol=1e-5)


def test_dials_that_nobody_turned_leave_every_bit():
    found = live(lambda _: turned())
    np.testing.assert_array_equal(found, np.asarray(jax.jit(CODEC.denormalise)(NORMALISED)))


def test_a_dial_turns_from_its_call_on_within_its_time_and_without_a_jump():
    plain, wide = live(lambda _: turned()), live(lambda _: turned(expressiveness=1.6))
    found = live(lambda number: turned(expressiveness=1.6 if number >= 20 else 1.0))
    for lane in range(LANES):
        first = int(np.abs(found[lane] - plain[lane]).max(axis=1).nonzero()[0][0])
        turning = round(0.6 * 0.3 * FPS) + 1
        assert 20 < first < 90
        np.testing.assert_allclose(
            found[lane, first + turning :], wide[lane, first + turning :], atol=1e-6
        )
        ways = [np.abs(x[lane, first : first + turning]).sum() for x in (plain, found, wide)]
        assert ways[0] < ways[1] < ways[2] or ways[0] > ways[1] > ways[2]
        step = np.abs(np.diff(found[lane], axis=0)).max(axis=1)
        usual = np.abs(np.diff(wide[lane], axis=0)).max()
        swing = np.abs(wide[lane] - plain[lane]).max() / (0.6 * 0.3 * FPS)
        assert step[first - 1 : first + turning].max() < usual + swing


def test_idling_that_is_turned_on_in_a_pause_settles_the_body_and_leaves_what_was():
    """Call 20 is within the pause of both lanes."""
    plain, still = live(lambda _: turned()), live(lambda _: turned(idle=1.0))
    found = live(lambda number: turned(idle=1.0 if number >= 20 else 0.0))
    changed = np.abs(found - plain).max(axis=2) > 0
    late = slice(75, 88)
    for lane in range(LANES):
        assert not changed[lane, :45].any()
        np.testing.assert_allclose(found[lane, late], still[lane, late], atol=1e-6)
        moved = [np.abs(np.diff(x[lane, late], axis=0)).mean() for x in (plain, found)]
        assert moved[1] < 0.5 * moved[0]


def test_a_new_stream_and_one_that_nan_got_into_start_as_they_are_told():
    speech = Speech(
        np.zeros((LANES, CALL, 15), np.float32), np.zeros((LANES, CALL, 1)),
        np.zeros((LANES, CALL), np.int32), np.zeros(LANES, np.int32),
    )  # fmt: skip
    here = np.ones((LANES, CALL), bool)

    def call(state: BodyState, pose: np.ndarray, size: float, starts: Sequence[bool]):
        return program()(
            state, np.array(starts), pose, speech, turned(size=size, expressiveness=size, idle=1.0),
            arrived=here, brings=here, is_motion=here,
        )  # fmt: skip

    first, second = NORMALISED[:, :CALL], NORMALISED[:, CALL : 2 * CALL]
    fresh, _ = call(BODY.start(LANES), second, 2.0, [False, False])
    _, state = call(BODY.start(LANES), first, 1.0, [False, False])
    anew, _ = call(state, second, 2.0, [True, False])
    np.testing.assert_array_equal(anew[0], fresh[0])
    assert np.abs(anew[1] - fresh[1]).max() > 1e-3
    bad = first.copy()
    bad[0, 3] = np.nan
    _, state = call(BODY.start(LANES), bad, 1.0, [False, False])
    after, state = call(state, second, 2.0, [False, False])
    np.testing.assert_array_equal(after[0], fresh[0])
    np.testing.assert_array_equal(after[1], anew[1])
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


def test_a_stream_without_dials_of_the_body_refuses_them():
    streamer = Streamer(*trained(), CODEC, body_dials=False)
    part = cut(lanes([1]), slice(0, 1))
    for dial in (
        {"size": np.array([1.1])},
        {"expressiveness": np.array([2.0])},
        {"idle": np.array([0.5])},
    ):
        with pytest.raises(UserError, match="made with body_dials=False; leave that out"):
            streamer(streamer.start(), part, dials=LiveDials.of(1).replace(**dial))
