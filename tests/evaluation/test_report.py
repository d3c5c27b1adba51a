"""The report of a clip: its numbers by hand, its anchors, its table, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.report import evaluate_clip, format_table, summarise
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.skeleton import AVATAROS_9, Skeleton
from tests.evaluation.people import LEFT_HAND, RIGHT_HAND, standing, strokes

STARTS = np.cumsum(np.random.default_rng(0).uniform(0.9, 2.6, 15))
WORDS = [("word", start, start + 0.3) for start in STARTS]
BEATS = np.sort(np.concatenate([STARTS, STARTS + 0.45]))
FRAMES = round(30 * (STARTS[-1] + 2))
CORPUS = Path(__file__).parents[2] / "corpus"


def speaker(lag=0.2, metres=0.2):
    places = strokes(STARTS + lag, num_frames=FRAMES, metres=metres)
    return standing({LEFT_HAND: places, RIGHT_HAND: -places / 2}, num_frames=FRAMES)


def evaluate(predicted, real, **changes):
    return evaluate_clip(
        predicted, real, **{"audio_beats_seconds": BEATS, "words": WORDS, **changes}
    )


def test_the_real_motion_against_itself():
    values = evaluate(speaker(), speaker())
    assert values["position_error_metres/predicted"] == 0
    assert values["hand_speed_left_ratio/predicted"] == 1
    assert values["hand_speed_correlation/predicted"] == pytest.approx(1)
    assert values["fd_g_metres2/predicted"] == pytest.approx(0, abs=1e-12)
    assert values["fd_k_metres2_per_second2/predicted"] == pytest.approx(0, abs=1e-12)
    for name, value in values.items():
        twin = name.replace("/predicted", "/real")
        if "/predicted" in name and twin in values and not name.startswith("fd_"):
            assert value == values[twin]
    assert values["stroke_lag_seconds/real"] == pytest.approx(0.2, abs=1 / 30)
    assert values["stroke_contrast/real"] > 1.5 * values["stroke_contrast/real_shifted"]
    assert values["stroke_contrast_chance/real"] == pytest.approx(1 / 101)


def test_numbers_by_hand():
    line = np.zeros((FRAMES, 3))
    line[:, 2] = np.arange(FRAMES) / 30
    real = standing({LEFT_HAND: 0.5 * line}, num_frames=FRAMES)
    predicted = standing({LEFT_HAND: 0.1 * line, RIGHT_HAND: 0.3 * line}, num_frames=FRAMES)
    values = evaluate(predicted, real)
    assert values["hand_speed_left_metres_per_second/predicted"] == pytest.approx(0.1)
    assert values["hand_speed_left_metres_per_second/real"] == pytest.approx(0.5)
    assert values["hand_speed_left_ratio/predicted"] == pytest.approx(0.2)
    assert values["hand_speed_right_metres_per_second/real"] == 0
    assert values["hand_speed_right_ratio/predicted"] is None
    travelled = (FRAMES - 1) / 30
    assert values["position_error_metres/predicted"] == pytest.approx(0.7 * travelled / 2 / 9)
    assert values["acceleration_metres_per_second2/real"] == pytest.approx(0, abs=1e-9)
    assert values["clip_seconds"] == FRAMES / 30
    assert values["audio_beats_per_second/real"] == pytest.approx(30 / (FRAMES / 30))
    spread = np.var(0.5 * line[:, 2], ddof=1)
    assert values["fd_g_metres2/mean_pose"] == pytest.approx(spread)
    assert values["fd_k_metres2_per_second2/mean_pose"] == pytest.approx(0.25)


def test_alignment_tells_speech_from_shifted_speech():
    # Irregular slow beats with the hand at rest on each: aligned as no shift can be.
    places = strokes(STARTS[:-1] + np.diff(STARTS) / 2, num_frames=FRAMES)
    motion = standing({LEFT_HAND: places, RIGHT_HAND: places}, num_frames=FRAMES)
    values = evaluate(motion, motion, audio_beats_seconds=STARTS[1:-1])
    assert values["beat_alignment_wrists/real"] > values["beat_alignment_wrists/real_shifted"] + 0.1
    # Only the two wrists of the six joints move, and joints without beats score 0.
    assert values["beat_alignment_arms/real"] == pytest.approx(
        values["beat_alignment_wrists/real"] / 3
    )


def test_nothing_to_measure_is_none_and_json():
    still = standing(num_frames=2)
    values = evaluate(still, still, audio_beats_seconds=np.zeros(0), words=[])
    assert values["beat_alignment_wrists/predicted"] is None
    assert values["beat_alignment_wrists/predicted_shifted"] is None
    assert values["stroke_contrast/predicted"] is None
    assert values["jerk_metres_per_second3/predicted"] is None
    assert values["position_error_metres/predicted"] == 0
    json.dumps(values, allow_nan=False)
    assert "–" in format_table(values)


def test_still_motion_scores_nothing():
    still = standing(num_frames=FRAMES)
    values = evaluate(still, speaker())
    assert values["beat_alignment_wrists/predicted"] == 0
    assert values["hand_speed_left_ratio/predicted"] == 0
    assert values["hand_speed_correlation/predicted"] is None
    assert values["stroke_contrast/predicted"] is None


def test_a_body_without_hands_is_measured_all_the_same():
    skeleton = Skeleton(("a", "b"), (-1, 0), np.zeros((2, 3)))
    frames = np.array(speaker().frames[:, [0, LEFT_HAND]])
    motion = Motion(frames, 30.0, skeleton)
    values = evaluate(motion, motion)
    assert values["beat_alignment_wrists/predicted"] is None
    assert values["hand_speed_left_ratio/predicted"] is None
    assert values["jerk_metres_per_second3/predicted"] > 0


def test_what_cannot_be_compared():
    motion = speaker()
    with pytest.raises(UserError, match=f"{FRAMES - 3} frames, the real one {FRAMES}"):
        evaluate(motion.cut(0, FRAMES - 3), motion)
    assert evaluate(motion.cut(0, FRAMES - 2), motion)["position_error_metres/predicted"] == 0
    with pytest.raises(UserError, match="60 frames per second, the real one 30"):
        evaluate(replace(motion, fps=60.0), motion)
    other = replace(AVATAROS_9, names=tuple(f"{name}_" for name in AVATAROS_9.names))
    with pytest.raises(UserError, match="different skeletons"):
        evaluate(replace(motion, skeleton=other), motion)


def test_summary_weighs_by_seconds_and_takes_ratios_last():
    name = "hand_speed_left_metres_per_second"
    clips = [
        {"clip_seconds": 10.0, f"{name}/predicted": 1.0, f"{name}/real": 1.0, "x/real": None},
        {"clip_seconds": 30.0, f"{name}/predicted": 1.0, f"{name}/real": 0.2, "x/real": 7.0},
    ]
    for clip in clips:
        clip["hand_speed_left_ratio/predicted"] = clip[f"{name}/predicted"] / clip[f"{name}/real"]
    summary = summarise(clips)
    assert summary["clips"] == 2
    assert summary["clip_seconds"] == 40
    assert summary[f"{name}/real"] == pytest.approx(0.4)
    assert summary["hand_speed_left_ratio/predicted"] == pytest.approx(2.5)
    assert summary["x/real"] == 7.0
    assert summarise([{"clip_seconds": 1.0, "x/real": None}])["x/real"] is None
    with pytest.raises(UserError, match="no clips"):
        summarise([])


def test_summary_of_one_clip_is_the_clip():
    values = evaluate(speaker(0.1, 0.1), speaker())
    summary = summarise([values])
    assert summary.pop("clips") == 1
    assert list(summary) == list(values)
    assert summary == pytest.approx(values)


def test_table():
    table = format_table(
        {
            "clip_seconds": 2.0,
            "jerk_metres_per_second3/predicted": 1234.5678,
            "jerk_metres_per_second3/real": None,
            "fd_k_metres2_per_second2/mean_pose": 0.25,
        }
    )
    assert table.splitlines() == [
        "| measure      | predicted | real | mean pose |",
        "| ------------ | --------: | ---: | --------: |",
        "| jerk (m/s³)  |      1235 |    – |           |",
        "| fd k (m²/s²) |           |      |      0.25 |",
    ]


@pytest.mark.parametrize("clip", ["ada_4", "ben_4"])
def test_the_bundled_corpus_strokes_on_its_words(clip):
    spoken = json.loads((CORPUS / f"{clip}.json").read_text(encoding="utf-8"))["words"]
    words = [(word["word"], word["stress"], word["end"]) for word in spoken]
    with np.load(CORPUS / f"{clip}.npz") as stored:
        real = Motion(stored["motion"], float(stored["fps"]), AVATAROS_9)
    values = evaluate(real, real, words=words, audio_beats_seconds=np.array([w[1] for w in words]))
    # The generator's strokes begin with the word and end 0.35 s after its vowel begins.
    assert values["stroke_contrast_chance/real"] <= 0.05
    assert 0 < values["stroke_lag_seconds/real"] < 0.35
