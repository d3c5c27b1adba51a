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


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["word", "start", "end", "words", "segments", "tiers", "entries", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


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
        word.text.encode()


@quick
@given(VALUES)
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
