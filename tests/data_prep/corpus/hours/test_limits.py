"""Limits find bodies that cannot be, and the repertoire never makes one."""

import numpy as np
import pytest

from data_prep.corpus.body import Pose, embody
from data_prep.corpus.hours.limits import violations
from data_prep.corpus.hours.performance import perform
from data_prep.corpus.hours.styles import STYLES

from .invented import MEANINGS, say, talk


def stand(right=(0.24, -0.35, 0.16), left=(0.24, -0.35, 0.16), **more: tuple[float, ...]):
    parts = {"wrists": (0, 0), "torso": (0, 0, 0), "shoulders": (0, 0), "root": (0, 0), **more}
    pose = Pose(*(np.array([p], dtype=float) for p in (right, left, *parts.values())))
    return embody(pose, np.zeros(1), 30)


def test_arms_that_hang_are_fine():
    assert violations(stand()) == []


@pytest.mark.parametrize(
    ("what", "motion"),
    [
        ("right forearm or hand from the trunk", stand(right=(0.05, -0.2, 0.05))),
        ("left forearm or hand from the trunk", stand(left=(0.02, -0.1, 0.1))),
        ("hands from each other", stand(right=(0.02, -0.05, 0.35), left=(0.0, -0.05, 0.35))),
        ("right elbow bent", stand(right=(0.17, 0.12, 0.09))),
        ("left forearm turned", stand(wrists=(0, 120))),
        ("trunk bent forward", stand(torso=(0, 100, 0))),
        ("trunk turned", stand(torso=(90, 0, 0))),
        ("trunk leaning", stand(torso=(0, 0, 60))),
        ("right shoulder raised", stand(shoulders=(0.12, 0))),
        ("right upper arm back", stand(right=(0.13, 0.12, -0.55))),
        ("left upper arm across", stand(left=(-0.35, 0.1, 0.2))),
    ],
)
def test_what_no_body_does_is_named(what, motion):
    assert any(what in line for line in violations(motion))


@pytest.mark.slow
@pytest.mark.parametrize("speaker", list(STYLES))
def test_no_gesture_of_any_speaker_is_inhuman(speaker):
    for meaning in (None, *MEANINGS):
        for prominence in (-6.0, 2.0, 9.0):
            word = say(1.0, meaning, loudness=prominence, pitch=prominence)
            motion, _ = perform("alone", speaker, [word], 120)
            assert violations(motion) == [], meaning
    for seed in range(4):
        motion, _ = perform(
            f"talk {seed}", speaker, talk(seed, 40, 0.4), 1200, partner_words=talk(seed + 9, 40)
        )
        assert violations(motion) == [], seed
