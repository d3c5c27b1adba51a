"""Options that were renamed are still read from the files and runs that name them as before."""

from pathlib import Path

import pytest
import yaml

from llavataros_jax.config.file import (
    config_from_dict,
    config_to_dict,
    load_config,
    with_overrides,
)
from llavataros_jax.errors import UserError
from llavataros_jax.training.run import read_config


def test_an_old_key_sets_the_option_of_today(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(yaml.safe_dump({"model": {"silence_bit": True, "heads": 2}}))
    config = load_config(path)
    assert config.model.word_bit
    assert config.model.heads == 2
    assert "silence_bit" not in config_to_dict(config)["model"]
    assert not load_config(path, ["model.silence_bit=false"]).model.word_bit
    assert not load_config(path, ["model.word_bit=false"]).model.word_bit


def test_an_old_run_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model": {"silence_bit": True}}))
    assert read_config(tmp_path).model.word_bit
    assert capsys.readouterr() == ("", "")


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(UserError, match=r"model\.silence_bit is an old name of model\.word_bit"):
        config_from_dict({"model": {"silence_bit": True, "word_bit": False}})


def test_an_option_that_moved_to_another_section_is_read_there(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"audio": {"lookahead_frames": 12, "mels": 20}}))
    config = load_config(path)
    assert config.model.lookahead_frames == 12
    assert config.audio.mels == 20
    assert "lookahead_frames" not in config_to_dict(config)["audio"]
    assert load_config(path, ["audio.lookahead_frames=3"]).model.lookahead_frames == 3
    assert load_config(path, ["model.lookahead_frames=4"]).model.lookahead_frames == 4
    assert with_overrides(config, ["--audio.lookahead-frames=5"]).model.lookahead_frames == 5
    assert read_config(tmp_path).model.lookahead_frames == 12
    for empty in ({"model": None}, {"model": {"heads": 2}}):
        tree = {"audio": {"lookahead_frames": 2}, **empty}
        assert config_from_dict(tree).model.lookahead_frames == 2
        assert tree == {"audio": {"lookahead_frames": 2}, **empty}  # what was given is left alone


def test_what_is_wrong_with_a_moved_option_is_told_as_of_its_place_of_today() -> None:
    with pytest.raises(UserError, match=r"model\.lookahead_frames is -1, but must be 0 or more"):
        config_from_dict({"audio": {"lookahead_frames": -1}})
    with pytest.raises(UserError, match=r"audio\.lookahead_frames .* both are given"):
        config_from_dict({"audio": {"lookahead_frames": 1}, "model": {"lookahead_frames": 1}})
