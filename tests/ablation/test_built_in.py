"""What is built into the bundled corpus, read from its files and found in its own motion."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import scipy.stats

from llavataros.ablation.annotation import Stroke, read_strokes
from llavataros.ablation.built_in import (
    CONTRAST,
    GESTURES,
    HABITS,
    SIZES,
    built_in_measures,
    reference_of,
)
from llavataros_jax.evaluation.take import Take
from llavataros_jax.motion.npy import read_npy
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from tests.backend import ROOT

CORPUS = ROOT / "corpus"
WRISTS = [8, 5]  # left, right
TRAINING = ("ada_1", "ada_2", "ada_3", "ben_1", "ben_2", "ben_3")


def motion_of(clip: str) -> Trajectories:
    path = CORPUS / f"{clip}.npz"
    with np.load(path, allow_pickle=False) as arrays:
        seconds = len(arrays["motion"]) / float(arrays["fps"])
    return of_motion(read_npy(path, audio_seconds=seconds))


def strokes_of(clip: str) -> tuple[Stroke, ...]:
    return read_strokes(CORPUS / f"{clip}.flac", start_seconds=0.0, seconds=100.0)


@pytest.fixture(scope="module")
def reference():
    return reference_of((clip[:3], motion_of(clip), strokes_of(clip)) for clip in TRAINING)


@pytest.fixture(scope="module")
def measures(reference):
    made = built_in_measures(reference, {clip: strokes_of(clip) for clip in ("ada_4", "ben_4")})
    return {measure.key: measure for measure in made}


def take(clip: str, **changes) -> Take:
    real = motion_of(clip)
    return dataclasses.replace(Take(clip, clip[:3], real, real), **changes)


def held(clip: str) -> Trajectories:
    real = motion_of(clip)
    mean = real.positions.mean(axis=0, keepdims=True)
    return real.moved(np.broadcast_to(mean, real.positions.shape))


def test_strokes_are_those_of_the_file(tmp_path: Path) -> None:
    rows = json.loads((CORPUS / "ada_4.json").read_text())["words"]
    told = [row for row in rows if "gesture" in row]
    assert [s.kind for s in strokes_of("ada_4")] == [row["gesture"] for row in told]
    part = read_strokes(CORPUS / "ada_4.flac", start_seconds=2.0, seconds=3.0)
    inside = [row for row in told if 2 <= row["apex"] < 5]
    assert [s.apex_seconds for s in part] == pytest.approx([row["apex"] - 2 for row in inside])
    assert [s.stress_seconds for s in part] == pytest.approx([row["stress"] - 2 for row in inside])


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"words": 3}', '{"words": [{"word": "a", "start": 0, "end": 1}, 7]}', "{"],
)
def test_words_of_people_tell_of_no_strokes(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert read_strokes(tmp_path / "a.wav", start_seconds=0, seconds=9) == ()
    assert read_strokes(tmp_path / "b.wav", start_seconds=0, seconds=9) == ()


@pytest.mark.parametrize("clip", ["ada_4", "ben_4"])
def test_recorded_motion_makes_the_gestures_and_a_held_pose_one_of_five(measures, clip) -> None:
    right, total = measures[GESTURES].gather(take(clip))
    assert total == sum(s.kind != "beat" for s in strokes_of(clip)) >= 10
    assert right == total
    right, total = measures[GESTURES].gather(take(clip, motion=held(clip)))
    # The one gesture that is nearest to the mean pose, which each kind of word is as often.
    assert right <= 0.4 * total


def test_gestures_of_another_time_are_mostly_wrong(measures) -> None:
    real = motion_of("ada_4")
    later = real.moved(np.roll(real.positions, real.num_frames // 3, axis=0))
    right, total = measures[GESTURES].gather(take("ada_4", motion=later))
    assert right <= 0.5 * total


def test_sizes_are_compared_by_pearsons_r(measures, reference) -> None:
    """Over the beats of both speakers' clips, each about its mean; of a motion that is noisy."""
    sums, sizes = [], []
    for clip in ("ada_4", "ben_4"):
        real = motion_of(clip)
        noise = np.random.default_rng(1).normal(0, 0.05, (real.num_frames, 1, 3))
        other = real.moved(real.positions + noise)
        sums.append(measures[SIZES].gather(take(clip, motion=other)))
        direction = reference.beats[clip[:3]]
        frames = [round(s.apex_seconds * 30) for s in strokes_of(clip) if s.kind == "beat"]
        places = (m.positions[frames][:, WRISTS].reshape(-1, 6) for m in (other, real))
        sizes.append([scipy.signal.detrend(p @ direction, type="constant") for p in places])
    found = measures[SIZES].finish(np.sum(sums, axis=0))
    x, y = (np.concatenate([pair[which] for pair in sizes]) for which in (0, 1))
    assert found == pytest.approx(scipy.stats.pearsonr(x, y)[0])
    assert 0.1 < found < 0.95
    assert measures[SIZES].finish(measures[SIZES].gather(take("ada_4"))) == pytest.approx(1.0)
    still = measures[SIZES].gather(take("ada_4", motion=held("ada_4")))
    assert np.isnan(measures[SIZES].finish(still))


