"""What is learnt from: recordings, what is held out, and where windows begin."""

import dataclasses

import numpy as np
import pytest

from llavataros_jax.alignment.augmentation import drawn_windows, smoothed
from llavataros_jax.alignment.material import (
    MARGIN_FRAMES,
    AlignmentClip,
    digest,
    drawn_frames,
    hold_out,
    pack,
    parts,
    recordings,
)
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.errors import UserError

SETTINGS = Settings()


def clip(name, frames, *, speaker="", source=0, seed=None):
    drawn = np.random.default_rng(abs(hash(name)) % 2**32 if seed is None else seed)
    points = drawn.standard_normal((frames, 6, 3)).astype(np.float32)
    return AlignmentClip(
        name, speaker, points, drawn.standard_normal((frames, 4)).astype(np.float32), source
    )


def test_clips_with_the_same_speech_are_one_recording():
    first = clip("a", 400, seed=0)
    mirrored = dataclasses.replace(clip("b", 380, seed=1), speech=first.speech[:380])
    other = clip("c", 400, seed=2)
    elsewhere = dataclasses.replace(mirrored, speaker="somebody else")
    silent = dataclasses.replace(other, speech=0 * other.speech)
    clips = [first, other, mirrored, elsewhere, silent, silent]
    assert recordings(clips) == [0, 1, 0, 3, 4, 5]
    train, held = hold_out([first, mirrored, other], Settings(hold_out=0.5))
    assert {c.name for c in train} in ({"a", "b"}, {"c"})
    assert {c.name for c in train} | {c.name for c in held} == {"a", "b", "c"}


def test_every_speaker_has_clips_held_out_and_the_seed_decides_which():
    clips = [clip(f"{who}{n}", 200, speaker=who) for who in "ab" for n in range(8)]
    splits = [hold_out(clips, Settings(hold_out=0.25, seed=seed)) for seed in (0, 0, 1)]
    names = [[c.name for c in held] for _, held in splits]
    assert names[0] == names[1] != names[2]
    for train, held in splits:
        assert [c.speaker for c in held] == ["a", "a", "b", "b"]
        assert len(train) == 12
        assert not {c.name for c in train} & {c.name for c in held}


def test_of_a_single_recording_the_end_is_held_out():
    only = clip("a", 1000)
    (train,), (held,) = hold_out([only], Settings(hold_out=0.25))
    np.testing.assert_array_equal(np.concatenate([train.points, held.points]), only.points)
    assert (train.num_frames, held.num_frames) == (750, 250)


def test_long_clips_are_judged_in_parts():
    assert [p.num_frames for p in parts(clip("a", 399))] == [399]
    assert [p.num_frames for p in parts(clip("a", 650))] == [217, 216, 217]


def test_windows_lie_within_their_clips_and_sources_weigh_the_same():
    long, short = clip("a", 500), clip("b", 300, speaker="x", source=1)
    brief = clip("c", drawn_frames(SETTINGS) - 1)
    packed = pack([long, brief, short], SETTINGS)
    assert packed.shares == pytest.approx([0.5, 0.5])
    starts = packed.starts[0][: packed.counts[0]]
    assert (starts.min(), starts.max()) == (0, 500 - drawn_frames(SETTINGS))
    begins = 500 + brief.num_frames
    starts = packed.starts[1][: packed.counts[1]]
    assert (starts.min(), starts.max()) == (begins, begins + 300 - drawn_frames(SETTINGS))


@pytest.mark.parametrize("frames", [[], [20], [drawn_frames(SETTINGS)], [90, 10]])
def test_too_little_to_learn_from_is_refused(frames):
    clips = [clip(str(number), count) for number, count in enumerate(frames)]
    with pytest.raises(UserError, match="no speaker with two places 2 s apart"):
        pack(clips, SETTINGS)


def test_the_digest_is_of_all_that_is_learnt_from():
    clips = [clip("a", 100), clip("b", 100)]
    other = dataclasses.replace(clips[1], speaker="x")
    assert digest(clips) == digest(list(clips)) != digest(clips[::-1])
    assert digest(clips) != digest([clips[0], other])


def test_drawn_windows_are_those_of_the_clip_but_for_what_is_said():
    import jax
    import jax.numpy as jnp

    frames = 400
    ramp = np.arange(frames, dtype=np.float32)
    speech = np.repeat(ramp[:, None], 4, axis=1)
    points = np.zeros((frames, 6, 3), np.float32)
    points[:, 0, 1] = ramp  # the left hand rises steadily
    starts = jnp.array([30, 60, 200] * 20)
    moved, heard = drawn_windows(
        jnp.array(points), jnp.array(speech), starts, SETTINGS, jax.random.key(0)
    )
    assert moved.shape == (60, SETTINGS.window_frames + 2 * MARGIN_FRAMES, 6, 3)
    tempo = np.diff(heard[..., 0], axis=1)
    assert 0.9 <= tempo.min() < 0.93 < 1.07 < tempo.max() <= 1.1 + 1e-3
    np.testing.assert_allclose(
        heard[:, 0, 0], np.array(starts) + MARGIN_FRAMES * tempo.mean(axis=1), atol=1e-3
    )
    # The hand, or its mirror image, rises 0.5 to 2 times as fast as the speech runs.
    steps = (
        np.diff(np.asarray(moved)[:, 10:-10, :2, 1], axis=1).mean(axis=1)
        / tempo.mean(axis=1)[:, None]
    )
    assert 15 < np.count_nonzero(steps[:, 0] > 0.4) < 45
    gain = steps.max(axis=1)
    assert 0.49 < gain.min() < 0.7 < 1.5 < gain.max() < 2.01


def test_smoothing_is_scipys():
    import jax.numpy as jnp
    from scipy.ndimage import gaussian_filter1d

    motion = np.random.default_rng(0).standard_normal((2, 60, 6, 3)).astype(np.float32)
    ours = smoothed(jnp.array(motion), jnp.array([0.7, 1.5]))
    for window, deviation in enumerate((0.7, 1.5)):
        theirs = gaussian_filter1d(
            motion[window].astype(float), deviation, axis=0, mode="nearest", radius=6
        )
        np.testing.assert_allclose(ours[window], theirs, atol=1e-5)
