"""Cache keys: all that a result depends on, and nothing that it does not depend on."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.clips import stages
from data_prep.clips.cache import StageCache
from data_prep.clips.speech import prepare_speech
from data_prep.clips.stages import (
    Stage,
    aligned_words_stage,
    changed_stage,
    text_stage,
    timed_words_stage,
    transcribed_words_stage,
)
from data_prep.sound import voice_activity
from data_prep.words.timed_files import read_timed_text
from data_prep.words.word import Word
from llavataros_jax.config import TextConfig, WordsConfig
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import make_samples, small_config, write_clip

ROOT = Path(__file__).parents[3]
_STAGES = ("MOTION", "WORDS", "AUDIO", "TEXT", "CHANGED")
WORDS = [Word("hello", 0.0, 0.5), Word("there", 0.5, 1.0)]


def test_every_input_and_the_version_count():
    stage = Stage("words", 1, {"audio": "x", "config": {"a": 1, "b": 2}})
    assert stage.key == Stage("words", 1, {"config": {"b": 2, "a": 1}, "audio": "x"}).key
    others = [
        dataclasses.replace(stage, name="text"),
        dataclasses.replace(stage, version=2),
        dataclasses.replace(stage, inputs={"audio": "x"}),
    ]
    assert len({stage.key, *(other.key for other in others)}) == 4


def test_keys_have_one_address():
    """Nothing in preparation but stages.py makes a stage, and nothing but it hashes for a key."""
    made, versions = set(), set()
    for path in (ROOT / "data_prep").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                made |= {path.name} if node.func.id == "Stage" else set()
            if isinstance(node, ast.Name) and node.id.endswith("_VERSION"):
                versions |= {(path.name, node.id)}
    assert made == {"stages.py"}
    named = {name for place, name in versions if place == "stages.py"}
    assert named == {f"{name}_VERSION" for name in _STAGES}
    assert not named & {name for place, name in versions if place != "stages.py"}


def test_a_changed_result_depends_on_what_is_changed_and_how():
    stage = changed_stage("audio", "of a", {"speed": 1.1, "gain_decibels": 2.0})
    others = [
        changed_stage("words", "of a", {"speed": 1.1, "gain_decibels": 2.0}),
        changed_stage("audio", "of b", {"speed": 1.1, "gain_decibels": 2.0}),
        changed_stage("audio", "of a", {"speed": 1.1, "gain_decibels": 2.5}),
        Stage("audio", stage.version + 1, stage.inputs),
    ]
    assert len({stage.key, *(other.key for other in others)}) == 5


def test_hashed_vectors_read_no_option_of_a_language_model():
    key = text_stage(WORDS, TextConfig(kind="hashed")).key
    assert key == text_stage(WORDS, TextConfig(kind="hashed", batch=3, dtype="float16")).key
    assert key != text_stage(WORDS, TextConfig(kind="hashed", size=64)).key


def test_vectors_of_wordllama_count_by_the_bytes_of_its_files(tmp_path, monkeypatch):
    key = text_stage(WORDS, TextConfig()).key
    assert key == text_stage(WORDS, TextConfig(batch=3, ngram_min=2)).key
    assert key != text_stage(WORDS, TextConfig(size=64)).key
    assert key != text_stage(WORDS, TextConfig(kind="hashed")).key
    for name in (
        "weights/l2_supercat_256.safetensors",
        "tokenizers/l2_supercat_tokenizer_config.json",
    ):
        (tmp_path / "wordllama" / name).parent.mkdir(parents=True)
        (tmp_path / "wordllama" / name).write_bytes(b"another version")
    (tmp_path / "wordllama/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert key != text_stage(WORDS, TextConfig()).key


def test_a_language_model_counts_by_its_bytes(tmp_path):
    for name in ("a", "moved"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_bytes(bytes(9 << 20))

    def key(name, **options):
        model = str(tmp_path / name)
        return text_stage(WORDS, TextConfig(kind="language_model", model=model, **options)).key

    first = key("a")
    assert key("moved") == first
    assert key("a", batch=3) == first
    assert key("a", layer=3) != first
    with (tmp_path / "a/model.safetensors").open("r+b") as file:
        file.seek(2_000_003)  # between what samples of 64 KiB of every 4 MiB would read
        file.write(b"x")
    assert key("a") != first


def test_timed_words_depend_on_the_sound_that_their_notes_describe(tmp_path):
    write_clip(tmp_path, "a", seconds=10.0)
    config, cache = small_config(tmp_path), StageCache(tmp_path / "cache")

    def notes():
        words = tmp_path / "a.json"
        return prepare_speech(tmp_path / "a.wav", config=config, words=words, cache=cache).notes

    before = notes()
    samples = make_samples(0, 10.0)
    soundfile.write(
        tmp_path / "a.wav", np.concatenate([samples[80000:] * 0, samples[:80000]]), 16000
    )
    after = notes()
    assert before != after
    uncached = prepare_speech(tmp_path / "a.wav", config=config, words=tmp_path / "a.json")
    assert after == uncached.notes


def test_words_by_whisper_depend_on_what_finds_speech(tmp_path, monkeypatch):
    pytest.importorskip("faster_whisper")
    from data_prep.align.whisper import WhisperAligner

    for name in ("tiny", "moved"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_bytes(b"weights")
    config = WordsConfig(whisper=str(tmp_path / "tiny"))
    (tmp_path / "tiny.pt").write_bytes(b"weights")
    torch = dataclasses.replace(config, whisper=str(tmp_path / "tiny.pt"))

    def keys():
        aligned = aligned_words_stage("sound", "hello", WhisperAligner(torch), torch)
        return transcribed_words_stage("sound", config).key, aligned.key

    found = []
    for is_there in (False, True):
        monkeypatch.setattr(voice_activity, "tells_music", lambda is_there=is_there: is_there)
        found.append(keys())
    assert found[0][0] != found[1][0]
    assert found[0][1] != found[1][1]
    moved = dataclasses.replace(config, whisper=str(tmp_path / "moved"), device="cpu")
    assert transcribed_words_stage("sound", moved).key == found[1][0]
    others = [
        dataclasses.replace(config, transcriber="pocketsphinx"),
        dataclasses.replace(config, transcriber="none"),
        dataclasses.replace(config, language="de"),
    ]
    assert len({found[1][0], *(transcribed_words_stage("sound", o).key for o in others)}) == 4


def test_words_by_whisper_depend_on_what_aligns_them(tmp_path, monkeypatch):
    pytest.importorskip("faster_whisper")
    (tmp_path / "model.bin").write_bytes(b"weights")
    config = WordsConfig(whisper=str(tmp_path))
    with_pocketsphinx = transcribed_words_stage("sound", config).key

    def refuse(config):
        raise UserError("none is here")

    monkeypatch.setattr(stages, "choose_aligner", refuse)
    assert transcribed_words_stage("sound", config).key != with_pocketsphinx
    with pytest.raises(UserError, match="none is here"):
        transcribed_words_stage("sound", dataclasses.replace(config, aligner="mfa"))


def test_of_a_file_of_many_utterances_the_name_counts(tmp_path):
    for name in ("a.ctm", "b.ctm"):
        (tmp_path / name).write_text("a 1 0 1 hello\nb 1 0 1 there\n")
    texts = [read_timed_text(tmp_path / f"{name}.ctm", 1.0) for name in "ab"]
    config = WordsConfig()
    keys = {timed_words_stage("sound", text, [], None, config).key for text in texts}
    assert len(keys) == 2


def test_captions_depend_on_what_aligns_them(tmp_path):
    from data_prep.align.pocketsphinx import PocketSphinxAligner

    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:02,000\none two three four\n")
    text, config = read_timed_text(tmp_path / "a.srt", 2.0), WordsConfig()
    without = timed_words_stage("sound", text, [], None, config)
    aligned = timed_words_stage("sound", text, [], PocketSphinxAligner(config), config)
    assert text.cues
    assert without.key != aligned.key
    bare = dataclasses.replace(text, cues=())
    with_times = timed_words_stage("sound", bare, [], PocketSphinxAligner(config), config)
    assert "config" not in with_times.inputs


def test_who_chose_the_aligner_is_not_kept_with_the_words(tmp_path):
    pytest.importorskip("pocketsphinx")
    write_clip(tmp_path, "a", seconds=1.0)
    (tmp_path / "a.txt").write_text("hello")
    cache, notes = StageCache(tmp_path / "cache"), []
    for aligner in ("auto", "pocketsphinx", "auto"):
        config = small_config(tmp_path)
        config = dataclasses.replace(config, words=WordsConfig(aligner=aligner, mfa="no-mfa"))
        speech = prepare_speech(
            tmp_path / "a.wav", config=config, transcript=tmp_path / "a.txt", cache=cache
        )
        notes.append("words timed by pocketsphinx" in speech.notes)
    assert notes == [True, False, True]
    assert cache.made.count("words") == 1
