"""A large model is loaded once for each GPU, not once for each core."""

from dataclasses import replace
from pathlib import Path

import pytest

from data_prep.clips.clip import Clip
from data_prep.run import clip_stages, pipeline, processes
from data_prep.run.processes import one_each_gpu, processes_for
from data_prep.run.workers import run_all
from llavataros_jax.config import Config, TextConfig, WordsConfig
from llavataros_jax.config.file import config_from_dict
from tests.data_prep.recordings import small_config, write_clip
from tests.data_prep.run.test_pipeline import silent

LANGUAGE_MODEL = TextConfig(kind="language_model", model="owner/name", size=8)


def clips(count: int, words: Path | None = None, transcript: Path | None = None) -> list[Clip]:
    one = Clip("a", "a", "anna", Path("a.wav"), Path("a.npy"), words, transcript)
    return [replace(one, name=str(number)) for number in range(count)]


def config(text: TextConfig | None = None, words: WordsConfig | None = None, wanted: int = 8):
    tree = {"data": {"workers": wanted}}
    made = config_from_dict(tree)
    return Config(made.data, made.audio, text or made.text, words or made.words)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch):
    """Sets how many GPUs there seem to be."""

    def there_are(count: int) -> None:
        monkeypatch.setattr(processes, "visible_gpus", lambda: tuple(map(str, range(count))))

    there_are(2)
    return there_are


def test_a_language_model_gets_a_process_for_each_gpu(gpus) -> None:
    said: list[str] = []
    assert processes_for(clips(9), config(LANGUAGE_MODEL), said.append) == 2
    assert said == [
        "2 of 8 processes, one for each GPU (CUDA_VISIBLE_DEVICES says which), because each loads "
        "text.model=owner/name"
    ]
    gpus(0)
    assert processes_for(clips(9), config(LANGUAGE_MODEL), pytest.fail) == 8
    gpus(8)
    assert processes_for(clips(9), config(LANGUAGE_MODEL), pytest.fail) == 8
    gpus(4)
    assert processes_for(clips(3), config(LANGUAGE_MODEL), pytest.fail) == 8, "three at most"


def test_one_for_each_core_counts_the_cores(gpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 16)
    said: list[str] = []
    assert processes_for(clips(99), config(LANGUAGE_MODEL, wanted=0), said.append) == 2
    assert said[0].startswith("2 of 16 processes")


@pytest.mark.parametrize(
    ("words", "files", "expected"),
    [
        ({"whisper": "base"}, {}, 2),
        ({"whisper": "base", "device": "cpu"}, {}, 8),
        ({"whisper": "base", "device": "cuda:1"}, {}, 1),
        ({"whisper": "base"}, {"words": Path("a.json")}, 8),
        ({"whisper": "base", "aligner": "pocketsphinx"}, {"transcript": Path("a.txt")}, 8),
        ({}, {}, 8),
    ],
)
def test_whisper_counts_where_it_is_needed(gpus, words, files, expected) -> None:
    found = processes_for(clips(9, **files), config(words=WordsConfig(**words)), silent)
    assert found == expected


def test_whisper_as_aligner_counts(gpus, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stub:
        name = "whisper"

    monkeypatch.setattr(processes, "choose_aligner", lambda config: Stub())
    words = WordsConfig(whisper="base")
    found = processes_for(clips(9, transcript=Path("a.txt")), config(words=words), silent)
    assert found == 2


def test_a_folder_that_is_transcribed_is_limited_too(gpus) -> None:
    assert one_each_gpu(6, ["Whisper"], device="auto", items=9, say=silent) == 2
    assert one_each_gpu(6, [], device="auto", items=9, say=pytest.fail) == 6


def test_preparation_asks_for_no_more(tmp_path: Path, gpus, monkeypatch) -> None:
    for seed, name in enumerate("abc"):
        write_clip(tmp_path / "in", name, seed=seed)
    monkeypatch.setattr(clip_stages, "processes_for", lambda clips, config, say: 1 + len(clips))
    asked: list[int] = []

    def run(work, items, *, workers: int, label: str):
        asked.append(workers)
        return run_all(work, items, workers=1, label=label)

    pipeline.prepare(small_config(tmp_path), say=silent, run=run)
    assert asked == [4]


def test_a_few_minutes_of_timed_words_are_done_before_a_second_process_has_started(
    gpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 4)
    for name in "abc":
        write_clip(tmp_path, name, seconds=2.0)
    files = [
        Clip(name, name, "anna", tmp_path / f"{name}.wav", words=tmp_path / f"{name}.json")
        for name in "abc"
    ]
    assert processes_for(files, config(wanted=0), silent) == 1
    assert processes_for(files, config(wanted=3), silent) == 3, "as the user says"
    monkeypatch.setattr(processes, "_SECONDS_EACH", 2.9)
    assert processes_for(files, config(wanted=0), silent) == 2, "6 s for 2.9 each"
    monkeypatch.setattr(processes, "_SECONDS_EACH", 1.0)
    assert processes_for(files, config(wanted=0), silent) == 0, "enough for all"
    untimed = [*files, replace(files[0], words=None)]
    monkeypatch.setattr(processes, "_SECONDS_EACH", 300.0)
    assert processes_for(untimed, config(wanted=0), silent) == 0
    (tmp_path / "c.srt").write_text("1\n00:00:00,000 --> 00:00:01,500\nhello you there\n")
    captions = [*files[:2], replace(files[2], words=tmp_path / "c.srt")]
    assert processes_for(captions, config(wanted=0), silent) == 0
