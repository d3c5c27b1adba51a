"""Config files: YAML with dotted overrides in, typed `Config` out, and back.

One file configures the whole way: all commands read the same `configs/*.yaml`. Unknown keys are
refused with the nearest known one, and `~` at the beginning of a path is the home folder.
"""

import dataclasses
import difflib
import os
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml

from llavataros_jax.config import Config
from llavataros_jax.config.shipped import (
    find_config,
    find_recordings_folder,
    shipped_configs,
)
from llavataros_jax.errors import UserError

# Names that options had in files and runs written before, and the ones they have now.
_OLD_NAMES = {
    "model.silence_bit": "model.word_bit",
    "audio.lookahead_frames": "model.lookahead_frames",
}

# Besides its own errors, PyYAML lets through those of dates, long numbers and deep nesting.
_NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file and applies `section.key=value` overrides.

    Raises:
        UserError: When the file is missing or malformed, a key unknown or a value of a wrong type.
    """
    path = find_config(path)
    if not path.is_file():
        raise UserError(
            f"config {path} does not exist; give a file or one of those that come along: "
            f"{', '.join(shipped_configs())}"
        )
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except _NOT_YAML as problem:
        where = getattr(problem, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise UserError(f"config {path} is not valid YAML{line}; correct it") from problem
    tree = _with_names_of_today(tree, str(path))
    for override in overrides:
        _apply_override(tree, override)
    config = config_from_dict(tree, origin=str(path))
    folder = find_recordings_folder(config.data.folder)
    return dataclasses.replace(config, data=dataclasses.replace(config.data, folder=folder))


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """Applies `section.key=value` overrides to a config that exists already.

    Raises:
        UserError: When a key is unknown or a value of a wrong type.
    """
    tree = config_to_dict(config)
    for override in overrides:
        _apply_override(tree, override)
    return config_from_dict(tree, origin="the command line")


def config_from_dict(tree: Any, origin: str = "config") -> Config:
    """Builds a `Config` from nested dictionaries; `origin` opens the error messages."""
    return _build(Config, _with_names_of_today(tree, origin), origin, ())


def config_to_dict(config: Config) -> dict[str, Any]:
    """Returns the resolved config as plain dictionaries and lists."""
    return _plain(dataclasses.asdict(config))


def config_to_yaml(config: Config) -> str:
    """Returns the resolved config as YAML that `load_config` reads back to an equal one."""
    return yaml.safe_dump(config_to_dict(config), sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _with_names_of_today(tree: Any, origin: str) -> Any:
    """Renames options that were called otherwise before; leaves what is no mapping to `_build`."""
    if not isinstance(tree, dict):
        return tree
    tree = {name: dict(part) if isinstance(part, dict) else part for name, part in tree.items()}
    for old, new in _OLD_NAMES.items():
        (old_section, old_key), (section, key) = old.split("."), new.split(".")
        options = tree.get(old_section)
        if not isinstance(options, dict) or old_key not in options:
            continue
        if tree.get(section) is None:
            tree[section] = {}
        if not isinstance(tree[section], dict):
            continue
        if key in tree[section]:
            raise UserError(
                f"{origin}: {old} is an old name of {new}, and both are given; remove the old one"
            )
        tree[section][key] = options.pop(old_key)
    return tree


def _apply_override(tree: Any, override: str) -> None:
    dotted, separator, text = override.partition("=")
    if not separator or "." not in dotted:
        raise UserError(f"override {override!r} is not of the form section.key=value")
    name = dotted.strip().lstrip("-").replace("-", "_")
    *sections, key = _OLD_NAMES.get(name, name).split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise UserError(f"override {override!r}: {section} is not a section")
    try:
        tree[key] = yaml.safe_load(text) if text.strip() else ""
    except _NOT_YAML as problem:
        shown = override if len(override) <= 60 else f"{override[:60]}…"
        raise UserError(f"override {shown!r}: the value is not valid YAML") from problem


def _build(kind: Any, tree: Any, origin: str, path: tuple[str, ...]) -> Any:
    name = ".".join(path)
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise UserError(f"{origin}: {name or 'the file'} must be a mapping, not {tree!r}")
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in tree.items():
        dotted = ".".join((*path, str(key)))
        if key not in hints:
            raise UserError(f"{origin}: unknown key {dotted}{_suggestion(str(key), path, hints)}")
        if dataclasses.is_dataclass(hints[key]):
            values[key] = _build(hints[key], value, origin, (*path, key))
        else:
            values[key] = _at_home(_coerce(hints[key], value, origin, dotted))
    try:
        return kind(**values)
    except UserError as refusal:
        raise UserError(f"{origin}: {refusal}") from refusal


def _at_home(value: Any) -> Any:
    """Writes out the home folder, for which `~` stands at the beginning of a path."""
    return os.path.expanduser(value) if isinstance(value, str) else value


def _suggestion(key: str, path: tuple[str, ...], hints: dict[str, Any]) -> str:
    close = difflib.get_close_matches(key, hints, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {'.'.join((*path, close[0]))}?"
    everywhere = {
        option: f"{section}.{option}"
        for section, kind in typing.get_type_hints(Config).items()
        for option in typing.get_type_hints(kind)
    }
    close = difflib.get_close_matches(key, everywhere, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {everywhere[close[0]]}?"
    return f"; known keys here are {', '.join(hints)}"


def _coerce(hint: Any, value: Any, origin: str, dotted: str) -> Any:
    """Checks `value` against an annotation; accepts what YAML 1.1 misreads, such as 1e-4."""
    wrong = UserError(f"{origin}: {dotted} must be {_describe(hint)}, not {value!r}")
    kind = typing.get_origin(hint)
    if kind in (types.UnionType, typing.Union):
        if value is None and type(None) in typing.get_args(hint):
            return None
        (inner,) = (option for option in typing.get_args(hint) if option is not type(None))
        return _coerce(inner, value, origin, dotted)
    if kind is Literal:
        if value in typing.get_args(hint) and not isinstance(value, bool):
            return value
        # YAML 1.1 reads bare `on` and `off` as truths; where there are such words, they are meant.
        word = {True: "on", False: "off"}.get(value) if isinstance(value, bool) else None
        if word in typing.get_args(hint):
            return word
        raise wrong
    if kind is tuple:
        if isinstance(value, str):
            value = [item.strip() for item in value.split(",") if item.strip()]
        if not isinstance(value, list | tuple):
            raise wrong
        return tuple(_coerce(typing.get_args(hint)[0], item, origin, dotted) for item in value)
    if hint is bool:
        if isinstance(value, bool):
            return value
        raise wrong
    if hint is str:
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise wrong
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise wrong from None
    if number != number or number in (float("inf"), float("-inf")):
        raise wrong
    if hint is int:
        if number != int(number):
            raise wrong
        return int(number)
    return number


def _describe(hint: Any) -> str:
    kind = typing.get_origin(hint)
    if kind is Literal:
        return "one of " + ", ".join(str(option) for option in typing.get_args(hint))
    if kind in (types.UnionType, typing.Union):
        return " or ".join(
            "null" if option is type(None) else _describe(option)
            for option in typing.get_args(hint)
        )
    if kind is tuple:
        return "a list"
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[hint]
