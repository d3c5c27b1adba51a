"""States of language models: the real stories260K and Llama-2's tokenizer, and a masked model."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from llavataros_jax.config import TextConfig
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import small_config, write_clip
from tests.data_prep.vectors.language_models import (
    LLAMA,
    SENTENCES,
    change_config,
    write_bert,
    write_stories,
)

torch = pytest.importorskip("torch", reason="the extra `text` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `text` is not installed")

from data_prep.clips.cache import StageCache  # noqa: E402
from data_prep.clips.speech import prepare_speech  # noqa: E402
from data_prep.run.pipeline import prepare  # noqa: E402
from data_prep.vectors import language_model  # noqa: E402
from data_prep.vectors.language_model import open_model, word_vectors  # noqa: E402
from data_prep.vectors.model_files import check_model, find_model  # noqa: E402
from data_prep.vectors.sentencepiece_tokenizer import sentencepiece_tokenizer  # noqa: E402
from data_prep.vectors.sub_tokens import last_sub_tokens, lay_out  # noqa: E402

ROOT = Path(__file__).parents[3]
needs_llama = pytest.mark.skipif(
    not LLAMA.is_dir(), reason="the LLaMA material of ../shared is not here"
)
HARD_WORDS = [
    *("don't", "we'll", "1999", "3.50", "well-known", "👩\u200d👩\u200d👧", "naïve"),
    *("</s>", "你好", "привет", "...", "x"),
]


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    if not LLAMA.is_dir():
        pytest.skip("the LLaMA material of ../shared is not here")
    folder = write_stories(tmp_path_factory.mktemp("models") / "stories")
    return TextConfig(kind="language_model", model=str(folder), size=64)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = write_bert(tmp_path_factory.mktemp("models") / "bert")
    return TextConfig(kind="language_model", model=str(folder), size=32)


def test_hidden_states_agree_with_the_golden(stories):
    golden = np.load(LLAMA / "stories260K_golden.npz")
    tokens, model = golden["tokens"][:64].tolist(), open_model(stories)
    final = language_model._states(model, [tokens], None)[0]
    assert np.abs(final - golden["torch_final_norm"]).max() < 3e-5
    for layer in range(1, 5):
        states = language_model._states(model, [tokens], layer)[0]
        assert np.abs(states - golden["torch_block_outputs"][layer - 1]).max() < 3e-5


@needs_llama
def test_the_real_llama_2_tokenizer_encodes_as_its_golden():
    tokenizer = sentencepiece_tokenizer(LLAMA / "tokenizer.model")
    for case in json.loads((LLAMA / "llama2_tokenizer_golden.json").read_text()):
        assert tokenizer(case["text"])["input_ids"] == case["ids"]
    assert tokenizer("</s>", add_special_tokens=False, split_special_tokens=True)["input_ids"] != [
        2
    ]


@needs_llama
def test_the_real_llama_2_tokenizer_ends_words_where_sentencepiece_does():
    sentencepiece = pytest.importorskip("sentencepiece")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(LLAMA / "tokenizer.model"))
    tokenizer = sentencepiece_tokenizer(LLAMA / "tokenizer.model")
    words = [word for text in SENTENCES for word in text.split()]
    words += [
        "don't",
        "1999",
        "well-known",
        "👩‍👩‍👧",
        "naïve",
        "你好",
        "世界",
        "привет",
        "<unk>",
        "a",
    ]
    text, spans = lay_out(words)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    rows = last_sub_tokens(spans, encoded["offset_mapping"])
    assert len(set(rows.tolist())) == len(words)
    pieces = processor.encode(text, return_type="proto").pieces
    assert encoded["input_ids"] == [piece.id for piece in pieces]
    # Bytes of a sign share its end, of which the last in order is the last sub-token.
    ends = {piece.end: row for row, piece in enumerate(pieces)}
    assert rows.tolist() == [ends[len(text[:stop].encode())] for _, stop in spans]


def test_every_word_has_the_state_at_the_end_of_all_before_it(stories):
    words = [*SENTENCES[0].split(), *HARD_WORDS, *SENTENCES[1].split()]
    vectors = word_vectors(words, stories)
    model = open_model(stories)
    for count in range(1, len(words) + 1):
        # A causal model that reads no further than the word ends with the word's own state.
        encoded = model.tokenizer(" ".join(words[:count]), split_special_tokens=True)
        with torch.inference_mode():
            states = model.network(torch.tensor([encoded["input_ids"]])).last_hidden_state
        expected = states[0, -1].numpy()
        assert np.abs(vectors[count - 1] - expected).max() < 5e-3, words[count - 1]
    assert len(np.unique(vectors, axis=0)) == len(words)


def test_a_masked_model_gives_the_state_of_the_last_sub_token(bert):
    words = ["The", "cats", "don't", "say", "good-day", "12", "👩", "well..."]
    model = open_model(bert)
    assert (model.prefix, model.suffix) == ((2,), (3,))
    encoded = model.tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.inference_mode():
        states = model.network(**encoded).last_hidden_state[0].numpy()
    word_ids = encoded.word_ids()
    rows = [max(i for i, word in enumerate(word_ids) if word == k) for k in range(len(words))]
    assert np.abs(word_vectors(words, bert) - states[rows]).max() < 2e-3


def test_words_of_which_nothing_is_read_have_vectors_too(bert):
    vectors = word_vectors(["\u0000", "cat", "\u0007", "dog"], bert)
    assert (np.abs(vectors).max(axis=1) > 0).all()
    np.testing.assert_array_equal(vectors[2], vectors[1])
    assert word_vectors([], bert).shape == (0, 32)


def test_a_text_longer_than_the_context_loses_nothing(stories):
    words = (" ".join(SENTENCES).split()) * 12
    config = dataclasses.replace(stories, context="conversation", context_tokens=64)
    vectors = word_vectors(words, config)
    assert (np.abs(vectors).max(axis=1) > 0).all()
    whole = word_vectors(words[:20], stories)
    assert np.abs(vectors[:10] - whole[:10]).max() < 5e-3  # the first window is read alike
    # By hand: the last word is in the last window, of 63 sub-tokens after the sign of beginning.
    model = open_model(stories)
    tokens = model.tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
    assert len(tokens) > 512
    with torch.inference_mode():
        states = model.network(torch.tensor([[1, *tokens[-63:]]])).last_hidden_state
    assert np.abs(vectors[-1] - states[0, -1].numpy()).max() < 5e-3
    # The model's own limit of 512 holds without being told.
    assert (np.abs(word_vectors(words, stories)).max(axis=1) > 0).all()


def test_utterances_are_read_on_their_own(stories):
    words = SENTENCES[0].split() + SENTENCES[2].split()
    start = len(SENTENCES[0].split())
    apart = word_vectors(words, stories, starts=[0, start])
    alone = word_vectors(words[start:], stories)
    together = word_vectors(words, stories)
    assert np.abs(apart[start:] - alone).max() < 5e-3
    assert np.abs(together[start:] - alone).max() > 0.1
    np.testing.assert_allclose(apart[:start], together[:start], atol=5e-3)


def test_batches_and_types_of_weights_change_little_and_runs_nothing(stories):
    words = " ".join(SENTENCES).split()
    starts = [0, 3, 17, 20, 30]
    vectors = word_vectors(words, stories, starts=starts)
    np.testing.assert_array_equal(word_vectors(words, stories, starts=starts), vectors)
    one = word_vectors(words, dataclasses.replace(stories, batch=1), starts=starts)
    assert np.abs(vectors - one).max() < 5e-3
    for dtype, tolerance in (("float16", 0.1), ("bfloat16", 0.8)):
        short = word_vectors(words, dataclasses.replace(stories, dtype=dtype), starts=starts)
        assert 0 < np.abs(vectors - short).max() < tolerance


def test_a_chosen_layer(stories):
    words = SENTENCES[0].split()
    by_layer = [
        word_vectors(words, dataclasses.replace(stories, layer=layer)) for layer in range(6)
    ]
    np.testing.assert_array_equal(by_layer[5], word_vectors(words, stories))
    assert all(np.abs(by_layer[k] - by_layer[k + 1]).max() > 0.01 for k in range(5))


def test_a_folder_with_tokenizer_model_alone(tmp_path, bert):
    if not LLAMA.is_dir():
        pytest.skip("the LLaMA material of ../shared is not here")
    folder = tmp_path / "llama"
    config = transformers.LlamaConfig(
        vocab_size=32000,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    shutil.copyfile(LLAMA / "tokenizer.model", folder / "tokenizer.model")
    text = TextConfig(kind="language_model", model=str(folder), size=16)
    assert word_vectors(["don't", "stop"], text).shape == (2, 16)
    assert open_model(text).prefix == (1,)


def test_preparation_keeps_vectors_by_what_they_are_made_from(tmp_path, stories):
    write_clip(tmp_path, "a")

    def made(config, **options):
        cache = StageCache(tmp_path / "cache")
        text = dataclasses.replace(config, **options)
        whole = dataclasses.replace(small_config(tmp_path), text=text)
        speech = prepare_speech(
            tmp_path / "a.wav", config=whole, words=tmp_path / "a.json", cache=cache
        )
        assert speech.word_vectors.shape == (len(speech.words), 64)
        assert (np.abs(speech.word_vectors).max(axis=1) > 0).all()
        return cache.made

    assert made(stories) == ["words", "audio", "text"]
    assert made(stories) == []
    for option in ({"layer": 2}, {"context": "conversation"}, {"dtype": "float16"}):
        assert made(stories, **option) == ["text"], option
    # The same model in another place is the same; another model in the same place is another.
    moved = shutil.copytree(stories.model, tmp_path / "moved")
    assert made(stories, model=str(moved)) == []
    change_config(moved, rms_norm_eps=1e-3)
    assert made(stories, model=str(moved)) == ["text"]


def test_preparation_refuses_a_wrong_size_before_any_clip(tmp_path, bert):
    write_clip(tmp_path / "in", "a")
    text = dataclasses.replace(bert, size=33)
    with pytest.raises(UserError, match=r"text\.size=33, but the states .* set text\.size=32"):
        prepare(dataclasses.replace(small_config(tmp_path), text=text), say=str)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"size": 128}, "set text.size=32"),
        ({"layer": 3}, "blocks 1 to 2"),
        ({"model": "/nowhere"}, "is no folder"),
        ({"model": "a/b/c"}, "is no folder"),
    ],
)
def test_options_that_do_not_fit_the_model(bert, options, expected):
    with pytest.raises(UserError, match=expected):
        check_model(dataclasses.replace(bert, **options))


def test_models_that_cannot_be_used(tmp_path, bert):
    def refusal(folder, act):
        with pytest.raises(UserError) as caught:
            act(dataclasses.replace(bert, model=str(folder)))
        assert str(folder) in str(caught.value)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no config.json" in refusal(empty, check_model)
    t5 = shutil.copytree(bert.model, tmp_path / "t5")
    transformers.T5Config(d_model=32).save_pretrained(t5)
    assert "encoder with a decoder" in refusal(t5, check_model)
    unknown = shutil.copytree(bert.model, tmp_path / "unknown")
    change_config(unknown, model_type="none-such")
    assert "cannot be loaded" in refusal(unknown, check_model)
    damaged = shutil.copytree(bert.model, tmp_path / "damaged")
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5000])
    assert "get a whole copy" in refusal(damaged, open_model)
    other = shutil.copytree(bert.model, tmp_path / "other")
    change_config(other, num_hidden_layers=3)
    assert "lacks 16 of its weights, such as encoder.layer.2" in refusal(other, open_model)
    untold = shutil.copytree(bert.model, tmp_path / "untold")
    (untold / "tokenizer.json").unlink()
    (untold / "tokenizer_config.json").unlink()
    assert "has no tokenizer" in refusal(untold, open_model)
    mixed = shutil.copytree(bert.model, tmp_path / "mixed")
    if LLAMA.is_dir():
        (mixed / "tokenizer.json").unlink()
        shutil.copyfile(LLAMA / "tokenizer.model", mixed / "tokenizer.model")
        assert "they are of two models" in refusal(mixed, open_model)


def test_find_model_tells_folders_apart(stories, bert):
    assert find_model(stories.model).identity != find_model(bert.model).identity
    assert find_model(stories.model) == find_model(stories.model)


HUB = """
import http.server, threading, os, sys

