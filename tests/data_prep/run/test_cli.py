import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from data_prep import __main__ as door
from data_prep.clips import cache
from llavataros_jax.config.file import config_to_dict
from tests.data_prep.recordings import small_config, write_clip

ROOT = Path(__file__).parents[3]


def write_config(folder):
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config_to_dict(small_config(folder))))
    return str(path)


def living(group):
    """Lists the processes of a group that are not merely waiting to be buried."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, pgrp = path.read_text().rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state not in "ZX":
                found.append(path)
    return found


def test_prints_a_short_table_and_says_what_was_cached(tmp_path, capsys):
    write_clip(tmp_path / "in/anna", "a")
    write_clip(tmp_path / "in/ben", "b", seed=1)
    config = write_config(tmp_path)
    assert door.main(["--config", config, "data.holdout=tail"]) == 0
    said = capsys.readouterr().out
    for part in ("train", "validation", "anna", "ben", "out of vocabulary", "computed", "wrote"):
        assert part in said
    assert door.main(["--config", config, "data.holdout=tail"]) == 0
    said = capsys.readouterr().out
    assert "every stage was cached" in said
    assert "nothing to write" in said


@pytest.mark.parametrize(
    ("override", "cause"),
    [
        ("data.foldr=x", "did you mean data.folder?"),
        ("data.folder=/nowhere", "data.folder=/nowhere is not a folder"),
        ("data.holdout_takes=c", "data.holdout_takes names 'c'"),
        ("data.holdout_takes=a,b", "all takes that can be used (a, b) are held out"),
        ("data.records={file}", "is a file"),
        ("data.records=gs://b/r", "a folder on this machine, but data.records=gs://b/r is a URL"),
        ("words.whisper=3.pt data.words_folder=/nowhere", "not a folder"),
        ("motion.source_fps=24", "none of the clips"),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing(tmp_path, capsys, override, cause):
    write_clip(tmp_path / "in", "a")
    write_clip(tmp_path / "in", "b", seed=1)
    (tmp_path / "file").touch()
    overrides = override.format(file=tmp_path / "file/deep").split(" ")
    assert door.main(["--config", write_config(tmp_path), *overrides]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "preparing" not in line]
    (sentence,) = errors
    assert sentence.startswith("error: ")
    assert cause in sentence
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_sentence(tmp_path, capsys, monkeypatch):
    write_clip(tmp_path / "in", "a")

    def full(path, **_):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.np, "savez", full)
    assert door.main(["--config", write_config(tmp_path)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written == [tmp_path / "out/.lock"]


@pytest.mark.parametrize("to_all", [True, False])
@pytest.mark.slow
def test_ctrl_c_and_kill_end_all_processes_at_once(tmp_path, to_all):
    for seed in range(3):
        write_clip(tmp_path / "in", f"clip{seed}", seconds=60.0, seed=seed)
    process = subprocess.Popen(
        [sys.executable, "-m", "data_prep", "--config", write_config(tmp_path), "data.workers=2"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    kept = tmp_path / "out/.cache"
    deadline = time.monotonic() + 60
    while not list(kept.glob("motion/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    if to_all:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    else:
        process.terminate()
    begin = time.monotonic()
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - begin < 5
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not (tmp_path / "out/manifest.json").exists()
    while living(process.pid) and time.monotonic() - begin < 10:
        time.sleep(0.05)
    assert not living(process.pid)
