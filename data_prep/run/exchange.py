"""The folder by which work goes to other machines and its outcomes come back.

`work.pickle` holds the function, `items.pickle` one item after another, `outcomes/` a file for each
that is done. So what is told to a runner is where an item begins, which is small, and whoever
waits holds one outcome at a time.
"""

import functools
import os
import pickle
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.run.shipping import absolute, paths_in
from llavataros_jax.atomic import atomic_path
from llavataros_jax.errors import UserError

_WORK, _ITEMS, _OUTCOMES = "work.pickle", "items.pickle", "outcomes"


@dataclass(frozen=True)
class Outcome:
    """What a piece of work returned, or what it raised."""

    result: Any = None
    failure: Exception | None = None


@dataclass(frozen=True)
class _Task:
    """One piece of work.

    Attributes:
        number: Which one it is.
        item: What to work on.
        seen: The files in it that this machine sees, so that others can say what they do not.
    """

    number: int
    item: Any
    seen: tuple[Path, ...]


def send(folder: Path, work: Callable[[Any], Any], items: Iterable[Any]) -> list[int]:
    """Writes the work into an empty folder and returns the place of each item, for `work_on`.

    Paths in what is sent become absolute: workers run in other folders than this process.
    """
    (folder / _OUTCOMES).mkdir()
    (folder / _WORK).write_bytes(pickle.dumps(absolute(work)))
    places = []
    with (folder / _ITEMS).open("wb") as file:
        for number, item in enumerate(items):
            places.append(file.tell())
            sent = absolute(item)
            seen = tuple(path for path in paths_in(sent) if path.exists())
            file.write(pickle.dumps(_Task(number, sent, seen)))
    return places


def work_on(folder: Path, place: int) -> None:
    """Does a piece of work on some machine and leaves its outcome in the folder.

    What the work raises is an outcome too: a runner would do it again and again. It may be done
    twice, with the same outcome.

    Raises:
        UserError: When this machine does not see the folder, or cannot write to it.
    """
    try:
        with (folder / _ITEMS).open("rb") as file:
            file.seek(place)
            task: _Task = pickle.load(file)
    except OSError as problem:
        raise UserError(
            f"the machine {_machine()} does not see {folder}; data.records must be a folder that "
            "all machines see under the same path"
        ) from problem
    try:
        _check_seen(task)
        content = pickle.dumps(Outcome(_work_in(folder)(task.item)))
    except Exception as problem:  # it is raised where somebody can read it
        content = pickle.dumps(Outcome(failure=_portable(problem)))
    try:
        os.stat(_outcomes(folder))  # it has gone when nobody waits any more, and is not made anew
        with atomic_path(_outcomes(folder) / f"{task.number}.pickle") as temporary:
            temporary.write_bytes(content)
    except OSError as problem:
        raise UserError(
            f"the machine {_machine()} cannot write to {folder} ({problem}); data.records must be "
            "a folder that all machines can write to, as the same user"
        ) from problem


def collect(folder: Path) -> Iterator[tuple[int, Outcome]]:
    """Yields the number and the outcome of what was done since the last look, and removes it."""
    for name in os.listdir(_outcomes(folder)):
        if name.startswith("."):  # half-written
            continue
        path = _outcomes(folder) / name
        outcome: Outcome = pickle.loads(path.read_bytes())
        path.unlink()
        yield int(path.stem), outcome


@functools.lru_cache(maxsize=1)
def _work_in(folder: Path) -> Callable[[Any], Any]:
    return pickle.loads((folder / _WORK).read_bytes())


def _outcomes(folder: Path) -> Path:
    return folder / _OUTCOMES


def _machine() -> str:
    return platform.node() or "of a worker"


def _check_seen(task: _Task) -> None:
    missing = [path for path in task.seen if not path.exists()]
    if missing:
        raise UserError(
            f"the machine {_machine()} does not see {missing[0]}; recordings and data.records must "
            "lie where all machines see them, under the same paths"
        )


def _portable(problem: Exception) -> Exception:
    """Returns an exception that can be sent; one that cannot becomes a sentence."""
    try:
        pickle.loads(pickle.dumps(problem))
    except Exception:  # pickling runs code of any kind
        return RuntimeError(f"{type(problem).__name__}: {problem}")
    return problem
