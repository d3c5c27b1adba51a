"""Any text and any bytes: a result or a sentence, never a traceback."""

import json
import math
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_prep.align.mfa_textgrid import lab_word, read_mfa_words
from data_prep.vectors.hashed import hashed_vectors
from data_prep.words.numerals import spoken_number
from data_prep.words.pronunciation import letter_to_sound, pronunciations
from data_prep.words.spelling import bare_form, latin_form, letters
from data_prep.words.timed_files import read_timed_words
from llavataros_jax.config import TextConfig
from llavataros_jax.errors import UserError
from tests.data_prep.words.samples_json import JSON
from tests.data_prep.words.samples_text import TEXT

SUFFIXES = (
    ".TextGrid",
    ".json",
    ".tsv",
    ".ctm",
    ".srt",
    ".vtt",
    ".csv",
    ".ass",
    ".lrc",
    ".stm",
    ".txt",
    "",
)
quick = settings(max_examples=60, deadline=None, derandomize=True)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?")
WORDS = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[$€#]?[0-9,.]{1,16}(st|nd|rd|th|s|%|'s)?", fullmatch=True),
    st.text("0123456789,.stndrh%$-'aeé²½٣ัี", max_size=12),
)


@pytest.mark.slow
@quick
@given(WORDS)
@example("97.5th")
@example("1.5st")
@example("9" * 5000)
@example("9" * 5000 + "th")
@example("9" * 5000 + ".5")
@example("²nd")
@example("٣.٤")
def test_any_word_can_be_said_and_spelled(word: str) -> None:
    assert isinstance(lab_word(word, "en") + lab_word(word, "th"), str)
    assert all(pronunciations(word, lambda text: [f"<{text}>"] if text.isalpha() else []))
    assert isinstance(bare_form(word) + latin_form(word) + letters(word), str)
    if NUMBER.fullmatch(word):
        readings = spoken_number(word)
        assert readings
        assert all(part.isalpha() for reading in readings for part in reading)
    assert math.isfinite(hashed_vectors([word], TextConfig(kind="hashed", size=2)).sum())


@quick
@given(st.text("abcdefghijklmnopqrstuvwxyz", max_size=9))
def test_any_letters_have_a_sound(word: str) -> None:
    assert isinstance(letter_to_sound(word), str)


