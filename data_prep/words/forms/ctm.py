"""NIST's CTM of words and STM of phrases, which Kaldi, NeMo and others write."""

import re

from data_prep.words.forms.document import Document, shown
from data_prep.words.forms.entry import SECONDS, Entry, Reading
from data_prep.words.forms.moments import number
from llavataros_jax.errors import UserError

_CHANNEL = re.compile(r"[A-Za-z0-9]{1,2}")
_LABEL = re.compile(r"<[^<>\s]*>")
_UNSPOKEN = "ignore_time_segment_in_scoring"

Row = tuple[str, Entry]  # utterance and word


def is_ctm(document: Document) -> bool:
    """Tells `utterance channel start duration word` by the first line."""
    fields = _first(document)
    if len(fields) < 5 or not _CHANNEL.fullmatch(fields[1]) or not _are_numbers(fields[2:4]):
        return False
    return document.path.suffix.lower() == ".ctm" or number(fields[0]) is None


def read_ctm(document: Document) -> Reading:
    """Reads `utterance channel start duration word [confidence]` of one utterance.

    A file of several utterances must hold one that is named like the file.

    Raises:
        UserError: When a line is something else or it is not clear which utterance it is.
    """
    rows: list[Row] = []
    for place, line in _lines(document):
        fields = line.split()
        start, duration = (number(field) for field in [*fields[2:4], "", ""][:2])
        if start is None or duration is None or len(fields) < 5:
            raise UserError(
                f"{document.path}: line {place} is {shown(line)}, not utterance, channel, start, "
                "duration, word"
            )
        confidence = number(fields[5]) if len(fields) > 5 else None
        share = confidence if confidence is not None and 0 <= confidence <= 1 else None
        rows.append((fields[0], Entry(fields[4], start, start + duration, share)))
    return Reading(_of_one_utterance(rows, document), (SECONDS,))


def is_stm(document: Document) -> bool:
    """Tells `recording channel speaker start end text` by the first line."""
    fields = _first(document)
    return len(fields) > 5 and number(fields[2]) is None and _are_numbers(fields[3:5])


def read_stm(document: Document) -> Reading:
    """Reads `recording channel speaker start end <label> text`, whose phrases are cues.

    Raises:
        UserError: When a line is something else or it is not clear which recording it is.
    """
    rows: list[Row] = []
    own: list[Row] = []
    for place, line in _lines(document):
        fields = line.split()
        start, end = (number(field) for field in [*fields[3:5], "", ""][:2])
        if start is None or end is None:
            raise UserError(
                f"{document.path}: line {place} is {shown(line)}, not recording, channel, "
                "speaker, start, end, text"
            )
        texts = [field for field in fields[5:] if not _LABEL.fullmatch(field)]
        row = fields[0], Entry(" ".join(texts), start, end, is_cue=True)
        if texts and texts[0].lower() != _UNSPOKEN:
            rows.append(row)
            own += [row] if fields[2] in (document.tier, document.speaker) else []
    return Reading(_of_one_utterance(own or rows, document), (SECONDS,), may_run_back=True)


def _of_one_utterance(rows: list[Row], document: Document) -> list[Entry]:
    path, utterances = document.path, {name for name, _ in rows}
    if len(utterances) > 1:
        if path.stem not in utterances:
            raise UserError(
                f"{path} holds {len(utterances)} utterances and none is called {path.stem}; "
                "give each recording a file of its own"
            )
        rows = [row for row in rows if row[0] == path.stem]
    return [found for _, found in rows]


def _lines(document: Document) -> list[tuple[int, str]]:
    return [(place, line) for place, line in document.lines if not line.startswith((";;", "##"))]


def _first(document: Document) -> list[str]:
    lines = _lines(document)
    return lines[0][1].split() if lines else []


def _are_numbers(fields: list[str]) -> bool:
    return len(fields) == 2 and all(number(field) is not None for field in fields)
