"""`clips.tsv`: who speaks in which clip, in which take, and with whom."""

import csv
from dataclasses import dataclass
from pathlib import Path

from llavataros_jax.errors import UserError

FILE_NAME = "clips.tsv"
COLUMNS = ("name", "speaker", "take", "interlocutor")


@dataclass(frozen=True)
class TableRow:
    """One line of the table; what is left empty follows from names of files and folders.

    Attributes:
        name: Name of the clip.
        line: Number of the line, for messages.
        speaker: Name of the speaker.
        take: Name of the take.
        interlocutor: Name of the clip of the other speaker.
    """

    name: str
    line: int
    speaker: str | None = None
    take: str | None = None
    interlocutor: str | None = None


def read_clips_table(path: Path) -> dict[str, TableRow]:
    """Reads a table of tab-separated columns `name`, `speaker`, `take`, `interlocutor`.

    Only `name` must be there.

    Raises:
        UserError: When columns are unknown or missing, or a name is empty or there twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, delimiter="\t"))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise UserError(f"{path} is not a tab-separated table in UTF-8 ({problem})") from problem
    header = [column.strip() for column in lines[0]] if lines else []
    unknown = [column for column in header if column not in COLUMNS]
    if "name" not in header or unknown or len(set(header)) < len(header):
        raise UserError(
            f"{path} begins with the columns {', '.join(header) or '(none)'}; they must be "
            f"{', '.join(COLUMNS)}, separated by tabs, of which only name is required"
        )
    rows: dict[str, TableRow] = {}
    for number, cells in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header):
            raise UserError(f"{path}: line {number} has {len(cells)} cells, not {len(header)}")
        values = {key: cell.strip() for key, cell in zip(header, cells, strict=False)}
        if not values.get("name"):
            raise UserError(f"{path}: line {number} has no name; give the clip's")
        row = TableRow(line=number, **{key: value for key, value in values.items() if value})
        if row.name in rows:
            raise UserError(
                f"{path}: line {number} names clip {row.name!r} again, as line "
                f"{rows[row.name].line} does; remove one"
            )
        rows[row.name] = row
    return rows
