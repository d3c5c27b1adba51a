"""Work for other machines: paths that mean the same there, and outcomes that come back as files."""

import dataclasses
import functools
import os
import pickle
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llavataros_jax.atomic import atomic_path
from llavataros_jax.config import Config
from llavataros_jax.errors import UserError

# Options of tools and weights, which name a file or folder, or something that is known by a name.
_FILES = (
    ("audio", "pase"), ("text", "model"), ("words", "whisper"), ("words", "mfa_dictionary"),
    ("words", "mfa_acoustic"), ("data", "folder"), ("data", "records"), ("data", "words_folder"),
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """One piece of work for some machine.

    Attributes:
        number: Which one it is.
        item: What to work on.
        seen: The files in it that this machine sees, so that others can say what they do not.
    """

    number: int
    item: Any
    seen: tuple[Path, ...]


@dataclass(frozen=True)
class Outcome:
    """What a piece of work returned, or what it raised."""

    result: Any = None
    failure: Exception | None = None


def task(number: int, item: Any) -> Task:
    """Makes an item ready to be sent: its paths become absolute."""
    item = absolute(item)
    return Task(number, item, tuple(path for path in _paths(item) if path.exists()))


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


def work_on(work: Callable[[Any], Any], results: Path, sent: Task) -> None:
    """Does a piece of work and leaves its outcome in `results`; it never raises.

    A runner would do it again for ever. It may be done twice, with the same outcome. Where there
    is no such folder nothing is left, and whoever waits for the outcome says so.
    """
    if not results.is_dir():
        return
    try:
        _check_seen(sent)
        content = pickle.dumps(Outcome(work(sent.item)))
    except Exception as problem:  # it is raised where somebody can read it
        content = pickle.dumps(Outcome(failure=_portable(problem)))
    try:
        with atomic_path(outcome_path(results, sent.number)) as temporary:
            temporary.write_bytes(content)
    except OSError:
        return


def outcome_path(results: Path, number: int) -> Path:
    """Returns where the outcome of a piece of work lies."""
    return results / f"{number}.pickle"


def _check_seen(sent: Task) -> None:
    missing = [path for path in sent.seen if not path.exists()]
    if missing:
        raise UserError(
            f"the machine {platform.node() or 'of a worker'} does not see {missing[0]}; recordings "
            "and data.records must lie where all machines see them, under the same paths"
        )


def _portable(problem: Exception) -> Exception:
    """Returns an exception that can be sent; one that cannot becomes a sentence."""
    try:
        pickle.loads(pickle.dumps(problem))
    except Exception:  # pickling runs code of any kind
        return RuntimeError(f"{type(problem).__name__}: {problem}")
    return problem


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _paths(getattr(value, field.name))


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