def test_the_direction_of_beats_is_their_size(reference) -> None:
    """The generator makes beats larger for louder words, so sizes must follow the sound."""
    soundfile = pytest.importorskip("soundfile")
    loudness, sizes = [], []
    direction = reference.beats["ben"]
    for clip in ("ben_1", "ben_2", "ben_3"):
        samples, rate = soundfile.read(CORPUS / f"{clip}.flac")
        places = motion_of(clip).positions[:, WRISTS].reshape(-1, 6)
        for row in json.loads((CORPUS / f"{clip}.json").read_text())["words"]:
            if row.get("gesture") == "beat":
                part = samples[round(row["start"] * rate) : round(row["end"] * rate)]
                loudness.append(10 * np.log10(np.mean(part**2)))
                sizes.append(places[round(row["apex"] * 30)] @ direction)
    ranks = [scipy.stats.rankdata(values) for values in (loudness, sizes)]
    assert abs(np.corrcoef(*ranks)[0, 1]) > 0.8


def test_strokes_fall_on_stresses(measures) -> None:
    value, weight = measures[CONTRAST].gather(take("ada_4"))
    real = motion_of("ada_4")
    later = real.moved(np.roll(real.positions, real.num_frames // 3, axis=0))
    value_later, _ = measures[CONTRAST].gather(take("ada_4", motion=later))
    assert weight == pytest.approx(real.seconds)
    assert value / weight > 0.3
    assert value_later < 0.5 * value
    tremor = held("ada_4").positions + np.random.default_rng(1).normal(
        0, 1e-7, (real.num_frames, 1, 3)
    )
    assert measures[CONTRAST].gather(take("ada_4", motion=real.moved(tremor)))[0] == 0


def test_habits_are_told_by_body(measures) -> None:
    ada, ben = motion_of("ada_4"), motion_of("ben_4")
    assert measures[HABITS].gather(take("ada_4")).tolist() == [1, 1]
    assert measures[HABITS].gather(take("ben_4")).tolist() == [1, 1]
    assert measures[HABITS].gather(Take("ada_4", "ben", ben, ada)).tolist() == [1, 1]
    assert measures[HABITS].gather(Take("ada_4", "ben", ada, ada)).tolist() == [0, 1]


def test_without_annotation_there_is_nothing_but_habits() -> None:
    clips = [(clip[:3], motion_of(clip), ()) for clip in TRAINING]
    made = {m.key: m.gather(take("ada_4")) for m in built_in_measures(reference_of(clips), {})}
    assert [key for key, sums in made.items() if sums is not None] == [HABITS]
