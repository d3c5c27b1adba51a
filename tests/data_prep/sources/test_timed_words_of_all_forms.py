"""Timed words beside recordings, by whatever name their program saved them."""

import json

import pytest

from data_prep.sources.files import files_beside, find_speech

CAPTIONS = "1\n00:00:00,100 --> 00:00:00,500\nhello\n"
LABELS = "0.100000\t0.500000\thello\n0.600000\t0.900000\tbig\n"


def speech_beside(tmp_path, files):
    (tmp_path / "a.wav").write_bytes(b"")
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    found = find_speech([files_beside(tmp_path / "a.wav")])
    names = [path.name if path else None for path in (found.words, found.transcript)]
    return names, found.notes


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.srt", CAPTIONS),
        ("a.vtt", "WEBVTT\n\n00:00.100 --> 00:00.500\nhello\n"),
        ("a.csv", "word,start,end\nhello,0.1,0.5\n"),
        ("a.marks", '{"time":100,"type":"word","start":0,"end":5,"value":"hello"}\n'),
        ("a.txt", LABELS),
        ("a.txt", CAPTIONS),
        ("a.txt", json.dumps([{"word": "hello", "start": 0.1, "end": 0.5}])),
        ("a.lab", "0 4000000 sil\n4000000 5000000 hello\n"),
    ],
)
def test_words_are_told_by_their_content(tmp_path, name, content):
    assert speech_beside(tmp_path, {name: content}) == ([name, None], ())


def test_prose_is_a_transcript_and_goes_with_captions(tmp_path):
    files = {"a.txt": "10 20 thirty people came\n", "a.srt": CAPTIONS}
    assert speech_beside(tmp_path, files)[0] == ["a.srt", "a.txt"]


def test_words_with_times_of_their_own_go_before_captions(tmp_path):
    files = {"a.json": "[]", "a.srt": CAPTIONS, "a.txt": LABELS}
    assert speech_beside(tmp_path, files)[0] == ["a.json", None]


def test_a_table_of_something_else_is_not_read(tmp_path):
    files = {"a.csv": "Timecode,BlendShapeCount,EyeBlinkLeft\n00:01,61,0.5\n", "a.txt": "hello"}
    names, notes = speech_beside(tmp_path, files)
    assert names == [None, "a.txt"]
    assert notes == ("a.csv is not read: it holds a table without words and times",)
