"""The commands of a page of the documentation, run one after another as its reader would."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.backend import ROOT

_BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def commands_of(page: str) -> list[list[str]]:
    """Returns the words of every line in the shell blocks of a page in `docs`."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    lines = "\n".join(_BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def run_page(
    page: str,
    command: Callable[..., str],
    *,
    more: Mapping[str, Sequence[str]],
    elsewhere: Mapping[str, Callable[[list[str]], None]],
) -> dict[str, str]:
    """Runs the program's commands in the order of the page; returns what each line printed.

    Args:
        page: Its name in `docs`.
        command: Runs a command of the program here, and fails if it does not end well.
        more: Words that are put behind a command of that name, to make it short.
        elsewhere: What is done with the lines of other programs, and of commands that do not end.

    Raises:
        AssertionError: When a line is of a program that nobody looks after.
    """
    printed = {}
    for words in commands_of(page):
        program, *rest = words
        name = rest[0] if program == "llavataros" else program
        if name in elsewhere:
            elsewhere[name](words)
            continue
        assert program == "llavataros", words
        printed[" ".join(words)] = command(*rest, *more.get(name, ()))
    return printed


def copied(names: Mapping[str, str], folder: Path) -> None:
    """Puts files of the bundled corpus where a page expects the reader's own."""
    for source, place in names.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / "corpus" / source).read_bytes())
