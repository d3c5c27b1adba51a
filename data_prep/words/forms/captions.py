"""Subtitles with spans `start --> end`: SubRip, WebVTT and YouTube's SBV.

Each is a cue, unless its words have times of their own: WebVTT's `<00:00:01.000>`, or Whisper's way
of underlining the word that is being said.
"""

import html
import re
from dataclasses import dataclass

from data_prep.words.forms.caption_text import spoken_lines
from data_prep.words.forms.document import Document, shown
from data_prep.words.forms.entry import SECONDS, Entry, Reading, entry
from data_prep.words.forms.moments import seconds
from data_prep.words.forms.pieces import joined
from llavataros_jax.errors import UserError

_CLOCK = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,6})?"
_SPAN = re.compile(rf"\s*({_CLOCK})\s*(?:-{{1,2}}>|,(?=\d+:\d+:))\s*({_CLOCK})(?:\s.*)?")
_INLINE = re.compile(rf"<({_CLOCK})>")
_TAG = re.compile(r"<[^<>]{0,200}>")
_UNDERLINED = re.compile(r"<u>(.+?)</u>", re.DOTALL)
_SHORTEST_SECONDS = 0.05  # YouTube repeats each line for 10 ms


@dataclass(frozen=True)
class _Caption:
    start: float
    end: float
    text: str


def has_captions(document: Document) -> bool:
    """Tells WebVTT by its head, and others by a span that stands in their first three lines."""
    if document.text.lstrip().startswith("WEBVTT"):
        return True
    return any(_SPAN.fullmatch(line) for _, line in document.lines[:3])


def read_captions(document: Document) -> Reading:
    """Reads captions.

    Raises:
        UserError: When there is an arrow between what are no times, or no caption at all.
    """
    captions = _captions(document)
    if not captions and not document.text.lstrip().startswith("WEBVTT"):
        raise UserError(
            f"{document.path} holds no captions, each with a line such as 00:00:00,100 --> "
            "00:00:00,500; export it again"
        )
    with_mark = [caption for caption in captions if _UNDERLINED.search(caption.text)]
    if 2 * len(with_mark) >= len(captions) > 1:
        return Reading(_underlined(with_mark), (SECONDS,), may_run_back=True)
    entries: list[Entry] = []
    previous: list[str] = []
    for caption in captions:
        raw = caption.text.split("\n")
        timed = [line for line in raw if _INLINE.search(line)]
        lines = spoken_lines(caption.text)
        if timed:
            entries += _inline("\n".join(timed), caption)
        else:
            # Captions that roll up show the line before again.
            is_repeated = bool(previous) and lines[:1] == previous[-1:]
            if is_repeated and (len(lines) > 1 or caption.end - caption.start < _SHORTEST_SECONDS):
                lines = lines[1:]
            if lines:
                text = " ".join(lines)
                entries.append(Entry(text, caption.start, caption.end, None, True, is_cue=True))
        previous = spoken_lines(caption.text) or previous
    return Reading(entries, (SECONDS,), may_run_back=True)


def _captions(document: Document) -> list[_Caption]:
    lines = document.text.split("\n")
    spans = [_SPAN.fullmatch(line) for line in lines]
    captions = []
    for place, line in enumerate(lines):
        span = spans[place]
        if span is None:
            if "-->" in line and any(character.isdigit() for character in line):
                raise UserError(
                    f"{document.path}: line {place + 1} is {shown(line)}, not two times such as "
                    "00:00:00,100 --> 00:00:00,500"
                )
            continue
        start, end = (seconds(clock) for clock in span.groups())
        assert start is not None
        assert end is not None
        texts = []
        for following in range(place + 1, len(lines)):
            if not lines[following].strip() or spans[following]:
                break
            texts.append(lines[following])
        is_followed = place + 1 + len(texts) < len(lines) and spans[place + 1 + len(texts)]
        if is_followed and texts and texts[-1].strip().isdigit():
            texts.pop()  # the next one's number, where no line between them is empty
        captions.append(_Caption(start, end, "\n".join(texts)))
    return captions


def _inline(text: str, caption: _Caption) -> list[Entry]:
    """Reads `hello <00:00:01.000>big`: each piece begins at the time before it."""
    first, *rest = _INLINE.split(text)
    times = [caption.start, *(seconds(clock) or 0.0 for clock in rest[::2]), caption.end]
    texts = [_plain(first), *(_plain(part) for part in rest[1::2])]
    pieces = [
        entry(piece, f"{start}s", f"{end}s")
        for piece, start, end in zip(texts, times[:-1], times[1:], strict=True)
    ]
    return [word for word in joined(pieces) if spoken_lines(word.text)]


def _plain(piece: str) -> str:
    """Drops tags, but neither the white space before nor that after a piece."""
    return html.unescape(_TAG.sub("", piece)).replace("\n", " ")


def _underlined(captions: list[_Caption]) -> list[Entry]:
    return [
        Entry(" ".join(spoken_lines(match[1])), caption.start, caption.end, None, True)
        for caption in captions
        if (match := _UNDERLINED.search(caption.text))
    ]
