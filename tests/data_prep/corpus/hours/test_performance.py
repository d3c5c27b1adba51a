"""What is heard moves the body, in time, by as much as it should, and never before it can."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import spearmanr

from data_prep.corpus.hours import performance
from data_prep.corpus.hours.lexicon import MEANINGS as LEXICON
from data_prep.corpus.hours.performance import perform
from data_prep.corpus.hours.plan import HORIZON_SECONDS
from data_prep.corpus.hours.styles import STYLES
from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.statistics import mean_derivative

from .invented import (
    HANDS,
    LEFT_HAND,
    MEANINGS,
    RIGHT_HAND,
    around,
    hand_speed,
    in_chest,
    say,
    shifted,
    talk,
)

SPEAKERS = list(STYLES)


def test_every_meaning_of_the_lexicon_has_a_gesture():
    assert set(MEANINGS) == set(LEXICON)
    assert len(SPEAKERS) == 12
    assert sum(style.handed == "left" for style in STYLES.values()) >= 3


def test_the_same_words_give_the_same_motion():
    words = talk(1, 20)
    first, second = (perform("clip", "ada", words, 600)[0].frames for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = perform("another clip", "ada", words, 600)[0].frames
    assert 1e-4 < np.abs(first - other).max() < 0.12


@pytest.mark.slow
@pytest.mark.parametrize("speaker", ["ada", "ben", "cora"])
def test_nothing_is_known_more_than_the_horizon_ahead(speaker):
    words, partner = talk(2, 20), talk(3, 20)
    whole, _ = perform("clip", speaker, words, 600, partner_words=partner)
    for known in np.arange(0.5, 19, 1.37):
        other, _ = perform(
            "clip",
            speaker,
            shifted(words, known + HORIZON_SECONDS, seed=7),
            600,
            partner_words=shifted(partner, known + HORIZON_SECONDS, seed=8),
        )
        frames = int(known * 30)
        np.testing.assert_allclose(whole.frames[:frames], other.frames[:frames], atol=1e-9)


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_hands_move_for_a_word_and_not_long_before_it(speaker):
    for meaning in ("big", "you", None):
        word = say(1.5, meaning, loudness=5, pitch=4)
        motion, strokes = perform("clip", speaker, [word], 150)
        assert [stroke.kind for stroke in strokes] == [meaning or "beat"]
        speed = hand_speed(motion)
        preparation = int((word.start_seconds - 0.38) * 30)
        assert speed[:preparation].max() < 0.06
        apex = round(strokes[0].apex_seconds * 30)
        assert speed[preparation:apex].max() > 0.3
        assert 0.05 <= strokes[0].apex_seconds - word.stress_seconds < (0.6 if meaning else 0.36)
        # At the apex the stroke is over: the hands have all but stopped.
        assert speed[apex] < 0.4 * speed[preparation:apex].max()


@pytest.mark.slow
def test_strokes_of_fluent_speech_are_in_time():
    late = {"beat": [], "meaning": []}
    for speaker in SPEAKERS:
        words = talk(5, 60)
        _, strokes = perform("clip", speaker, words, 1800)
        for stroke in strokes:
            assert stroke.start_seconds >= words[stroke.word].start_seconds - 0.38
            delay = stroke.apex_seconds - words[stroke.word].stress_seconds
            late["beat" if stroke.kind == "beat" else "meaning"].append(delay)
    assert np.median(late["beat"]) < 0.15
    assert np.median(late["meaning"]) < 0.25
    assert np.percentile(late["meaning"], 90) < 0.6


@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize(
    ("heard", "least", "most"),
    [("loudness_decibels", 4.5, 10), ("pitch_semitones", 3.3, 7.4)],
)
def test_beats_grow_with_loudness_and_pitch(speaker, heard, least, most):
    hand = HANDS[STYLES[speaker].handed]
    values = np.linspace(least, most, 12)
    sizes = []
    for value in values:
        word = replace(say(1.5), **{heard: float(value)})
        found = []
        for number in range(4):  # each with a variation of its own
            motion, strokes = perform(f"clip {value} {number}", speaker, [word], 120)
            place = in_chest(motion, hand)
            found.append(np.linalg.norm(place[round(strokes[0].apex_seconds * 30)] - place[30]))
        sizes.append(np.mean(found))
    assert np.asarray(spearmanr(values, sizes))[0] > 0.85
    assert sizes[-1] > 1.12 * sizes[0]


def test_quiet_words_get_no_beat_and_frequent_ones_no_gesture():
    quiet = say(1.5, loudness=-6, pitch=-4)
    assert perform("clip", "ada", [quiet], 120)[1] == []
    mine = replace(quiet, text="my", meaning="me")
    assert perform("clip", "ada", [mine], 120)[1] == []
    loud = replace(mine, loudness_decibels=6.0, pitch_semitones=4.0)
    assert [stroke.kind for stroke in perform("clip", "ada", [loud], 120)[1]] == ["me"]


def test_a_usual_word_gets_a_beat_when_hands_were_still_for_long():
    accented = say(1.5, loudness=6, pitch=3)
    for after_seconds, count in ((0.8, 1), (2.0, 2)):
        usual = say(1.5 + after_seconds, loudness=-1, pitch=-1)
        strokes = perform("clip", "ada", [accented, usual], 150)[1]
        assert len(strokes) == count, after_seconds


@pytest.mark.slow
def test_the_place_of_hands_tells_the_meaning():
    right, count = 0, 0
    for speaker in SPEAKERS:
        templates: list[tuple[str, np.ndarray]] = []
        for kind in (*MEANINGS, *["beat"] * 3):
            loudness = (2.0, 5.0, 9.0)[len(templates) % 3] if kind == "beat" else 3.0
            word = say(1.5, None if kind == "beat" else kind, loudness=loudness, pitch=3.0)
            motion, strokes = perform("template", speaker, [word], 150)
            templates.append((kind, around(motion, strokes[0].apex_seconds)))
        words = talk(11, 90, 0.3)
        motion, strokes = perform("clip", speaker, words, 2700)
        asked = -1.0
        for stroke, following in pairwise(strokes):
            if stroke.kind == "question":
                asked = stroke.apex_seconds + 4
            held = stroke.kind == "beat" and stroke.apex_seconds < asked
            if held or following.start_seconds < stroke.apex_seconds + 0.17:
                continue
            seen = around(motion, stroke.apex_seconds)
            nearest = min(templates, key=lambda kind: float(np.linalg.norm(kind[1] - seen)))[0]
            right, count = right + (nearest == stroke.kind), count + 1
    assert count > 400
    assert right > 0.95 * count


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_hands_rest_in_silence(speaker):
    words = [say(1.0 + 0.4 * k, m, loudness=4) for k, m in enumerate((None, "big", None, "no"))]
    motion, _ = perform("clip", speaker, words, 540)
    still = motion.cut(round((words[-1].end_seconds + 7) * 30), 540)
    assert hand_speed(still).max() < 0.05
    low = {side: in_chest(still, joint)[:, 1].max() for side, joint in HANDS.items()}
    assert max(low.values()) < -0.05


def test_a_left_handed_style_is_the_mirror_of_a_right_handed_one(monkeypatch):
    words, partner = talk(4, 20), talk(5, 20)
    right, _ = perform("clip", "ada", words, 600, partner_words=partner)
    monkeypatch.setitem(performance.STYLES, "ada", replace(STYLES["ada"], handed="left"))
    left, _ = perform("clip", "ada", words, 600, partner_words=partner)
    for one, other in ((RIGHT_HAND, LEFT_HAND), (LEFT_HAND, RIGHT_HAND)):
        # The skeleton's arms differ by centimetres, which shows where they are stretched.
        gap = in_chest(right, one) * (-1, 1, 1) - in_chest(left, other)
        assert np.linalg.norm(gap, axis=1).max() < 0.05
        assert np.median(np.linalg.norm(gap, axis=1)) < 0.01
    assert np.abs(right.positions[:, 2, 0] + left.positions[:, 2, 0]).max() < 1e-9


def test_listeners_keep_their_hands_down_and_nod():
    partner = [say(2.0 + 0.45 * k, loudness=6.0 * (k == 4), pitch=3.0 * (k == 4)) for k in range(8)]
    motion, strokes = perform("clip", "ada", [], 300, partner_words=partner)
    unmoved, _ = perform("clip", "ada", [], 300)
    assert strokes == []
    depth = motion.positions[:, 2, 2] - unmoved.positions[:, 2, 2]
    prominent = round(partner[4].stress_seconds * 30)
    assert depth[prominent : prominent + 20].max() > depth[prominent - 6] + 0.004
    assert hand_speed(motion).max() < 0.35


@pytest.mark.slow
def test_hands_move_as_much_as_peoples():
    """AvatarOS: 0.26 to 0.33 m/s and 30 to 43 m/s3 at 30 frames per second, at most 2.4 m/s."""
    speeds, jerks, peaks = [], [], []
    for speaker in SPEAKERS:
        motion, _ = perform("clip", speaker, talk(6, 60), 1800)
        hands = motion.positions[:, list(HANDS.values())]
        speeds.append(mean_derivative(hands, 30, order=1).mean())
        jerks.append(mean_derivative(hands, 30, order=3).mean())
        peaks.append(np.linalg.norm(np.diff(hands, axis=0), axis=-1).max() * 30)
    assert 0.2 < np.mean(speeds) < 0.4
    assert np.mean(jerks) < 37
    assert max(peaks) < 2.8


def test_a_minute_is_made_in_half_a_second():
    words = talk(8, 60)
    perform("warm", "ada", words, 1800)
    begin = time.process_time()
    perform("clip", "ada", words, 1800)
    assert time.process_time() - begin < 0.5


def test_a_stranger_has_no_style():
    with pytest.raises(UserError, match="'zoe' has no style; there are ada"):
        perform("clip", "zoe", [], 30)
