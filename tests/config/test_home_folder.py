"""`~` means the home folder in every option that is a path, and nothing in other texts."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from llavataros_jax.config import Config
from llavataros_jax.config.file import config_to_dict, load_config, with_overrides
from llavataros_jax.errors import UserError

PATHS = (
    "loss.contrastive_encoder",
    "data.folder", "data.records", "data.words_folder", "data.audio_glob", "data.motion_glob",
    "data.words_glob", "audio.pase", "text.model", "words.whisper", "words.mfa",
    "words.mfa_dictionary", "words.mfa_acoustic", "training.run", "training.start_from",
)  # fmt: skip
TOGETHER = {
    "data.audio_glob": ["data.motion_glob=m/*"],
    "data.motion_glob": ["data.audio_glob=a/*"],
    "data.words_glob": ["data.motion_glob=m/*", "data.audio_glob=a/*"],
    "audio.pase": ["audio.kind=pase"],
    "text.model": ["text.kind=language_model"],
    "loss.contrastive_encoder": ["loss.contrastive=0.1"],
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", "/home/anna")
    path = tmp_path / "c.yaml"
    path.write_text("")
    return path


def value_of(config: Config, option: str) -> object:
    section, key = option.split(".")
    return getattr(getattr(config, section), key)


@pytest.mark.parametrize("option", PATHS)
def test_every_path_knows_the_home_folder(file: Path, option: str) -> None:
    others = TOGETHER.get(option, [])
    config = load_config(file, [*others, f"{option}=~/some/{{name}}"])
    assert value_of(config, option) == "/home/anna/some/{name}"
    assert value_of(with_overrides(config, [f"{option}=~/x/*"]), option) == "/home/anna/x/*"
    tree: dict[str, dict[str, str]] = {}
    for line in [*others, f"{option}=~/deep/x"]:
        dotted, _, value = line.partition("=")
        section, key = dotted.split(".")
        tree.setdefault(section, {})[key] = value
    file.write_text(yaml.safe_dump(tree))
    assert value_of(load_config(file), option) == "/home/anna/deep/x"


def test_what_is_no_path_stays_as_it_was_written(file: Path) -> None:
    config = load_config(
        file,
        ["text.kind=language_model", "text.model=TinyLlama/TinyLlama_v1.1", "words.whisper=base",
         "data.holdout_takes=~/a, b~", "data.records=a/~/b"],
    )  # fmt: skip
    assert config.text.model == "TinyLlama/TinyLlama_v1.1"
    assert config.words.whisper == "base"
    assert config.data.holdout_takes == ("~/a", "b~")
    assert config.data.records == "a/~/b"
    assert load_config(file) == Config(), "no default begins with ~"


def test_every_option_that_holds_a_text_was_thought_of() -> None:
    """A new option of free text is either a path, and then in the list above, or named here."""
    others = {"words.device", "words.language", "words.tier", "parallel.coordinator"}
    texts = {
        f"{section.name}.{option.name}"
        for section in dataclasses.fields(Config)
        for option in dataclasses.fields(section.type)  # type: ignore[arg-type]
        if option.type in (str, str | None)
    }
    assert texts == set(PATHS) | others
    assert texts <= {f"{s}.{k}" for s, keys in config_to_dict(Config()).items() for k in keys}


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "2024-99-99", "[" * 5000])
def test_values_that_yaml_stumbles_over_are_refused(file: Path, value: str) -> None:
    with pytest.raises(UserError):
        load_config(file, [f"training.seed={value}"])
    file.write_text(f"training: {{seed: {value}}}\n")
    with pytest.raises(UserError):
        load_config(file)
