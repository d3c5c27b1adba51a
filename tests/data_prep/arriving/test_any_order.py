"""Whatever is called in whatever order, frames follow each other and nothing crashes."""

import contextlib

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.arriving.hearing import Hearing
from data_prep.clips.speech import prepare_speech
from data_prep.words.timed_files import read_timed_words, write_words
from data_prep.words.word import Word
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_mono
from tests.data_prep.arriving.spoken_file import (
    assert_is_the_file,
    small_config,
    sound,
    take_all,
)
from tests.pase.seeded import DATA

TIMES = st.floats(-1, 5) | st.sampled_from([float("nan"), float("inf"), 1e9])
WORDS = st.lists(st.tuples(st.text(max_size=4), TIMES, TIMES), max_size=3)
CALLS = st.one_of(
    st.tuples(st.just("hear"), st.integers(0, 9000)),
    st.tuples(st.just("say"), WORDS, st.none() | TIMES),
    st.tuples(st.just("say_text"), st.text(max_size=12)),
    st.tuples(st.just("all_words_known"), TIMES),
    st.tuples(st.just("silence"), st.integers(0, 9)),
    st.tuples(st.just("take"), st.integers(-1, 40)),
    st.tuples(st.just("drop")),
    st.tuples(st.just("end")),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    calls=st.lists(CALLS, max_size=14),
    mode=st.sampled_from(["none", "timed", "untimed"]),
    rate=st.sampled_from([16000, 44100]),
)
def test_any_calls_in_any_order(calls, mode, rate):
    hearing, taken, before = Hearing(small_config(), words=mode), 0, 0
    for name, *given_ in calls:
        if name == "hear":
            given_ = [sound(rate)[: given_[0]], rate]
        if name == "say":
            given_ = [[Word(*word) for word in given_[0]], given_[1]]
        with contextlib.suppress(UserError):
            result = getattr(hearing, name)(*given_)
            if name == "take":
                assert result.first == taken
                assert len(result) == max(0, min(given_[0], before))
                assert np.isfinite(result.audio).all()
                assert np.isfinite(result.words).all()
                taken += len(result)
        assert hearing.frames_taken == taken
        assert hearing.frames_heard >= 0
        before = hearing.frames_ready
        assert before >= 0
    hearing.end()
    taken += sum(map(len, take_all(hearing)))
    assert hearing.is_over
    assert taken == hearing.num_frames


@pytest.mark.slow
def test_a_real_recording_arrives_as_its_file_is_prepared(tmp_path):
    recording = DATA / "avataros" / "001_Neutral_0_mirror_x_1_0.wav"
    words = DATA / "avataros" / "alignments" / "001_Neutral_0_mirror_x_1_0.TextGrid"
    if not recording.is_file():
        pytest.skip(f"no {recording}")
    samples, config, seconds = read_mono(recording, 16000)[: 40 * 16000 + 123], small_config(), 40.0
    spoken = [word for word in read_timed_words(words, 120.0) if word.end_seconds <= seconds]
    audio, words = tmp_path / "a.wav", tmp_path / "a.json"
    soundfile.write(audio, samples, 16000, subtype="FLOAT")
    write_words(words, spoken)
    file = prepare_speech(audio, config=config, words=words)
    hearing = Hearing(config, words="timed")
    heard = []
    for number, piece in enumerate(np.split(samples, range(3200, len(samples), 3200))):
        hearing.hear(piece, 16000)
        end = 0.2 * (number + 1)
        come = [word for word in spoken if word.start_seconds < end + 1]
        spoken = spoken[len(come) :]
        hearing.say(come, end + 1)
        heard += take_all(hearing)
        assert hearing.num_frames == hearing.frames_heard
    hearing.end()
    assert_is_the_file(heard + take_all(hearing), file)
