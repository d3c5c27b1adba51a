"""Configs and corpus are found by name wherever the program runs."""

from pathlib import Path

import pytest

from llavataros_jax.config.file import load_config, with_overrides
from llavataros_jax.config.shipped import find_config, shipped_configs, shipped_folder
from llavataros_jax.errors import UserError


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["demo", "demo.yaml", "configs/demo.yaml"])
def test_a_config_that_comes_along_is_found_anywhere(name: str, elsewhere: Path) -> None:
    assert find_config(name) == shipped_folder("configs") / "demo.yaml"
    config = load_config(name)
    assert Path(config.data.folder) == shipped_folder("corpus")
    assert (Path(config.data.folder) / "clips.tsv").is_file()


def test_ones_own_file_and_folder_go_first(elsewhere: Path) -> None:
    (elsewhere / "configs").mkdir()
    (elsewhere / "configs" / "demo.yaml").write_text("training: {steps: 3}\n")
    (elsewhere / "corpus").mkdir()
    config = load_config("configs/demo.yaml", ["data.folder=corpus"])
    assert (config.training.steps, config.data.folder) == (3, "corpus")


@pytest.mark.parametrize("name", ["dmo", "other/demo.yaml", "configs/none.yaml", "demo.json"])
def test_a_name_that_means_nothing_is_refused_with_those_that_do(name, elsewhere: Path) -> None:
    with pytest.raises(UserError, match="does not exist; give a file or one of") as refusal:
        load_config(name)
    assert all(known in str(refusal.value) for known in shipped_configs())


def test_overrides_change_a_config_that_exists() -> None:
    config = load_config("tiny")
    changed = with_overrides(config, ["film.width=320", "words.whisper=base"])
    assert (changed.film.width, changed.words.whisper) == (320, "base")
    assert changed.model == config.model
    with pytest.raises(UserError, match=r"did you mean film\.width"):
        with_overrides(config, ["film.widht=320"])
