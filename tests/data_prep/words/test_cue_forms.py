"""Captions and other phrases, which are read as cues."""

import pytest

from llavataros_jax.errors import UserError
from tests.data_prep.words.test_forms import read

CUE = "1\n00:00:00,100 --> 00:00:01,900\nHello <b>big</b> world, how are you?\n"


def test_a_caption_of_many_words_is_a_cue(tmp_path):
    found, _ = read(tmp_path, CUE, name="a.srt")
    assert [word.text for word in found.words] == ["Hello", "big", "world,", "how", "are", "you?"]
    (cue,) = found.cues
    assert (cue.first, cue.stop, cue.start_seconds, cue.end_seconds) == (0, 6, 0.1, 1.9)
    assert found.words[0].start_seconds == 0.1
    assert found.words[-1].end_seconds == 1.9


PHRASE = "Hello big world, how are you?"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"segments": [{"start": 0.1, "end": 1.9, "text": f" {PHRASE}"}]}, "a.json"),
        ("0.1\t1.9\tHello big world how are you\n", "a.txt"),
        ("start\tend\ttext\n100\t1900\tHello big world, how are you?\n", "a.tsv"),
        ({"chunks": [{"timestamp": [0.1, 1.9], "text": PHRASE}]}, "a.json"),
        ("[00:00.10]Hello big world, how are you?\n[00:01.90]\n", "a.lrc"),
        ("a 1 anna 0.1 1.9 <o> Hello big world how are you\n", "a.stm"),
    ],
)  # fmt: skip
def test_phrases_of_other_forms_are_cues(tmp_path, content, name):
    found, _ = read(tmp_path, content, name=name)
    assert len(found.words) == 6
    (cue,) = found.cues
    assert (cue.start_seconds, cue.end_seconds) == (0.1, 1.9)


def test_cues_that_overlap_are_cut_and_sounds_are_not_words(tmp_path):
    text = (
        "1\n00:00:00,000 --> 00:00:01,500\nANNA: one two three four\n\n"
        "2\n00:00:01,000 --> 00:00:01,800\nfive six seven eight\n\n"
        "3\n00:00:01,800 --> 00:00:02,400\n[Music] ♪\n\n"
        "4\n00:00:01,850 --> 00:00:02,400\n(laughs) nine ten eleven twelve\n"
    )
    found, _ = read(tmp_path, text, name="a.srt")
    assert len(found.words) == 12
    assert [(cue.start_seconds, cue.end_seconds) for cue in found.cues] == [
        (0, 1.0), (1.0, 1.8), (1.85, 2.0)
    ]  # fmt: skip


def test_captions_of_another_recording_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"ends at 61\.900 s, after the audio of 2\.000 s"):
        read(tmp_path, CUE.replace("00:00:01,900", "00:01:01,900"), name="a.srt")
    with pytest.raises(UserError, match=r"after the audio of 2\.000 s"):
        read(tmp_path, [{"word": "a", "start": 100.1, "end": 100.5}])
    with pytest.raises(
        UserError, match=r"line 2 is '00:00:00;100 --> 00:00:01;900', not two times"
    ):
        read(tmp_path, CUE.replace(",", ";", 2).replace("01,900", "01;900"), name="a.srt")
