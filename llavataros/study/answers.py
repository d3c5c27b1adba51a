"""What people answered: the rows of the page's CSV files, checked one by one."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llavataros_jax.errors import UserError

# The page writes these, in this order.
COLUMNS = (
    *("study", "kind", "participant", "trial", "clip", "left", "right", "left_speech"),
    *("right_speech", "answer", "seconds", "attention", "passed", "user_agent", "answered_at"),
)
KINDS = ("preference", "matching")
LEFT, TIE, RIGHT = ANSWERS = ("left", "tie", "right")


@dataclass(frozen=True)
class Answer:
    """One row.

    Attributes:
        study: Which study, as its page knows it.
        kind: `preference` or `matching`.
        participant: Who answered.
        clip: Whose motion was seen.
        left: System of the left film, A.
        right: System of the right film, B.
        left_speech: Clip whose speech was heard with the left film.
        right_speech: The same of the right film.
        answer: `left`, `tie` or `right`.
        seconds: From the films' appearance to the answer.
        attention: What an attention check asked for, else empty.
    """

    study: str
    kind: str
    participant: str
    clip: str
    left: str
    right: str
    left_speech: str
    right_speech: str
    answer: str
    seconds: float
    attention: str

    @property
    def failed(self) -> bool:
        """Whether this is an attention check that was answered otherwise."""
        return bool(self.attention) and self.answer != self.attention

    @property
    def shown(self) -> tuple[str, ...]:
        """What a participant is asked once, whichever side it was on."""
        films = sorted([(self.left, self.left_speech), (self.right, self.right_speech)])
        return (self.attention, self.clip, *films[0], *films[1])


def read_answers(paths: Sequence[Path]) -> tuple[list[Answer], list[str]]:
    """Reads CSV files and folders of them.

    Returns:
        The answers, and notes: who handed in the same answers twice.

    Raises:
        UserError: A file is missing, empty or no study's, a row is malformed, or the files are of
            different studies.
    """
    answers: list[Answer] = []
    notes: list[str] = []
    seen: dict[tuple[str, ...], tuple[Answer, Path]] = {}
    first: tuple[Answer, Path] | None = None
    for path in _files(paths):
        repeated: set[str] = set()
        for number, answer in _rows(path):
            first = first or (answer, path)
            if (answer.study, answer.kind) != (first[0].study, first[0].kind):
                raise UserError(
                    f"{path}: line {number} is of the {answer.kind} study {answer.study}, but "
                    f"{first[1]} is of the {first[0].kind} study {first[0].study}; analyse each "
                    "study alone"
                )
            key = (answer.participant, *answer.shown)
            if key not in seen:
                seen[key] = (answer, path)
                answers.append(answer)
            elif seen[key] == (answer, path) or seen[key][0] != answer:
                raise UserError(
                    f"{path}: line {number} is a second answer of {answer.participant} to the "
                    f"films of {answer.clip} that {seen[key][1]} has too; keep one of them, or "
                    "name the participants apart"
                )
            else:
                repeated.add(answer.participant)
        notes += [f"{path} repeats the answers of {who}, counted once" for who in sorted(repeated)]
    return answers, notes


def without_inattentive(
    answers: Iterable[Answer], *, most_failures: int
) -> tuple[list[Answer], dict[str, tuple[int, int]]]:
    """Drops who failed more attention checks than allowed, and the checks themselves.

    Returns:
        The judgements of all others, and who was dropped: checks failed, and checks seen.
    """
    answers = list(answers)
    checks: dict[str, list[bool]] = {}
    for answer in answers:
        if answer.attention:
            checks.setdefault(answer.participant, []).append(answer.failed)
    dropped = {
        who: (sum(failed), len(failed))
        for who, failed in sorted(checks.items())
        if sum(failed) > most_failures
    }
    kept = [row for row in answers if not row.attention and row.participant not in dropped]
    return kept, dropped


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() == ".csv")
            if not inside:
                raise UserError(f"{path} holds no .csv file; give the folder of participants' CSVs")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"{path}: there is no such file or folder of participants' CSVs")
    return list(dict.fromkeys(found))


def _rows(path: Path) -> Iterable[tuple[int, Answer]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UserError(f"{path} is no text in UTF-8; give the CSV as the page wrote it") from (
            problem
        )
    header = text.partition("\n")[0]
    # Some spreadsheets save with semicolons where the comma is for decimals.
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = next(reader, [])
    if not names:
        raise UserError(f"{path} is empty; ask the participant to download the answers again")
    if lacking := [name for name in COLUMNS if name not in names]:
        raise UserError(
            f"{path} is no CSV of a study's page: it has no column {', '.join(lacking)}; leave it "
            "out, or give the file as the page wrote it"
        )
    count = 0
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if len(cells) != len(names):
            raise UserError(
                f"{path}: line {reader.line_num} has {len(cells)} values for {len(names)} columns; "
                "repair or remove the line"
            )
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
        if problem := _problem(row):
            raise UserError(f"{path}: line {reader.line_num} {problem}; repair or remove the line")
        yield reader.line_num, _answer(row)
    if not count:
        raise UserError(f"{path} holds no answers below its header; remove it")


def _problem(row: dict[str, str]) -> str:
    """Says what is wrong with a row, or nothing."""
    for name in ("study", "participant", "clip", "left", "right", "left_speech", "right_speech"):
        if not row[name]:
            return f"has no {name}"
    if row["kind"] not in KINDS:
        return f"has the kind {row['kind']!r}, which is none of {', '.join(KINDS)}"
    if row["answer"] not in ANSWERS:
        return f"has the answer {row['answer']!r}, which is none of {', '.join(ANSWERS)}"
    if row["attention"] not in ("", *ANSWERS):
        return (
            f"has the attention check {row['attention']!r}, which is none of {', '.join(ANSWERS)}"
        )
    try:
        seconds = float(row["seconds"].replace(",", "."))
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        return f"has {row['seconds']!r} as seconds, where a number from 0 on is needed"
    right = {"": "", row["answer"]: "1"}.get(row["attention"], "0")
    if row["passed"] != right:
        return (
            f"has passed={row['passed']!r}, but the answer {row['answer']} to the attention check "
            f"{row['attention']!r} makes it {right!r}"
        )
    if row["attention"]:
        return ""
    if row["kind"] == "preference" and row["left"] == row["right"]:
        return f"compares {row['left']} with itself"
    if row["kind"] == "matching":
        if row["left"] != row["right"]:
            return f"shows {row['left']} beside {row['right']}, where matching has one system"
        if (row["left_speech"] == row["clip"]) == (row["right_speech"] == row["clip"]):
            return "does not have its own speech on exactly one side"
    return ""


def _answer(row: dict[str, str]) -> Answer:
    fields = {name: row[name] for name in Answer.__dataclass_fields__ if name != "seconds"}
    return Answer(**fields, seconds=float(row["seconds"].replace(",", ".")))
