"""The forms of a word, as they were before they came into one file: to the last character."""

import hashlib

import pytest

from data_prep.align.mfa_textgrid import lab_word
from data_prep.vectors.hashed import hashed_vectors
from data_prep.words.spelling import (
    bare_form,
    latin_form,
    letters,
    vector_form,
    without_sentence_marks,
)
from llavataros_jax.config import TextConfig

# The word; for vectors; in a .lab of English; for comparison; in ASCII; in a table; letters alone.
GOLDEN = [
    ("Don’t!", "don't", "don't", "don't", "don't", "Don’t", "dont"),
    ("“CAFÉ”", "café", "café", "café", "cafe", "“CAFÉ”", "café"),
    ("Cafe\u0301,", "café", "café", "café", "cafe", "Cafe\u0301", "café"),
    ("<unk>", "<unk>", "unk", "unk", "unk", "<unk>", "unk"),
    ("97.5%", "97.5", "ninety seven point five percent", "97.5", "97.5%", "975%", "975"),
    ("$1,250", "1,250", "one thousand two hundred fifty dollars", "1,250", "$1,250", "$1250",
     "1250"),
    ("21st", "21st", "twenty first", "21st", "21st", "21st", "21st"),
    ("NBC", "nbc", "nbc", "nbc", "nbc", "NBC", "nbc"),
    ("co-op—", "co-op", "co-op", "co-op", "co-op—", "co-op—", "coop"),
    ("‘tis", "tis", "tis", "tis", "‘tis", "‘tis", "tis"),
    ("«Straße»", "straße", "straße", "straße", "strasse", "«Straße»", "strasse"),
    ("\u012eI\u0307x", "\u012fi\u0307x", "\u012fi\u0307x", "\u012fi\u0307x", "iix",
     "\u012eI\u0307x", "\u012fi\u0307x"),
    ("...", "", "", "", "", "", ""),
    ("(e.g.)", "e.g", "e.g", "e.g", "e.g", "(eg)", "eg"),
    ("你好。", "你好", "你好", "你好", "你好。", "你好。", "你好"),
    ("rockʼnʼroll", "rockʼnʼroll", "rock'n'roll", "rock'n'roll", "rockʼnʼroll", "rockʼnʼroll",
     "rockʼnʼroll"),
    ("A.B.C.", "a.b.c", "a.b.c", "a.b.c", "a.b.c", "ABC", "abc"),
    ("½", "½", "½", "½", "1⁄2", "½", "12"),
    ("ﬁve", "ﬁve", "ﬁve", "ﬁve", "five", "ﬁve", "five"),
    ("_x_", "x", "x", "x", "x", "_x_", "x"),
    ("İzmir", "i\u0307zmir", "i\u0307zmir", "i\u0307zmir", "izmir", "İzmir", "i\u0307zmir"),
]  # fmt: skip


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row[0])
def test_each_form_is_what_it_was(row: tuple[str, ...]) -> None:
    word, vectors, lab, bare, latin, table, alone = row
    assert vector_form(word) == vectors
    assert lab_word(word, "en") == lab
    assert bare_form(word) == lab_word(word, "de") == bare
    assert latin_form(word) == latin
    assert without_sentence_marks(word) == table
    assert letters(word) == alone


def test_vectors_are_the_same_bytes() -> None:
    """Trained models know words by these numbers."""
    words = [row[0] for row in GOLDEN] + ["नमस्ते,", "กี"]
    found = hashlib.sha256(
        hashed_vectors(words, TextConfig(kind="hashed", size=16)).tobytes()
    ).hexdigest()
    assert found == "cdf22172e12bd6b8d593dc69f0343f143825e9d13ea193cc049291cb66eee46e"


@pytest.mark.parametrize(("word", "language"), [("नमस्ते!", "hi"), ("กี,", "th"), ("काजू", "hi")])
def test_a_vowel_that_is_a_mark_on_a_letter_is_said_to_mfa(word: str, language: str) -> None:
    assert lab_word(word, language) == word.strip("!,")
