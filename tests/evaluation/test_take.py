"""Motions of one clip are made alike, or refused in a sentence."""

from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance, matched
from llavataros_jax.motion.skeleton import Skeleton
from llavataros_jax.motion.trajectories import Trajectories


def motion(frames: int = 100, names=("hips", "hand"), fps: float = 20.0) -> Trajectories:
    positions = np.random.default_rng(0).normal(size=(frames, len(names), 3))
    parents = (-1, *[0] * (len(names) - 1))
    return Trajectories(positions, fps, Skeleton(names, parents, np.zeros((len(names), 3))))


def said(name: str, seconds: float) -> Spoken:
    return Spoken(Path(name), 0.0, seconds)


def test_motions_and_speech_are_cut_to_the_shortest():
    performance = Performance(
        clip="a",
        speaker="s",
        real=motion(101),
        predicted=(motion(100), motion(99)),
        spoken=said("a.wav", 5.05),
        other=said("b.wav", 5.05),
        foils=(said("c.wav", 5.05),),
    )
    found = matched(performance)
    assert found.real.num_frames == 99
    assert [one.num_frames for one in found.predicted] == [99, 99]
    np.testing.assert_array_equal(found.real.positions, performance.real.positions[:99])
    speeches = (found.spoken, found.other, *found.foils)
    assert [speech.seconds for speech in speeches] == [99 / 20] * 3


def test_a_clip_without_prediction_or_speech_is_itself():
    found = matched(Performance("a", "s", motion(5), ()))
    assert found.real.num_frames == 5
    assert found.spoken is None
    assert found.foils == ()


@pytest.mark.parametrize(
    ("predicted", "says"),
    [
        (motion(103), "103 frames"),
        (motion(fps=30.0), "30 frames per second"),
        (motion(names=("hips", "head")), "lacks hand"),
        (motion(names=("hand", "hips")), "another order"),
        (motion(names=("hips", "hand", "thumb")), "also has thumb"),
    ],
)
def test_what_cannot_be_compared_is_refused(predicted, says):
    with pytest.raises(UserError, match=rf"clip a.*{says}") as refusal:
        matched(Performance("a", "s", motion(100), (predicted,)))
    assert "\n" not in str(refusal.value)
