"""MFA's own TextGrids against the truth, and a stand-in for the program."""

import dataclasses
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.align.aligner import Utterance
from data_prep.align.choice import align, choose_aligner
from data_prep.align.mfa import MfaAligner
from data_prep.align.mfa_folder import folder_for_one_run
from data_prep.align.mfa_models import MfaModels, choose_models
from data_prep.align.mfa_textgrid import lab_word, read_mfa_words
from data_prep.run.pipeline import prepare
from llavataros_jax.config import WordsConfig
from llavataros_jax.config.file import config_from_dict
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import damage_middle, make_samples, small_config, write_clip

ROOT = Path(__file__).parents[3]
SYNTHETIC = ROOT / ".." / "shared" / "data" / "mfa_synthetic"

# Writes what the real program would: words of equal length, phones, and `spn` for unknown ones.
STAND_IN = """#!{python}
import json, os, sys, pathlib, wave
arguments = sys.argv[1:]
assert arguments[0] == "align"
corpus, dictionary, model, out = map(pathlib.Path, arguments[-4:])
here = pathlib.Path(__file__).parent
calls = here / "calls.jsonl"
mode = (here / "mode").read_text() if (here / "mode").exists() else ""
found = sorted(corpus.glob("*/*.lab"))
with calls.open("a") as file:
    texts = {{p.relative_to(corpus).as_posix(): p.read_text() for p in found}}
    file.write(json.dumps({{"arguments": arguments, "texts": texts}}) + "\\n")
print(" INFO     Setting up corpus information...")
if mode == "fail":
    print("\\x1b[31m ERROR \\x1b[0m PhoneMismatchError:", file=sys.stderr)
    print("The dictionary has phones not in the model: ZH9", file=sys.stderr)
    sys.exit(3)
for lab in found:
    words = lab.read_text().split()
    if "unalignable" in words:
        continue
    with wave.open(str(lab.with_suffix(".wav"))) as sound:
        assert sound.getparams()[:3] == (1, 2, 16000)
        seconds = sound.getnframes() / 16000
    step = seconds / (len(words) + 2)
    spans = [("", 0, step)]
    spans += [(w, (i + 1) * step, (i + 2) * step) for i, w in enumerate(words)]
    spans += [("", seconds - step, seconds)]
    phones = [("spn" if w == "zyzzyva" else w and "AH0", a, b) for w, a, b in spans]
    if mode == "other words":
        spans[1] = ("something", *spans[1][1:])
    names = ("Wörter", "phones") if mode == "tier" else ("words", "phones")
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {{seconds}}", "tiers? <exists>", "size = 2", "item []:"]
    for number, (name, tier) in enumerate(zip(names, (spans, phones)), 1):
        lines += [f"    item [{{number}}]:", '        class = "IntervalTier"']
        lines += [f'        name = "{{name}}"', "        xmin = 0", f"        xmax = {{seconds}}"]
        lines += [f"        intervals: size = {{len(tier)}}"]
        for row, (text, start, end) in enumerate(tier, 1):
            lines += [f"        intervals [{{row}}]:", f"            xmin = {{start}}"]
            lines += [f"            xmax = {{end}}", f'            text = "{{text}}"']
    target = out / lab.relative_to(corpus).with_suffix(".TextGrid")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\\n".join(lines) + "\\n", encoding="utf-8")
"""


