"""What each seed holds out: the config's own clips, or takes in turn where those are few.

Two clips tell little about a variant, however many networks move to them. Where the config holds
out fewer than `ENOUGH_CLIPS`, each further seed therefore holds out another part of the takes, and
an interval is over all clips of the corpus (cross-validation, one part for each seed). It costs no
training more, needs no synthesiser that makes more of the corpus, and serves recordings of people
just as well.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llavataros_jax.data.manifest import Manifest
from llavataros_jax.errors import UserError

ENOUGH_CLIPS = 8
PARTS = 4


@dataclass(frozen=True)
class Part:
    """One division of the takes.

    Attributes:
        records: Folder of records.
        overrides: Options of preparation and training.
    """

    records: Path
    overrides: tuple[str, ...]


def choose_parts(manifest: Manifest, asked: int | None) -> int:
    """Returns in how many parts takes are held out in turn; 1 leaves it to the config.

    Args:
        manifest: Of the config's own records.
        asked: What the user asked for, if anything.

    Raises:
        UserError: When there are too few takes for what was asked for, or takes are not whole.
    """
    if asked is not None and asked < 1:
        raise UserError(f"--parts is {asked}, but must be 1 or more")
    if asked == 1:
        return 1
    takes, held_out = takes_of(manifest)
    others = len(takes) - len(held_out)
    is_whole = not held_out & {clip.take for clip in manifest.clips_of("train")}
    if asked is None:
        few = len(manifest.clips_of("validation")) < ENOUGH_CLIPS
        return PARTS if few and is_whole and held_out and others >= 2 * PARTS else 1
    if not is_whole:
        raise UserError(
            f"--parts {asked} holds out whole takes in turn, but these records hold out the end of "
            "each take; set data.holdout=takes or leave --parts out"
        )
    if others < asked - 1 or len(takes) < 2:
        raise UserError(
            f"--parts {asked} needs {asked - 1} takes besides those that the config holds out, but "
            f"there are {others}; ask for fewer parts"
        )
    return asked


def divide(manifest: Manifest, count: int, *, own: Path, out: Path) -> tuple[Part, ...]:
    """Returns the parts: first the config's own, then the other takes, dealt out by name.

    Args:
        manifest: Of the config's own records.
        count: Number of parts.
        own: The config's own records.
        out: Folder for the records of the others.
    """
    takes, held_out = takes_of(manifest)
    others = sorted(takes - held_out)
    parts = [Part(own, (option("data.records", own),))]
    for number in range(count - 1):
        records = out / f"records_{number + 2}"
        parts.append(
            Part(records, (option("data.records", records), *_holding(others[number :: count - 1])))
        )
    return tuple(parts)


def takes_of(manifest: Manifest) -> tuple[set[str], set[str]]:
    """Returns the names of all takes, and of those that are held out, wholly or in part."""
    return (
        {clip.take for clip in manifest.clips},
        {clip.take for clip in manifest.clips_of("validation")},
    )


def share_stages(parts: Sequence[Part], cache: str) -> None:
    """Lets the other parts find the stages of clips that the first has computed."""
    first = (parts[0].records / cache).resolve()
    for part in parts[1:]:
        part.records.mkdir(parents=True, exist_ok=True)
        link = part.records / cache
        if link.exists():
            continue
        link.unlink(missing_ok=True)  # of a folder that has moved
        link.symlink_to(first, target_is_directory=True)


def _holding(takes: Sequence[str]) -> tuple[str, ...]:
    return ("data.holdout=takes", option("data.holdout_takes", takes))


def option(name: str, value: Path | Sequence[str]) -> str:
    """Returns an override whose value YAML reads as it is, whatever signs are in it."""
    plain = str(value) if isinstance(value, Path) else list(value)
    return f"{name}={json.dumps(plain, ensure_ascii=False)}"
