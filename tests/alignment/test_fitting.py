"""Trained models: that they learn what there is to learn, and cannot be fooled."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from llavataros_jax.alignment.accuracy import accuracy, judge
from llavataros_jax.alignment.body import body_points
from llavataros_jax.alignment.correlation import fit_floor
from llavataros_jax.alignment.fitting import fit_alignment
from llavataros_jax.alignment.material import AlignmentClip, alignment_clip, hold_out, steadied
from llavataros_jax.alignment.model import AlignmentModel, motion_embeddings, speech_embeddings
from llavataros_jax.alignment.preference import preferred_share, share_interval
from llavataros_jax.alignment.settings import Settings
from llavataros_jax.alignment.speech import SAMPLE_RATE
from llavataros_jax.errors import UserError
from llavataros_jax.motion.reader import read_motion
from llavataros_jax.motion.trajectories import Trajectories, of_motion
from llavataros_jax.sound.reader import read_info, read_mono
from tests.alignment.synthetic import standing, talk

CORPUS = Path(__file__).parents[2] / "corpus"
TINY = Settings(members=2, steps=3, batch_windows=8, width=4, layers=1, channels=2)


def clip(name, trajectories, samples, speaker="") -> AlignmentClip:
    return alignment_clip(name, speaker, trajectories, samples)


@pytest.fixture(scope="module")
def talks() -> list[AlignmentClip]:
    return [clip(str(seed), *talk(seed, 12)) for seed in range(4)]


@pytest.fixture(scope="module")
def tiny(talks) -> AlignmentModel:
    return fit_alignment(talks, TINY)


def test_the_same_clips_and_settings_give_the_same_model(talks, tiny):
    again = fit_alignment(talks, TINY)
    assert again.hash == tiny.hash
    assert again.accuracy == tiny.accuracy
    assert (tiny.clips, tiny.accuracy.clips) == (4, 1)
    other = Settings(**{**TINY.to_dict(), "seed": 1})
    assert fit_alignment(talks, other).hash != tiny.hash


def test_progress_and_a_curve_are_told(talks):
    told = []
    model = fit_alignment(talks, TINY, curve=(0.5,), report=told.append)
    assert [progress.step for progress in told] == [3, 6, 9, 12]
    assert [point.seconds for point in model.curve] == pytest.approx([18, 36])
    assert model.curve[-1].accuracy == model.accuracy


def test_bad_input_has_no_value_or_one_sentence(talks, tiny):
    assert len(motion_embeddings(tiny, standing(30, 30.0))) == 0
    assert len(speech_embeddings(tiny, np.zeros(SAMPLE_RATE, np.float32), 1.0)) == 0
    still = clip("still", standing(360, 30.0), talk(1, 12)[1])
    silent = clip("silent", talk(1, 12)[0], np.zeros(SAMPLE_RATE, np.float32))
    for clips in ([still, *talks], [silent]):  # ties
        wins, counts = judge(tiny.embed, clips)
        assert wins[0] == counts[0] / 2 > 0
    with pytest.raises(UserError, match="2 s apart"):
        fit_alignment([clip("short", *talk(0, 3))], TINY)
    assert accuracy(tiny.embed, []).share is None
    one = fit_alignment([clip("one", *talk(0, 30))], TINY)
    assert one.accuracy.share is not None
    assert one.accuracy.interval is None
    assert not one.accuracy.excludes_chance
    with pytest.raises(UserError, match="clip bad: 1 of 9 samples are NaN"):
        clip("bad", standing(60, 30.0), np.array([0] * 8 + [np.nan], np.float32))


def test_embeddings_are_directions_or_nothing(talks, tiny):
    moved, heard = tiny.embed(talks[0])
    assert moved.shape == heard.shape
    assert np.linalg.norm(moved, axis=1) == pytest.approx(1, abs=1e-5)
    still = motion_embeddings(tiny, standing(360, 30.0))
    assert not still.any()


def test_the_floor_finds_an_arm_that_follows_loudness(talks):
    pytest.importorskip("sklearn")
    held = [clip(str(seed), *talk(seed, 12)) for seed in range(10, 14)]
    found = accuracy(fit_floor(talks).embed, held)
    assert found.share is not None
    assert found.share > 0.9


def bundled() -> list[tuple[str, str, Trajectories, np.ndarray]]:
    with (CORPUS / "clips.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = []
    for row in rows:
        sound = CORPUS / f"{row['name']}.flac"
        seconds = read_info(sound).seconds
        motion, _ = read_motion(CORPUS / f"{row['name']}.npz", audio_seconds=seconds)
        samples = read_mono(sound, SAMPLE_RATE)
        found.append((row["name"], row["speaker"], of_motion(motion), samples))
    return found


@pytest.mark.slow
def test_on_the_bundled_corpus_only_matched_speech_is_preferred():
    settings = Settings(members=1, steps=200, hold_out=0.4)
    takes = bundled()
    clips = [clip(name, body, sound, who) for name, who, body, sound in takes]
    model = fit_alignment(clips, settings)
    assert model.accuracy.excludes_chance
    assert model.accuracy.share is not None
    assert model.accuracy.share > 0.85
    _, held = hold_out(clips, settings)
    bodies = {name: body for name, _, body, _ in takes}

    def score(change) -> tuple[float, tuple[float, float]]:
        changed = [
            AlignmentClip(
                c.name, c.speaker, steadied(body_points(change(bodies[c.name]))), c.speech
            )
            for c in held
        ]
        wins, counts = judge(model.embed, changed)
        share, interval = preferred_share(wins, counts), share_interval(wins, counts)
        assert share is not None
        assert interval is not None
        return share, interval

    drawn = np.random.default_rng(0)

    def scaled(body: Trajectories, gain: float) -> Trajectories:
        middle = body.positions.mean(axis=0)
        return body.moved(middle + gain * (body.positions - middle))

    matched, _ = score(lambda body: body)
    assert matched > 0.85
    for name, change in {
        "half as large": lambda body: scaled(body, 0.5),
        "twice as large": lambda body: scaled(body, 2.0),
        "jitter": lambda b: b.moved(b.positions + 0.005 * drawn.standard_normal(b.positions.shape)),
        "smooth": lambda b: b.moved(gaussian_filter1d(b.positions, 0.2 * b.fps, axis=0)),
    }.items():
        assert score(change)[0] < matched + 0.01, name
    # Another clip's motion of the same speaker, at the length of the speech.
    following = {}
    for c in held:
        same = [other.name for other in held if other.speaker == c.speaker]
        following[c.name] = same[(same.index(c.name) + 1) % len(same)]
    wrong = []
    for c in held:
        # Pushed round its end: all clips begin at rest, and that much would match.
        positions = bodies[following[c.name]].positions
        turned = np.roll(positions, len(positions) // 2, axis=0)
        body = bodies[c.name].moved(np.resize(turned, bodies[c.name].positions.shape))
        points = steadied(body_points(body))
        wrong.append(AlignmentClip(c.name, c.speaker, points, c.speech))
    low, high = share_interval(*judge(model.embed, wrong)) or (0.0, 0.0)
    assert low < 0.5 < high


def test_members_speak_with_the_mean_of_their_similarities(talks):
    model = fit_alignment(talks, TINY)
    alone = [
        AlignmentModel(dataclasses.replace(TINY, members=1), (member,)) for member in model.members
    ]
    moved, heard = model.embed(talks[0])
    each = [left @ right.T for left, right in (one.embed(talks[0]) for one in alone)]
    assert np.abs(each[0] - each[1]).max() > 1e-3
    np.testing.assert_allclose(moved @ heard.T, np.mean(each, axis=0), atol=1e-5)