@pytest.fixture
def mfa(tmp_path, monkeypatch):
    """Puts the stand-in on PATH with models that are downloaded, and returns its folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "mfa"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    for kind, suffix in (("dictionary", "dict"), ("acoustic", "zip")):
        path = tmp_path / "root/pretrained_models" / kind / f"english_us_arpa.{suffix}"
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.setenv("MFA_ROOT_DIR", str(tmp_path / "root"))
    return folder


def calls_of(folder):
    path = folder / "calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a b.flac"
    soundfile.write(path, 0.5 * make_samples(0, 2.0, 22050)[:, None].repeat(2, 1), 22050)
    return path


CONFIG = WordsConfig(aligner="mfa", mfa_jobs=3)


def test_the_real_programs_textgrids_against_the_truth():
    if not SYNTHETIC.is_dir():
        pytest.skip(f"MFA's TextGrids are not at {SYNTHETIC}")
    truth = json.loads((SYNTHETIC / "truth.json").read_text())
    starts, ends = [], []
    for name, spoken in truth.items():
        text = (SYNTHETIC / "corpus" / f"{name}.lab").read_text().split()
        words, unknown = read_mfa_words(SYNTHETIC / "out" / f"{name}.TextGrid", text, "en")
        assert [word.text for word in words] == [word for word, _, _ in spoken]
        assert not unknown
        starts += [w.start_seconds - start for w, (_, start, _) in zip(words, spoken, strict=True)]
        ends += [w.end_seconds - end for w, (_, _, end) in zip(words, spoken, strict=True)]
    assert len(starts) == 497
    # As the program's makers of these files measured: 7-9 ms and 6.6 ms.
    assert np.median(np.abs(starts)) < 0.0095
    assert np.percentile(np.abs(starts), 90) < 0.115
    assert np.median(np.abs(ends)) < 0.007


def test_the_real_program(tmp_path):
    if shutil.which("mfa") is None or not SYNTHETIC.is_dir():
        pytest.skip("the program mfa or the synthetic recordings are not here")
    config = dataclasses.replace(
        CONFIG,
        mfa_dictionary=str(SYNTHETIC / "lex.dict"),
        mfa_acoustic=str(SYNTHETIC / "model.zip"),
    )
    truth = dict(list(json.loads((SYNTHETIC / "truth.json").read_text()).items())[:6])
    utterances = [
        Utterance(name, name[:2], SYNTHETIC / "corpus" / f"{name}.wav", tuple(w[0] for w in words))
        for name, words in truth.items()
    ]
    found = MfaAligner(config).align_corpus(utterances, tmp_path)
    errors = [
        abs(word.start_seconds - start)
        for name, words in truth.items()
        for word, (_, start, _) in zip(found[name].words, words, strict=True)
    ]
    assert np.median(errors) < 0.02


def test_one_recording_comes_back_in_the_users_spelling(mfa, recording):
    notes = []
    words = align(recording, "“Hello, World!” & 90% zyzzyva’s", CONFIG, note=notes.append)
    assert [word.text for word in words] == ["“Hello,", "World!”", "&", "90%", "zyzzyva’s"]
    (call,) = calls_of(mfa)
    assert list(call["texts"].values()) == ["hello world and ninety percent zyzzyva's\n"]
    step = 2.0 / 8
    times = [(w.start_seconds, w.end_seconds) for w in words]
    wanted = [(1, 2), (2, 3), (3, 4), (4, 6), (6, 7)]
    np.testing.assert_allclose(times, np.array(wanted) * step, atol=1e-4)
    arguments = call["arguments"]
    assert arguments[arguments.index("--num_jobs") + 1] == "3"
    assert arguments[-3:-1] == ["english_us_arpa", "english_us_arpa"]


def test_a_corpus_is_one_run_with_a_folder_for_each_speaker(mfa, recording, tmp_path):
    def spoken(name, speaker, *words):
        return Utterance(name, speaker, recording, words)

    utterances = [
        spoken("x/1", "Anna B", "hello", "Zyzzyva"),
        spoken("x_1", "Ben", "unalignable"),
        spoken("y", "Anna_B", "well-known"),
    ]
    found = MfaAligner(CONFIG).align_corpus(utterances, tmp_path / "work")
    (call,) = calls_of(mfa)
    assert len({Path(name).parent for name in call["texts"]}) == 3
    assert [word.text for word in found["x/1"].words] == ["hello", "Zyzzyva"]
    assert found["x/1"].notes == ("outside MFA's dictionary: Zyzzyva",)
    assert f"no TextGrid for {recording}, so it could not align" in str(found["x_1"].problem)
    assert found["y"].words[0].text == "well-known"
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["mfa.log"]


def test_compounds_and_unknown_words_are_gathered(tmp_path):
    def grid(*labels):
        tiers = [labels, ["spn" if label == "<unk>" else "AH" for label in labels]]
        path = tmp_path / "x.TextGrid"
        lines = [f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n{len(labels)}']
        lines += ["<exists>\n2"]
        for name, tier in zip(("words", "phones"), tiers, strict=True):
            lines += [f'"IntervalTier"\n"{name}"\n0\n{len(labels)}\n{len(labels)}']
            lines += [f'{row}\n{row + 1}\n"{text}"' for row, text in enumerate(tier)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    told = ["Well-known", "co-<op>", "déjà", "vu."]
    path = grid("well", "known", "<unk>", "", "de\u0301ja\u0300", "vu")
    words, unknown = read_mfa_words(path, told, "fr")
    assert [(w.text, w.start_seconds, w.end_seconds) for w in words] == [
        ("Well-known", 0, 2),
        ("co-<op>", 2, 3),
        ("déjà", 4, 5),
        ("vu.", 5, 6),
    ]
    assert unknown == ["co-<op>"]
    with pytest.raises(UserError, match="word 2 is 'b', but there is 'c'"):
        read_mfa_words(grid("a", "c"), ["a", "b"], "en")
    with pytest.raises(UserError, match="2 more words than the transcript, from 'b'"):
        read_mfa_words(grid("a", "b", "c"), ["a"], "en")
    with pytest.raises(UserError, match="word 2 is 'b', but there is 'nothing'"):
        read_mfa_words(grid("a"), ["a", "b"], "en")
    words, _ = read_mfa_words(grid("今日", "は"), ["今日は"], "ja")
    assert [word.text for word in words] == ["今日", "は"]


def test_lab_words():
    assert [lab_word(word, "en") for word in ("(Don’t!)", "well-known", "3.5", "—", "$5")] == [
        "don't",
        "well-known",
        "three point five",
        "",
        "five dollars",
    ]
    assert lab_word("90%", "de") == "90"


def refusal_of(config, recording, text="hello there"):
    with pytest.raises(UserError) as refusal:
        align(recording, text, config)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_its_own_last_words_and_the_log_are_shown(mfa, recording):
    (mfa / "mode").write_text("fail")
    message = refusal_of(CONFIG, recording)
    assert "ended with code 3" in message
    assert "PhoneMismatchError: | The dictionary has phones not in the model: ZH9" in message
    assert "\x1b" not in message
    log = Path(message.rpartition(" is in ")[2].rstrip(")"))
    assert "Setting up corpus information" in log.read_text()
    assert [path.name for path in log.parent.iterdir()] == ["mfa.log"]


@pytest.mark.parametrize(
    ("mode", "text", "message"),
    [
        ("", "hello unalignable", "wrote no TextGrid for .*a b.flac"),
        ("tier", "hello", "needs the tiers words and phones, but has: Wörter, phones"),
        ("other words", "hello there", "word 1 is 'hello', but there is 'something'"),
    ],
)
def test_what_it_did_not_write_is_one_sentence(mfa, recording, mode, text, message):
    (mfa / "mode").write_text(mode)
    with pytest.raises(UserError, match=message):
        raise UserError(refusal_of(CONFIG, recording, text))


def test_missing_programs_models_and_languages(mfa, recording, monkeypatch, tmp_path):
    replace = dataclasses.replace
    assert "words.mfa=no-mfa is not found" in refusal_of(replace(CONFIG, mfa="no-mfa"), recording)
    assert "no MFA dictionary is known for words.language=tlh" in refusal_of(
        replace(CONFIG, language="tlh"), recording
    )
    assert "mfa model download dictionary german_mfa" in refusal_of(
        replace(CONFIG, language="de-AT"), recording
    )
    missing = replace(CONFIG, mfa_dictionary=str(tmp_path / "no.dict"))
    assert "no.dict does not exist" in refusal_of(missing, recording)
    (tmp_path / "my.dict").touch()
    models = choose_models(replace(CONFIG, mfa_dictionary=str(tmp_path / "my.dict")))
    assert models == MfaModels(str(tmp_path / "my.dict"), "english_us_arpa")


def test_models_are_told_apart_by_their_bytes_wherever_they_lie(mfa, tmp_path):
    named = choose_models(CONFIG).identity()
    kept = tmp_path / "root/pretrained_models/dictionary/english_us_arpa.dict"
    shutil.copy(kept, tmp_path / "moved.dict")
    moved = dataclasses.replace(CONFIG, mfa_dictionary=str(tmp_path / "moved.dict"))
    assert choose_models(moved).identity() == named
    kept.write_text("hello HH AH L OW\n")  # as after a new download of the same name
    assert choose_models(CONFIG).identity() != named


def test_a_recording_that_is_damaged_in_the_middle_leaves_the_others(mfa, tmp_path):
    utterances = []
    for name in ("good", "damaged", "also"):
        path = tmp_path / f"{name}.flac"
        soundfile.write(path, make_samples(0, 4.0), 16000)
        utterances.append(Utterance(name, "anna", path, ("hello", "there")))
    damage_middle(tmp_path / "damaged.flac")
    found = MfaAligner(CONFIG).align_corpus(utterances, tmp_path / "work")
    assert [name for name in found if not found[name].problem] == ["good", "also"]
    assert "damaged.flac is cut off or damaged" in str(found["damaged"].problem)
    (call,) = calls_of(mfa)
    assert len(call["texts"]) == 2
    alone = MfaAligner(CONFIG).align_corpus(utterances[1:2], tmp_path / "work")
    assert list(alone) == ["damaged"]
    assert len(calls_of(mfa)) == 1, "there is nothing to run the program for"


def test_auto_takes_the_best_that_is_there_and_says_which(mfa, recording, monkeypatch):
    notes = []
    align(recording, "hello", WordsConfig(), note=notes.append)
    assert notes == ["words timed by mfa"]
    pytest.importorskip("pocketsphinx")
    monkeypatch.setenv("MFA_ROOT_DIR", "nowhere")
    assert choose_aligner(WordsConfig()).name == "pocketsphinx"
    with pytest.raises(UserError, match=r"MFA dictionary .*PocketSphinx .*Whisper"):
        choose_aligner(WordsConfig(language="tlh"))


def test_preparation_aligns_all_clips_in_one_run(mfa, tmp_path):
    texts = {"a": "hello there", "b": "well zyzzyva", "c": "unalignable", "d": ""}
    for seed, (name, text) in enumerate(texts.items()):
        write_clip(tmp_path / "in", name, seed=seed)
        (tmp_path / f"in/{name}.json").unlink()
        (tmp_path / f"in/{name}.txt").write_text(text)
    write_clip(tmp_path / "in", "timed", seed=9)

    def run(**words):
        data = {"folder": str(tmp_path / "in"), "records": str(tmp_path / "out"), "workers": 1}
        tree = {
            "data": data,
            "audio": {"mels": 4},
            "text": {"kind": "hashed", "size": 4},
            "words": words,
        }
        return prepare(config_from_dict(tree), say=lambda _: None)

    result = run(aligner="mfa")
    assert {clip.clip.name for clip in result.clips} == {"a", "b", "timed"}
    assert "could not align" in result.failures["c"]
    assert "d.txt is empty" in result.failures["d"]
    assert result.made["words"] == 3
    (call,) = calls_of(mfa)
    assert sorted(call["texts"].values()) == ["hello there\n", "unalignable\n", "well zyzzyva\n"]
    notes = {clip.clip.name: clip.notes for clip in result.clips}
    assert "outside MFA's dictionary: zyzzyva" in notes["b"]
    # Only what failed is tried again; another acoustic model redoes all.
    assert "words" not in run(aligner="mfa").made
    assert list(calls_of(mfa)[1]["texts"].values()) == ["unalignable\n"]
    (tmp_path / "in/c.txt").unlink()
    for name in ("other", "third"):
        (tmp_path / f"root/pretrained_models/acoustic/{name}.zip").write_text(name)
    made = run(aligner="mfa", mfa_acoustic="other").made
    assert made["words"] == 3, "with c, which nobody wrote down now"
    (mfa / "mode").write_text("fail")
    with pytest.raises(UserError, match="ended with code 3"):
        run(aligner="mfa", mfa_acoustic="third")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A place for temporary files of this test alone."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(
    ("mode", "text"),
    [("", "hello"), ("tier", "hello"), ("other words", "hello"), ("fail", "hello"),
     ("", "hello unalignable")],
)  # fmt: skip
def test_nothing_but_a_log_that_is_told_of_stays(mfa, recording, temporary, mode, text):
    (mfa / "mode").write_text(mode)
    message = ""
    try:
        align(recording, text, CONFIG)
    except UserError as refusal:
        message = str(refusal)
    left = [path for path in temporary.rglob("*") if path.is_file()]
    assert [path.name for path in left if path.name != "mfa.log"] == []
    assert all(str(path) in message for path in left)
    assert len(left) == ("mfa.log" in message)
    assert len(list(temporary.iterdir())) == len(left)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_stays_when_it_is_stopped(mfa, recording, temporary, monkeypatch, error):
    def stop(*_):
        raise error

    monkeypatch.setattr("data_prep.align.mfa.lab_text", stop)
    with pytest.raises((KeyboardInterrupt, OSError)):
        align(recording, "hello", CONFIG)
    assert not list(temporary.iterdir())


SLOW = """
import os, pathlib, signal, sys, tempfile
tempfile.tempdir = sys.argv[1]
from data_prep.align.mfa_folder import folder_for_one_run
with folder_for_one_run() as folder:
    (folder / "corpus").mkdir()
    (folder / "corpus" / "a.wav").touch()
    print(folder, flush=True)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def test_what_a_killed_run_left_goes_at_the_next_start_and_a_living_one_stays(temporary):
    def start(fate):
        command = [sys.executable, "-c", SLOW, str(temporary), fate]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env=environment, **pipes)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    dead, left = start("die")
    assert dead.wait() == -9
    assert (left / "corpus/a.wav").exists()
    living, theirs = start("live")
    assert not left.exists()
    with folder_for_one_run() as ours:
        assert (theirs / "corpus/a.wav").exists()
        assert ours.is_dir()
    living.communicate("")
    assert not list(temporary.iterdir())


def test_a_killed_runs_corpus_goes_at_the_next_preparation(tmp_path):
    write_clip(tmp_path / "in", "a")
    left = tmp_path / "out/.cache/mfa/corpus/000_anna/a.wav"
    left.parent.mkdir(parents=True)
    left.touch()
    prepare(small_config(tmp_path), say=lambda line: None)
    assert not left.parent.parent.exists()


def test_a_program_that_is_stopped_takes_its_own_along(mfa, recording, temporary, monkeypatch):
    """MFA starts processes of its own, which would go on writing."""
    pids = mfa / "pids"
    (mfa / "mfa").write_text(
        f"#!/bin/sh\nsleep 60 &\necho $! > {pids}.part\nmv {pids}.part {pids}\nwait\n"
    )

    stopped = []

    def wait(process, real=subprocess.Popen.wait):
        if not stopped:
            while not pids.exists():
                time.sleep(0.01)
            stopped.append(True)
            raise KeyboardInterrupt
        return real(process)

    monkeypatch.setattr(subprocess.Popen, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        align(recording, "hello", CONFIG)
    state = Path(f"/proc/{pids.read_text().strip()}/stat")
    for _ in range(100):
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] in "ZX":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the program's own process goes on")
    assert not list(temporary.iterdir())
