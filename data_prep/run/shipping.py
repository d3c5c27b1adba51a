"""Work that is sent to other machines: its paths must mean the same there."""

import dataclasses
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llavataros_jax.config import Config

# Options of tools and weights, which name a file or folder, or something that is known by a name.
_FILES = (
    ("audio", "pase"), ("text", "model"), ("words", "whisper"), ("words", "mfa_dictionary"),
    ("words", "mfa_acoustic"), ("data", "folder"), ("data", "records"), ("data", "words_folder"),
)  # fmt: skip


def absolute(value: Any) -> Any:
    """Returns a value in which every path is absolute, inside functions and dataclasses too.

    Links are not followed, because the names of files tell clips apart.
    """
    found: Any = value
    if isinstance(value, Path):
        found = Path(os.path.abspath(value))
    elif isinstance(value, Config):
        found = _with_absolute_options(value)
    elif isinstance(value, functools.partial):
        found = functools.partial(value.func, *absolute(value.args), **absolute(value.keywords))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        found = dataclasses.replace(value, **absolute(fields))
    elif isinstance(value, dict):
        found = {key: absolute(part) for key, part in value.items()}
    elif type(value) in (list, tuple, set, frozenset):
        kind: Any = type(value)
        found = kind(map(absolute, found))
    return found


def paths_in(value: Any) -> Iterator[Path]:
    """Yields the paths in a value, inside dataclasses too."""
    if isinstance(value, Path):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from paths_in(getattr(value, field.name))


def _with_absolute_options(config: Config) -> Config:
    sections: dict[str, Any] = {
        field.name: getattr(config, field.name) for field in dataclasses.fields(config)
    }
    for section, option in _FILES:
        value = getattr(sections[section], option)
        if value and Path(value).exists():
            sections[section] = dataclasses.replace(
                sections[section], **{option: os.path.abspath(value)}
            )
    if os.sep in config.words.mfa:  # else it is looked for as programs are
        mfa = os.path.abspath(config.words.mfa)
        sections["words"] = dataclasses.replace(sections["words"], mfa=mfa)
    return dataclasses.replace(config, **sections)
