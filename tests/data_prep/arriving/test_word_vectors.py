"""Vectors of words that come one after the other against those of the whole."""

import numpy as np
import pytest

from data_prep.arriving.word_vectors import WordVectors
from data_prep.vectors.choice import text_features
from data_prep.words.word import Word
from llavataros_jax.config import TextConfig
from tests.data_prep.vectors.language_models import LLAMA, SENTENCES, write_stories


def spoken(text):
    return [Word(one, 0.3 * k, 0.3 * k + 0.2) for k, one in enumerate(text.split())]


@pytest.mark.parametrize("kind", ["wordllama", "hashed"])
def test_single_words_have_the_files_vectors(kind):
    config, words = TextConfig(kind=kind), spoken("Hello <unk> … big Ünïcode hello")
    vectors = WordVectors(config)
    found = np.concatenate([vectors(words[:1]), vectors([]), vectors(words[1:])])
    np.testing.assert_array_equal(found, text_features(words, config))


@pytest.mark.slow
@pytest.mark.parametrize("context", ["utterance", "conversation"])
def test_a_causal_model_gives_what_it_gives_for_the_whole(tmp_path, context):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    if not LLAMA.is_dir():
        pytest.skip(f"no {LLAMA}")
    folder = write_stories(tmp_path / "model")
    config = TextConfig(
        kind="language_model", model=str(folder), size=64, context=context, context_tokens=256
    )
    words = spoken(" ".join(SENTENCES))
    expected, vectors = text_features(words, config).astype(float), WordVectors(config)
    found = np.concatenate(
        [vectors(part) for part in (words[:1], words[1:9], words[9:40], words[40:])]
    )
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)
    vectors.forget()
    again = vectors(words[:3])
    np.testing.assert_allclose(again, expected[:3], rtol=2e-3, atol=2e-3)
