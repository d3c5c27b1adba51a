"""Hashed word vectors."""

import subprocess
import sys

import numpy as np
from scipy import stats

from data_prep.vectors.hashed import hashed_vectors
from llavataros_jax.config import TextConfig

CONFIG = TextConfig(kind="hashed", size=128)


def cosine(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def test_equal_words_have_equal_vectors_in_any_process():
    code = (
        "from data_prep.vectors.hashed import hashed_vectors as f;"
        "from llavataros_jax.config import TextConfig as C;"
        "print(f(['hello'], C(kind='hashed', size=128)).tobytes().hex())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == hashed_vectors(["hello"], CONFIG).tobytes().hex()


def test_golden_row():
    # The vectors are part of every trained model: this row must never change.
    row = hashed_vectors(["gesture"], TextConfig(kind="hashed", size=4))
    np.testing.assert_allclose(row, [[-0.9272, -1.323, -0.259, -0.648]], atol=1e-3)


def test_components_are_standard_normal():
    words = [f"word{number}x" for number in range(400)]
    features = hashed_vectors([word[::-1] for word in words], CONFIG).astype(np.float64)
    assert features.shape == (400, 128)
    assert abs(features.mean()) < 0.1
    assert abs(features.std() - 1) < 0.1
    unlike = hashed_vectors(list("abcdefghijklmnopqrstuvwxyz"), CONFIG).astype(np.float64)
    assert stats.kstest(unlike.ravel(), "norm").pvalue > 0.01


def test_case_form_and_punctuation_do_not_matter():
    rows = hashed_vectors(["café", "Cafe\u0301,", "“CAFÉ”"], CONFIG)
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])


def test_spelling_makes_words_alike():
    walked, walking, zebra = hashed_vectors(
        ["walked", "walking", "zebra"], TextConfig(kind="hashed", size=8192)
    )
    # 6 of the 15 and 18 n-grams are shared, and n-grams carry half of the variance.
    assert abs(cosine(walked, walking) - 0.5 * 6 / np.sqrt(15 * 18)) < 0.04
    assert abs(cosine(walked, zebra)) < 0.04


def test_any_script_unknown_and_empty_words():
    rows = hashed_vectors(["привет", "你好", "नमस्ते", "<unk>", "unk", "", "—", "..."], CONFIG)
    assert np.isfinite(rows).all()
    assert (np.abs(rows[:5]).max(axis=1) > 0).all()
    assert len(np.unique(rows[:5], axis=0)) == 5
    np.testing.assert_array_equal(rows[5:], 0)
    assert hashed_vectors([], CONFIG).shape == (0, 128)
