"""Segments computed at once are those computed one after another, the ancestor's quirk included."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from llavataros_jax.batch import Speech
from llavataros_jax.model import PastKeys, reset_past
from tests.model.conftest import FRAMES, LANES, Probe, cut, make_probe

SEGMENT, SEGMENTS = 4, 3
STRETCH = SEGMENT * SEGMENTS
QUIRK = {"cross_memory": "main_encoder", "memory_frames": 6, "self_blocks": 1}
OPTIONS = (
    QUIRK,
    {"variant": "cross", "norm": "pre", "span_frames": 5, "memory_frames": 7, "self_blocks": 1},
)
VARIANTS = [
    pytest.param(options, id=options.get("variant", "plus"), marks=[pytest.mark.slow] * (n > 0))
    for n, options in enumerate(OPTIONS)
]


class Stretches:
    """A probe's speech, whose segments are computed several at a time."""

    def __init__(self, probe: Probe, *, is_alone: bool = False) -> None:
        self.probe, self.is_alone = probe, is_alone
        model, params = probe.model, probe.params
        position_keys = model.position_keys(params)

        @jax.jit
        def stretch(past, main, other):
            feature, past = model.stretch(
                params, main, other, probe.present, position_keys=position_keys, past=past
            )
            return model.regress(params, feature), past

        self.stretch = stretch

    def start(self) -> PastKeys:
        return self.probe.model.empty_past(LANES, is_alone=self.is_alone)

    def at(self, past: PastKeys, first: int) -> tuple[np.ndarray, PastKeys]:
        """Returns the poses of the stretch that begins at a frame."""
        main, other = (rows(s, first) for s in (self.probe.main, self.probe.interlocutor))
        pose, past = self.stretch(past, main, None if self.is_alone else other)
        return np.asarray(pose), past

    def all(self) -> np.ndarray:
        past, poses = self.start(), []
        for first in range(0, FRAMES, STRETCH):
            pose, past = self.at(past, first)
            poses.append(pose)
        return np.concatenate(poses, axis=1)


def rows(speech: Speech, first: int) -> Speech:
    """Returns the segments of a stretch, those of a lane one after another."""
    part = cut(speech, slice(first, first + STRETCH))
    return Speech(
        audio=part.audio.reshape(LANES * SEGMENTS, SEGMENT, -1),
        words=np.repeat(part.words, SEGMENTS, axis=0),
        word_index=part.word_index.reshape(LANES * SEGMENTS, SEGMENT),
        speaker=np.repeat(part.speaker, SEGMENTS),
    )


def there(present: tuple[bool, bool], options: dict) -> Probe:
    return dataclasses.replace(make_probe(**options), present=np.array(present))


@pytest.mark.parametrize("options", VARIANTS)
def test_stretches_are_their_segments(options):
    probe = there((True, False), options)
    expected, _ = probe.run([SEGMENT] * (FRAMES // SEGMENT))
    np.testing.assert_allclose(Stretches(probe).all(), expected, atol=1e-5)


@pytest.mark.parametrize("options", VARIANTS)
@pytest.mark.slow
def test_who_is_alone_needs_no_other_speech(options):
    probe = there((False, False), options)
    expected, _ = probe.run([SEGMENT] * (FRAMES // SEGMENT))
    np.testing.assert_allclose(Stretches(probe, is_alone=True).all(), expected, atol=1e-5)


def test_a_recording_that_starts_in_a_lane_knows_nothing_of_the_one_before():
    stretches = Stretches(there((True, False), QUIRK))
    fresh, _ = stretches.at(stretches.start(), STRETCH)
    _, past = stretches.at(stretches.start(), 0)
    going_on, _ = stretches.at(past, STRETCH)
    spoilt = past.replace(kept=jax.tree.map(lambda x: x.at[1].set(jnp.nan), past.kept))
    anew, _ = stretches.at(reset_past(spoilt, jnp.array([False, True])), STRETCH)
    np.testing.assert_array_equal(anew[0], going_on[0])
    np.testing.assert_array_equal(anew[1], fresh[1])
    assert np.abs(going_on[1] - fresh[1]).max() > 1e-3


@pytest.mark.slow
def test_narrow_stretches_are_as_near_to_wide_ones_as_narrow_segments():
    options = OPTIONS[1]
    wide = there((True, False), options)
    narrow = there(
        (True, False), options | {"compute_dtype": "bfloat16", "activation_dtype": "bfloat16"}
    )
    expected, _ = wide.run([SEGMENT] * (FRAMES // SEGMENT))
    segments, _ = narrow.run([SEGMENT] * (FRAMES // SEGMENT))
    found = Stretches(narrow).all()
    error, usual = (np.sqrt(np.mean((x - expected) ** 2)) for x in (found, segments))
    assert 0 < error < 1.2 * usual