class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        gated = "gated" in self.path
        self.send_response(403 if gated else 404 if "nobody" in self.path else 401)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_HEAD = do_GET
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
from data_prep.vectors.choice import check_text
from llavataros_jax.config import TextConfig
from llavataros_jax.errors import UserError
for name in sys.argv[1:]:
    try:
        check_text(TextConfig(kind="language_model", model=name, size=8))
    except UserError as refusal:
        print(refusal)
"""


@pytest.mark.parametrize(
    ("state", "names", "expected"),
    [
        ("open", ["some/gated", "nobody/none", "a b"], ["is gated", "not exist", "not exist"]),
        ("closed", ["some/model"], ["cannot be reached"]),
    ],
)
def test_models_that_cannot_be_had_end_in_one_sentence(tmp_path, state, names, expected):
    offline = "1" if state == "closed" else "0"
    environment = dict(os.environ, HF_HOME=str(tmp_path), HF_HUB_OFFLINE=offline)
    done = subprocess.run(
        [sys.executable, "-c", HUB, *names],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stdout.splitlines()
    assert len(said) == len(names), done.stdout + done.stderr
    for line, name, part in zip(said, names, expected, strict=True):
        assert line.startswith(f"text.model={name} ")
        assert part in line
        assert "text.kind=wordllama" in line
