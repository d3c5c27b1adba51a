"""What no clip uses any more goes, and nothing else."""

import dataclasses

import pytest
import soundfile

from data_prep.__main__ import main
from data_prep.run.pipeline import prepare
from data_prep.run.prune import prune
from llavataros_jax.config import TextConfig, WordsConfig
from llavataros_jax.config.file import config_to_yaml
from llavataros_jax.errors import UserError
from tests.data_prep.recordings import make_samples, small_config, write_clip


def silent(_):
    """Swallows what the pipeline says."""


@pytest.fixture
def prepared(tmp_path):
    for seed, name in enumerate(("a", "b")):
        write_clip(tmp_path / "in", name, seconds=2.0 + seed, seed=seed)
    config = small_config(tmp_path)
    prepare(config, say=silent)
    return config


def kept(folder):
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*.npz")}


def test_nothing_that_is_used_goes(tmp_path, prepared):
    cache = tmp_path / "out/.cache"
    before = kept(cache)
    assert len(before) == 8
    found = prune(prepared)
    assert (found.removed, found.megabytes, found.kept) == ({}, 0, 8)
    assert kept(cache) == before
    assert not prepare(prepared, say=silent).made


def test_what_old_options_and_files_left_goes(tmp_path, prepared, capsys):
    cache = tmp_path / "out/.cache"
    other = dataclasses.replace(prepared, text=TextConfig(kind="hashed", size=8))
    prepare(other, say=silent)
    soundfile.write(tmp_path / "in/b.wav", make_samples(7, 3.0), 16000)
    prepare(other, say=silent)
    (cache / "audio/.x.1-2.partial.npz").write_bytes(bytes(1000))
    size = sum((cache / name).stat().st_size for name in kept(cache))
    (tmp_path / "own.yaml").write_text(config_to_yaml(other))
    assert main(["--config", str(tmp_path / "own.yaml"), "--prune"]) == 0
    said = capsys.readouterr().out
    assert "removed 4 results (audio 1, text 2, words 1)" in said
    assert "8 are in use and stay" in said
    gone = size - sum((cache / name).stat().st_size for name in kept(cache))
    assert f", {gone / 1e6:.1f} MB;" in said
    assert len(kept(cache)) == 8
    assert not prepare(other, say=silent).made


def test_results_of_a_clip_that_is_not_finished_stay(tmp_path, prepared):
    """As after Ctrl-C: what is there will be used, though something before it is missing."""
    cache = tmp_path / "out/.cache"
    for path in (cache / "motion").iterdir():
        path.unlink()
    for path in (cache / "words").iterdir():
        path.unlink()
    prune(prepared)
    assert {name.split("/")[0] for name in kept(cache)} == {"audio"}
    assert prepare(prepared, say=silent).made == {"motion": 2, "words": 2, "text": 2}


def test_without_recordings_or_tools_nothing_goes(tmp_path, prepared):
    cache = tmp_path / "out/.cache"
    before = kept(cache)
    (tmp_path / "in/a.json").unlink()
    (tmp_path / "in/a.txt").write_text("hello there")
    lacking = [
        (prepared, "data", {"folder": str(tmp_path / "none")}, "is not a folder"),
        (prepared, "audio", {"kind": "pase", "pase": "none.ckpt"}, "does not exist"),
        (prepared, "words", {"aligner": "mfa", "mfa": "no-mfa"}, "no-mfa is not found"),
    ]
    for config, section, options, said in lacking:
        changed = dataclasses.replace(getattr(config, section), **options)
        with pytest.raises(UserError, match=said):
            prune(dataclasses.replace(config, **{section: changed}))
    (tmp_path / "in/a.txt").unlink()
    with pytest.raises(UserError, match=r"words\.whisper"):
        prune(dataclasses.replace(prepared, words=WordsConfig(whisper="/none.pt")))
    (tmp_path / "empty").mkdir()
    data = dataclasses.replace(prepared.data, folder=str(tmp_path / "empty"))
    with pytest.raises(UserError, match="has no clip, so all that is kept would go"):
        prune(dataclasses.replace(prepared, data=data))
    assert kept(cache) == before


def test_without_a_cache_there_is_nothing_to_prune(tmp_path):
    write_clip(tmp_path / "in", "a")
    with pytest.raises(UserError, match="there is nothing to prune"):
        prune(small_config(tmp_path))
    assert not (tmp_path / "out").exists()
