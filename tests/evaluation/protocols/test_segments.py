"""Segments of recordings and annotations of meaning: forms, cuts, refusals."""

import numpy as np
import pytest

from llavataros_jax.errors import UserError
from llavataros_jax.evaluation.protocols.segments import read_segments, segment_of, spoken_part
from llavataros_jax.evaluation.protocols.semantics import Semantics, read_semantics
from llavataros_jax.evaluation.spoken import Spoken
from llavataros_jax.evaluation.take import Performance
from tests.evaluation.protocols.bodies import body

HEAD = "file_name,start_seconds,end_seconds,duration_seconds\n"


@pytest.fixture
def listing(tmp_path):
    path = tmp_path / "segments.csv"
    path.write_text(HEAD + "1_wayne,2.5,10.0,7.5\n2_scott,9.467,20.633,11.167\n")
    return path


def test_the_leaderboards_form_is_read(listing):
    assert read_segments(listing) == {"1_wayne": (2.5, 10.0), "2_scott": (9.467, 20.633)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 lines"),
        ("a,b\n1,2\n", "lacks some"),
        (HEAD + "x,3,2,1\n", "line 2: 'x' from '3' to '2'"),
        (HEAD + "x,a,2,1\n", "line 2"),
        (HEAD + "x,1\n", "line 2"),
        (HEAD + "x,1,nan,1\n", "line 2"),
        (HEAD + "x,1,2,1\nx,3,4,1\n", "line 3: there is another"),
    ],
)
def test_other_lists_are_refused(tmp_path, text, says):
    path = tmp_path / "segments.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=says):
        read_segments(path)


def test_a_list_that_is_missing_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_segments(tmp_path / "none.csv")


def test_motion_and_speech_are_cut_at_the_same_times(listing, tmp_path):
    real, slow, part = body(600), body(300, fps=15.0), body(225)
    words = (("before", 2.0, 2.6), ("in", 3.0, 4.0), ("after", 9.9, 10.2))
    spoken = Spoken(tmp_path / "x.wav", 1.0, 20.0, words)
    performance = Performance("1_wayne", "1", real, (slow, part), spoken)
    found = segment_of(performance, read_segments(listing), listing)
    np.testing.assert_array_equal(found.real.positions, real.positions[75:300])
    # 37.5 frames of 15 a second are rounded to even.
    np.testing.assert_array_equal(found.predicted[0].positions, slow.positions[38:150])
    assert found.predicted[1] is part
    assert found.spoken is not None
    assert (found.spoken.start_seconds, found.spoken.seconds) == (3.5, 7.5)
    assert found.spoken.words == (("in", 0.5, 1.5),)


def test_unknown_clips_and_short_motion_are_refused(listing):
    segments, real = read_segments(listing), body(600)
    with pytest.raises(UserError, match="clip other is not in the segments"):
        segment_of(Performance("other", "1", real, ()), segments, listing)
    with pytest.raises(UserError, match=r"clip 2_scott lasts 20.00 seconds.*20.633"):
        segment_of(Performance("2_scott", "2", real, ()), segments, listing)
    with pytest.raises(UserError, match=r"predicted motion lasts 2.00 seconds, neither"):
        segment_of(Performance("1_wayne", "1", real, (body(60),)), segments, listing)


def test_a_part_of_rolled_speech_stays_rolled(tmp_path):
    spoken = Spoken(tmp_path / "x.wav", 0.0, 10.0).rolled(2.0)
    assert spoken_part(spoken, 1.0, 3.0).rolled_seconds == 2.0


def test_weights_of_frames_by_hand():
    gestures = Semantics(((0.15, 0.35, 0.5), (0.3, 0.5, 1.0)))
    # At 10 a second: frames that are touched, and frames whose time lies in the first gesture.
    np.testing.assert_array_equal(gestures.widest(7, 10), [0, 0.5, 0.5, 1, 1, 0, 0])
    np.testing.assert_array_equal(gestures.first(7, 10), [0, 0, 0.5, 0.5, 1, 1, 0])


def test_annotations_are_read_and_others_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("01_beat_align\t0\t1.5\t1.5\t0.2\t\n\ndeictic_l\t2\t2\t0\t0.9\tno length\n")
    assert read_semantics(path) == Semantics(((0.0, 1.5, 0.2),))
    path.write_text("label\tstart\tend\tduration\tweight\n")
    with pytest.raises(UserError, match="cannot be read"):
        read_semantics(path)