KEYS = [
    "word",
    "start",
    "end",
    "words",
    "segments",
    "tiers",
    "entries",
    "text",
    "chunks",
    "results",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["0.1s", "PT1S", "00:01", "1e300", "word", "punctuation", "a b c d", "-1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
quick_json = settings(max_examples=100, deadline=None, derandomize=True)


def refuses_or_reads(name: str, content: bytes) -> None:
    refused = ""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / name
        path.write_bytes(content)
        try:
            words = read_timed_words(path, 4.0)
        except UserError as refusal:
            words, refused = [], str(refusal)
    if refused:
        assert "\n" not in refused
        assert name in refused
        assert len(refused) < 1000
    for word in words:
        assert 0 <= word.start_seconds <= word.end_seconds <= 4
        assert word.confidence is None or 0 <= word.confidence <= 1
        word.text.encode()


@quick_json
@given(VALUES)
@example({"results": {"channels": [{"alternatives": [{"words": [{"word": 3, "start": []}]}]}]}})
@example({"results": {"a": {"transcript": {"results": [3, {"alternatives": 5}]}}}})
@example({"alignment": {"characters": [1, None], "character_start_times_seconds": [{}, "x"]}})
@example([{"time": float("nan"), "type": "word", "value": "a"}])
@example({"chunks": [{"timestamp": [None, 3], "text": "a"}, {"timestamp": 3, "text": "b"}]})
@example({"chunks": [{"timestamp": [3, 1], "text": "a b c d"}]})
@example({"segments": [{"text": "a b c d", "start": 1, "end": float("inf")}]})
@example({"segments": [{"words": [{"word": "a", "start": float("nan"), "end": 1}, {"word": "b"}]}]})
@example({"tiers": {"words": {"entries": [3, [1, 2], [1, "x", "a"]]}}})
@example([{"word": "a", "start": 10**400, "end": 1}])
@example([{"word": "a", "start": 0, "end": 1, "confidence": 10**400}])
@example([{"word": "\ud800", "start": 0, "end": 1}])
@example({"segments": [{"words": 3}]})
@example({"segments": [{"words": None}]})
@example({"segments": [{"words": {"a": 1}}]})
@example({"tiers": {"words": 3}})
@example({"words": ["x" * 5000]})
def test_any_json(tree: object) -> None:
    refuses_or_reads("a.json", json.dumps(tree).encode())


@quick
@given(st.sampled_from(SUFFIXES), st.binary(max_size=60) | st.text(max_size=60))
@example(".json", "[" * 100_000)
@example(".json", '[{"word": "a", "start": ' + "1" * 5000 + ', "end": 1}]')
@example(".json", "\ufeff")
@example(".tsv", "0\t1\t" + "x" * 5000 + "\n0.5")
@example(".tsv", "x" * 5000 + "1")
@example(".srt", "1\n00:00:00,100 --> 00:00:01,000\n" + "<u>" * 5000)
@example(".srt", "0:0 --> 0:0\n" * 3000)
@example(".vtt", "WEBVTT\n\n00:01.000 --> 00:00.000\na b c d\n<00:00.500>e")
@example(".ass", "Dialogue: " + "," * 3000)
@example(".ass", "Dialogue: 0,0:00:00.0,0:00:01.0,,,0,0,0,,{\\k99999}a{\\k99999} b")
@example(".lrc", "[00:00.00]<00:03>a<00:01>b")
@example(".csv", 'word,start,end\n"a')
@example(".csv", "word,start,end\na,0,9e999\n")
@example(".csv", "start,end\n" + "x" * 200_000)
@example(".csv", ",,\n0,1,\0\n")
@example(".stm", "a 1 b 0 1e999 c\n")
@example(".txt", '{"a": 1')
@example(".tsv", "0\tinf\ta b\n")
@example(".tsv", "nan\t1\ta\n")
@example(".ctm", "a 1 0 inf b\n")
@example(".ctm", "a 1 0 1 b nan\n")
def test_any_bytes(suffix: str, content: bytes | str) -> None:
    refuses_or_reads(f"a{suffix}", content if isinstance(content, bytes) else content.encode())


TOKENS = st.sampled_from(
    ['"words"', '"IntervalTier"', '"TextTier"', "<exists>", "0", "1", "2", "4", "-1", "1e999", '"',
     '"a b"', '""', "nan", "x", "!", "\n", "size = 1", "intervals [1]:", "9" * 30]
)  # fmt: skip
HEAD = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'


@quick
@given(st.lists(TOKENS, max_size=25))
@example(["0", "2", "<exists>", "9" * 30])
@example(["0", "2", "<exists>", "1", '"IntervalTier"', '"words"', "0", "2", "9" * 5000])
def test_any_textgrid(tokens: list[str]) -> None:
    refuses_or_reads("a.TextGrid", (HEAD + " ".join(tokens)).encode())


@quick
@given(st.lists(WORDS, max_size=4), st.binary(max_size=40))
def test_any_file_instead_of_mfas(words: list[str], content: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "a.TextGrid"
        path.write_bytes(content)
        with pytest.raises(UserError):
            read_mfa_words(path, words, "en")


PIECES = st.sampled_from(
    ["WEBVTT\n", "\n\n", "\n", "1", "00:00:01,000", " --> ", "00:00:02.000", "<00:00:01.500>", "a",
     " big", "<u>", "</u>", "Dialogue: 0,", "0:00:01.00,", "[Events]", "Format: Start, Text", "\t",
     "[00:01.00]", "<00:02.00>", "start", "end", "word", ",", ";", "0.5", "1,5", "9", '"', "{\\k5}"]
)  # fmt: skip


@quick_json
@given(st.sampled_from(SUFFIXES), st.lists(PIECES, max_size=30))
def test_any_captions_and_tables(suffix: str, pieces: list[str]) -> None:
    refuses_or_reads(f"a{suffix}", "".join(pieces).encode())


HOSTILE = (
    None,
    3,
    "x",
    [],
    {},
    math.nan,
    -1,
    1e308,
    "\ud800",
    [[]],
    [{}],
    True,
    "9" * 30,
    "a b c d",
)


def with_another(tree: object, place: int, value: object) -> object:
    """Returns a tree of which the part at a place, counted from its root, is another value."""
    rest = place

    def rebuilt(part: object) -> object:
        nonlocal rest
        rest -= 1
        if rest == -1:
            return value
        if isinstance(part, dict):
            return {key: rebuilt(inner) for key, inner in part.items()}
        return [rebuilt(inner) for inner in part] if isinstance(part, list) else part

    return rebuilt(tree)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(JSON)), st.integers(0, 60), st.sampled_from(HOSTILE))
def test_any_form_with_anything_in_one_place(name: str, place: int, value: object) -> None:
    refuses_or_reads("a.json", json.dumps(with_another(JSON[name], place, value)).encode())


@pytest.mark.slow
@settings(max_examples=500, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(TEXT)),
    st.integers(0, 400),
    st.sampled_from(["", *'\n9-:,x\t<>"', "nan"]),
)
@example("whisper.tsv", 10, '"')
def test_any_text_with_anything_in_one_place(name: str, place: int, value: str) -> None:
    text = TEXT[name]
    place = min(place, len(text))
    refuses_or_reads(f"a{Path(name).suffix}", (text[:place] + value + text[place + 1 :]).encode())
    refuses_or_reads(f"a{Path(name).suffix}", text[:place].encode())
