"""Options that were renamed are still read from the files and runs that name them as before."""

from pathlib import Path

import pytest
import yaml

from llavataros_jax.config.file import config_from_dict, config_to_dict, load_config
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
