"""Word vectors of the package `wordllama`."""

import subprocess
import sys

import numpy as np
import pytest

from data_prep.corpus.hours.lexicon import MEANINGS, all_held_out
from data_prep.vectors import wordllama
from data_prep.vectors.choice import check_text, text_features, text_notes
from data_prep.vectors.hashed import hashed_vectors
from data_prep.vectors.wordllama import wordllama_vectors
from data_prep.words.word import Word
from llavataros_jax.config import TextConfig
from llavataros_jax.errors import UserError

CONFIG = TextConfig()


def cosine(first: str, second: str, size: int = 256) -> float:
    a, b = wordllama_vectors([first, second], TextConfig(size=size)).astype(np.float64)
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # Measured with the package's own reader.
        ("big", "large", 0.74),
        ("big", "huge", 0.69),
        ("tiny", "small", 0.65),
        ("stop", "halt", 0.61),
        ("everyone", "all", 0.45),
        ("up", "rise", 0.39),
        ("big", "fork", 0.02),
        ("tiny", "large", 0.03),
    ],
)
def test_synonyms_are_near_and_others_are_not(first, second, expected):
    assert cosine(first, second) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize("size", [64, 128])
def test_the_first_numbers_serve_alone(size):
    near = [("big", "large"), ("big", "huge"), ("tiny", "small"), ("stop", "halt")]
    assert min(cosine(*pair, size) for pair in near) > 0.55
    assert max(cosine(*pair, size) for pair in [("big", "fork"), ("tiny", "large")]) < 0.2


def test_negated_verbs_mean_no():
    assert cosine("don't", "not") > 0.7
    assert cosine("isn’t", "not") > 0.7
    assert cosine("don't", "fork") < 0.2


def test_all_words_have_the_same_scale():
    words = ["the", "you", "crab", "2024", "don't", "unpronounceable"]
    rows = wordllama_vectors(words, CONFIG).astype(np.float64)
    np.testing.assert_allclose(np.mean(rows**2, axis=1), 1.0, atol=2e-3)


def test_case_form_and_punctuation_do_not_matter():
    rows = wordllama_vectors(["café", "Cafe\u0301,", "“CAFÉ”"], CONFIG)
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])


def test_names_are_known_by_their_capital_however_they_are_written():
    assert cosine("monday", "TUESDAY") > 0.55


def test_any_script_unknown_and_empty_words():
    rows = wordllama_vectors(["привет", "你好", "नमस्ते", "<unk>", "unk", "", "—", "..."], CONFIG)
    assert np.isfinite(rows).all()
    assert (np.abs(rows[:5]).max(axis=1) > 0).all()
    assert len(np.unique(rows[:5], axis=0)) == 5
    np.testing.assert_array_equal(rows[5:], 0)
    assert wordllama_vectors([], CONFIG).shape == (0, 256)


def test_other_scripts_are_told():
    words = [Word(text, 0.0, 1.0) for text in ("большой", "дом", "café")]
    (said,) = text_notes(words, CONFIG)
    assert "большой, дом are not" in said
    assert text_notes(words, TextConfig(kind="hashed")) == []
    assert text_notes([*words[1:], Word("42", 0.0, 1.0)], CONFIG) == []


def test_it_is_the_default_and_loads_at_once_without_the_package_itself():
    code = (
        "import sys, time; from data_prep.vectors.wordllama import wordllama_vectors as f;"
        "from llavataros_jax.config import TextConfig as C; t = time.perf_counter();"
        "row = f(['hello'], C()); print(time.perf_counter() - t, 'wordllama' in sys.modules);"
        "print(row.tobytes().hex())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    first, row = printed.stdout.splitlines()
    seconds, is_imported = first.split()
    assert float(seconds) < 1.0  # 0.1 to 0.2 on an idle machine
    assert is_imported == "False"
    (expected,) = text_features([Word("Hello!", 0.0, 1.0)], CONFIG)
    assert row == expected.tobytes().hex()


def test_a_missing_package_and_missing_files_are_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "wordllama").mkdir()
    (tmp_path / "wordllama/__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"l2_supercat_256\.safetensors is missing or damaged"):
        check_text(CONFIG)
    (tmp_path / "wordllama/weights").mkdir()
    (tmp_path / "wordllama/tokenizers").mkdir()
    (tmp_path / "wordllama" / wordllama._WEIGHTS).write_bytes(bytes(99))
    (tmp_path / "wordllama" / wordllama._TOKENIZER).write_text("{}")
    with pytest.raises(UserError, match="install it again"):
        wordllama._open.__wrapped__()
    monkeypatch.setattr("llavataros_jax.packages.missing_packages", lambda *names: ["wordllama"])
    with pytest.raises(UserError, match="needs wordllama; install with: "):
        check_text(CONFIG)
    check_text(TextConfig(kind="hashed"))


def test_a_size_that_was_not_trained_is_refused():
    with pytest.raises(UserError, match=r"size must be 64, 128 or 256 with"):
        TextConfig(size=100)


def nearest_of_the_others(vectors: np.ndarray) -> tuple[float, float]:
    """Returns how many words are nearest to their own meaning, left out of its mean: all, held out.

    Args:
        vectors: One row for each word of the lexicon, in its order.
    """
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    owner = np.repeat(np.arange(len(MEANINGS)), [len(words) for words in MEANINGS.values()])
    sums = np.stack([unit[owner == meaning].sum(axis=0) for meaning in range(len(MEANINGS))])
    right = []
    for row, meaning in zip(unit, owner, strict=True):
        others = sums.copy()
        others[meaning] -= row
        right.append(np.argmax(others @ row / np.linalg.norm(others, axis=1)) == meaning)
    words = [word for words in MEANINGS.values() for word in words]
    is_held_out = [word in all_held_out() for word in words]
    return float(np.mean(right)), float(np.mean(np.array(right)[is_held_out]))


def test_words_are_nearest_to_their_own_meaning_and_hashed_ones_only_where_spelling_tells():
    words = [word for words in MEANINGS.values() for word in words]
    near = nearest_of_the_others(wordllama_vectors(words, CONFIG))
    hashed = nearest_of_the_others(hashed_vectors(words, TextConfig(kind="hashed")))
    assert min(near) > 0.95
    assert max(hashed) < 0.4  # such as `stopping` beside `stop`
