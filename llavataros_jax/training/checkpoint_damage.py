"""Whether the files of a checkpoint are all there and as long as they must be.

Orbax reads all arrays at the same time and leaves a traceback for each that fails, so damage is
looked for first, one value after another.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import tensorstore


def damage_of(step_folder: Path, parts: Iterable[str]) -> str | None:
    """Says what is wrong with the parts (such as `params`) of a step's folder, if anything is."""
    for part in parts:
        folder = step_folder / part
        if not folder.is_dir():
            return f"its part {part} is missing"
        if not (folder / "_METADATA").is_file():
            return f"{part}/_METADATA is missing"
        if reason := damage_of_json(folder / "_METADATA"):
            return reason
        try:
            store = tensorstore.KvStore.open(
                {"driver": "ocdbt", "base": {"driver": "file", "path": f"{folder}/"}}
            ).result()
            names = store.list().result()
            for name in names:
                store.read(name).result()
        except (ValueError, OSError) as problem:
            return f"{part} cannot be read: {first_line(problem)}"
        if not names:
            return f"{part} holds no arrays"
    return None


def damage_of_json(path: Path) -> str | None:
    """Says whether a file of JSON is damaged; one that is not there is not."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return f"{path.parent.name}/{path.name} is damaged"
    return None


def first_line(problem: BaseException) -> str:
    """Returns the first words of what a library complains about."""
    return next(iter(str(problem).strip().splitlines()), "no reason given")[:200]
