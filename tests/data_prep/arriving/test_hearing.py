"""Speech that arrives in any pieces and any order against the file of the same speech."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.arriving.hearing import Hearing, take_together
from data_prep.arriving.mel_frames import MelFrames
from data_prep.arriving.sound import ArrivingSound
from data_prep.arriving.timed_words import TimedWords
from data_prep.words.word import Word
from llavataros_jax.errors import UserError
from tests.data_prep.arriving.spoken_file import (
    assert_is_the_file,
    of_the_file,
    small_config,
    sound,
    spoken,
    take_all,
)

RATE = 16000


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    order=st.permutations([*("sound",) * 8, *("words",) * 4]),
    cuts=st.lists(st.floats(0, 1), min_size=7, max_size=7),
    word_cuts=st.lists(st.integers(0, len(spoken())), min_size=3, max_size=3),
    most=st.integers(1, 40),
    rate=st.sampled_from([16000, 22050]),
    rule=st.sampled_from(["interval", "pointer"]),
    fps=st.sampled_from([30, 120]),
)
def test_any_cut_and_any_order_gives_the_files_frames(
    order, cuts, word_cuts, most, rate, rule, fps
):
    config = small_config(rule, fps)
    hearing, samples, words, heard = Hearing(config, words="timed"), sound(rate), spoken(), []
    pieces = iter(np.split(samples, sorted(int(cut * len(samples)) for cut in cuts)))
    word_cuts = [0, *sorted(word_cuts), len(words)]
    # The next word may begin before the last one's end.
    batches = itertools.pairwise(word_cuts)
    for kind in order:
        if kind == "sound":
            hearing.hear(next(pieces), rate)
        else:
            first, stop = next(batches)
            known = words[stop].start_seconds if stop < len(words) else None
            hearing.say(words[first:stop], known)
        heard += take_all(hearing, most)
    hearing.end()
    heard += take_all(hearing, most)
    assert hearing.is_over
    assert hearing.late_words == 0
    assert_is_the_file(heard, of_the_file(config, rate))


@pytest.mark.parametrize("rate", [16000, 44100])
def test_sample_by_sample(rate):
    config = small_config()
    hearing, heard = Hearing(config), []
    for piece in np.split(sound(rate), range(4000, 5000)):
        hearing.hear(piece, rate)
        heard += take_all(hearing)
    hearing.end()
    assert_is_the_file(heard + take_all(hearing), of_the_file(config, rate, has_words=False))


@pytest.mark.parametrize("samples", [1, 100, 800, 801, 1333, 16000 * 2 // 25])
@pytest.mark.parametrize("fps", [25, 30, 120])
def test_short_streams_have_a_files_number_of_frames(samples, fps):
    hearing = Hearing(small_config(fps=fps))
    hearing.hear(sound(RATE)[:samples], RATE)
    before = hearing.num_frames
    hearing.end()
    assert hearing.num_frames == round(samples / RATE * fps)
    assert before <= hearing.num_frames
    assert sum(map(len, take_all(hearing))) == hearing.num_frames
    assert hearing.is_over


def test_a_frame_is_complete_as_soon_as_its_sound_is_there():
    hearing = Hearing(small_config())
    # Frame 0 ends with the third step of 10 ms, frame 2 with the tenth.
    for heard, frames in ((479, 0), (480, 1), (959, 1), (960, 2), (1599, 2), (1600, 3)):
        hearing.hear(sound(RATE)[round(hearing.seconds_heard * RATE) : heard], RATE)
        assert hearing.num_frames == hearing.frames_heard == frames


def test_a_frame_waits_until_its_word_cannot_change():
    hearing = Hearing(small_config(), words="timed")
    hearing.hear(sound(RATE), RATE)
    assert (hearing.frames_heard, hearing.num_frames, hearing.waits_for_words) == (66, 0, True)
    hearing.say(spoken()[:2])  # up to 0.35 s: frame 10 begins at 1/3 s, frame 11 after it
    assert (hearing.num_frames, hearing.waits_for_words) == (11, False)
    hearing.say([], 0.5)  # frame 15 begins there, and a word that does too may come
    assert hearing.num_frames == 15
    hearing.say([], 0.2)
    assert hearing.num_frames == 15
    hearing.all_words_known(0.51)
    assert hearing.num_frames == 16


def test_late_words_are_counted_and_used_while_they_last():
    hearing = Hearing(small_config(), words="timed")
    hearing.hear(sound(RATE), RATE)
    hearing.all_words_known(0.5)
    assert len(hearing.take(100)) == 15
    first, second, third = spoken()[0], spoken()[1], spoken()[4]
    hearing.say([first, second])
    assert hearing.late_words == 2
    hearing.say([third], 3.0)
    assert hearing.late_words == 2
    late = Hearing(small_config(), words="timed")
    late.hear(sound(RATE), RATE)
    late.all_words_known(0.7)
    late.take(100)
    late.say([third], 3.0)
    assert late.late_words == 1
    heard = late.take(100)
    assert (heard.first, heard.has_word[:7].all(), heard.has_word[8:].any()) == (21, True, False)


def test_several_streams_at_once_give_what_each_gives_alone():
    config = small_config()
    together, alone = ([Hearing(config, words="timed") for _ in range(3)] for _ in range(2))
    for number, (one, other) in enumerate(zip(together, alone, strict=True)):
        for hearing in (one, other):
            hearing.hear(sound(RATE)[1000 * number : 9000 + 3000 * number], RATE)
            hearing.say(spoken(), 3.0 if number else None)
    together[2].end()
    alone[2].end()
    for most in (1, 4, 0, 1000):
        for found, hearing in zip(take_together(together, most), alone, strict=True):
            expected = hearing.take(most)
            assert found.first == expected.first
            for name in ("audio", "words", "has_word"):
                np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("rate", [16000, 44100])
def test_what_was_dropped_was_never_there(rate):
    config = small_config()
    samples = sound(rate)
    hearing, plain = Hearing(config, words="timed"), Hearing(config, words="timed")
    hearing.hear(samples[:rate], rate)
    hearing.say(spoken()[:4], 1.5)
    heard = [hearing.take(18)]
    hearing.drop()
    assert (hearing.seconds_heard, hearing.frames_ready) == (0.6, 0)
    hearing.hear(samples[rate:], rate)
    assert not hearing.frames_ready
    hearing.say([spoken()[-1]], 3.0)  # of stream time
    hearing.end()
    heard += take_all(hearing)
    plain.hear(np.concatenate([samples[: rate * 6 // 10], samples[rate:]]), rate)
    plain.say([*spoken()[:4], spoken()[-1]], 3.0)
    plain.end()
    (expected,) = take_all(plain)
    audio = np.concatenate([part.audio for part in heard])
    assert len(audio) == len(expected) == round((0.6 + 1.217) * 30)
    words = np.concatenate([part.has_word for part in heard])
    np.testing.assert_array_equal(words, expected.has_word)
    if rate == 16000:
        np.testing.assert_array_equal(audio, expected.audio)
    else:  # the resampler begins anew
        np.testing.assert_array_equal(audio[:17], expected.audio[:17])
        np.testing.assert_allclose(audio[20:], expected.audio[20:], atol=0.01)


def test_silence_makes_as_many_frames_at_once_and_no_frame_of_it_waits_for_a_word():
    hearing = Hearing(small_config(), words="timed")
    for frames in range(1, 40):
        hearing.silence(1)
        assert hearing.num_frames == frames
    heard = hearing.take(100)
    assert not heard.has_word.any()
    assert hearing.seconds_heard == pytest.approx(39 / 30)
    hearing.hear(sound(44100)[:20000], 44100)
    hearing.say([])
    hearing.silence(3)  # what waited in the resampler comes before it
    assert hearing.num_frames == int(20000 / 44100 * 30 + 42)
    spoken_part = hearing.take(100).audio[:13]
    expected = of_the_file(small_config(), 44100, has_words=False).audio[:13]
    np.testing.assert_array_equal(spoken_part[1:], expected[1:])


def test_memory_does_not_grow():
    hearing = Hearing(small_config(), words="timed")
    assert isinstance(hearing._words, TimedWords)
    assert isinstance(hearing._frames, MelFrames)
    for second in range(20):
        hearing.hear(sound(RATE)[:RATE], RATE)
        hearing.say(_moved(second), second + 1.0)
        take_all(hearing)
        assert len(hearing._words._rows) <= 1
        assert len(hearing._frames._steps._held) < 1500


def _moved(seconds):
    return [
        Word(word.text, word.start_seconds / 3 + seconds, word.end_seconds / 3 + seconds)
        for word in spoken()
    ]


NAN = float("nan")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([("a", NAN, 1.0)], "times nan and 1.0; give seconds"),
        ([("a", 0.0, float("inf"))], "times 0.0 and inf"),
        ([("a", -0.1, 0.1)], "starts at -0.100 s, before the stream"),
        ([("a", 0.5, 0.4)], "ends at 0.400 s before it starts"),
        ([("a", 0.5, 0.6), ("b", 0.4, 0.7)], "word 2 'b' starts at 0.400 s, before the word"),
        ([("a", 9000.0, 9001.0)], "ends at 9001.000 s, but 0.000 s were heard.*in seconds"),
        ([("a" * 300, 0.0, 0.1)], "has 300 characters, but a word has at most 256"),
        ([("a", 0.0, 0.1)] * 4000, "4000 words wait for their sound, but at most 3000 can"),
    ],
)
def test_words_that_cannot_be_true_are_refused_and_change_nothing(words, sentence):
    hearing = Hearing(small_config(), words="timed")
    with pytest.raises(UserError, match=sentence):
        hearing.say([Word(*word) for word in words])
    hearing.hear(sound(RATE), RATE)
    assert hearing.num_frames == 0
    hearing.say([], 9.0)
    assert not hearing.take(100).has_word.any()


def test_half_a_pair_of_surrogates_is_no_character_and_no_crash():
    hearing = Hearing(small_config(), words="timed")
    hearing.say([Word("a\ud800", 0.0, 0.3)])
    hearing.hear(sound(RATE), RATE)
    assert hearing.take(100).has_word.all()


@pytest.mark.parametrize("seconds", [NAN, float("inf"), -1.0])
def test_a_watermark_that_is_no_time_is_refused(seconds):
    hearing = Hearing(small_config(), words="timed")
    with pytest.raises(UserError, match="known until"):
        hearing.all_words_known(seconds)
    with pytest.raises(UserError, match="known until"):
        hearing.say([], seconds)


@pytest.mark.parametrize(
    ("samples", "rate", "sentence"),
    [
        (np.array([0, 0, NAN], np.float32), RATE, r"sample at 0\.100 s is not a finite number"),
        (np.array([0, 3000.0], np.float32), RATE, "is 3000, but samples lie in .*by 32768"),
        (np.zeros(3, np.float32), 44100, "44100 Hz came after sound of 16000 Hz"),
        (np.zeros(3, np.float32), 10, "10 samples a second"),
    ],
)
def test_sound_that_is_none_is_refused_and_changes_nothing(samples, rate, sentence):
    hearing = Hearing(small_config())
    hearing.hear(sound(RATE)[:1598], RATE)
    with pytest.raises(UserError, match=sentence):
        hearing.hear(samples, rate)
    hearing.hear(sound(RATE)[1598:], RATE)
    hearing.end()
    with pytest.raises(UserError, match="after the stream's end"):
        hearing.hear(sound(RATE), RATE)
    with pytest.raises(UserError, match="after the stream's end"):
        hearing.silence(1)
    expected = of_the_file(small_config(), RATE, has_words=False)
    assert_is_the_file(take_all(hearing), expected)


@pytest.mark.parametrize("samples", [np.zeros(3, np.int16), np.zeros((2, 3), np.float32)])
def test_sound_of_another_type_or_shape_is_refused(samples):
    with pytest.raises(UserError, match="came, but sound is one row of floats"):
        ArrivingSound(RATE).hear(samples, RATE)


@pytest.mark.parametrize("mode", ["none", "timed", "untimed"])
def test_words_that_a_stream_does_not_take_are_refused(mode):
    hearing = Hearing(small_config(), words=mode)
    if mode != "timed":
        with pytest.raises(UserError, match=f"words={mode}; begin it with words=timed"):
            hearing.say(spoken())
    if mode != "untimed":
        with pytest.raises(UserError, match=f"words={mode}; begin it with words=untimed"):
            hearing.say_text("hello ")
