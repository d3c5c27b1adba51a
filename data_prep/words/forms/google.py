"""The JSON of Google's Speech-to-Text, of its REST interface and of its libraries."""

from typing import Any

from data_prep.words.forms.document import Document, at, either, records
from data_prep.words.forms.entry import SECONDS, Entry, Reading, entry

_START = ("startTime", "start_time", "startOffset", "start_offset")
_END = ("endTime", "end_time", "endOffset", "end_offset")
_SPEAKER = ("speakerTag", "speaker_tag", "speakerLabel", "speaker_label")


def is_google(document: Document) -> bool:
    """Tells results with alternatives, also of a long-running operation."""
    return any(_has_times(alternative) for alternative in _alternatives(document.tree))


def read_google(document: Document) -> Reading:
    """Reads the words of the best alternatives.

    With speakers told apart, the last result repeats the words of all; then it alone is read.
    """
    results = [records(found.get("words")) for found in _alternatives(document.tree)]
    if len(results) > 1 and results[-1] and all(either(w, *_SPEAKER) for w in results[-1]):
        first, last = _word(results[-1][0]), [_word(word) for part in results[:-1] for word in part]
        ends = [word.end for word in last if word.end is not None]
        if ends and first.start is not None and first.start < max(ends):
            results = results[-1:]
    return Reading([_word(word) for part in results for word in part], (SECONDS,))


def _word(word: dict[str, Any]) -> Entry:
    start = either(word, *_START)
    # A time of zero is left out by some of its libraries.
    start = "0s" if start is None and either(word, *_END) is not None else start
    return entry(word.get("word"), start, either(word, *_END), confidence=word.get("confidence"))


def _alternatives(tree: Any) -> list[dict[str, Any]]:
    """Returns the best alternative of each result, wherever they lie."""
    for part in (tree, at(tree, "response"), at(tree, "result")):
        if found := records(at(part, "results")) or _batch(part):
            best = [at(result, "alternatives", 0) for result in found]
            return records(best)
    # A stream's responses, one for each phrase.
    found = [result for part in records(tree) for result in records(part.get("results"))]
    return records([at(result, "alternatives", 0) for result in found])


def _batch(part: Any) -> list[dict[str, Any]]:
    """Returns the results of a batch in version 2, which are kept by the name of the file."""
    by_file = at(part, "results")
    inner = list(by_file.values()) if isinstance(by_file, dict) else []
    return [
        result
        for file in records(inner)
        for result in records(
            at(file, "transcript", "results") or at(file, "inlineResult", "transcript", "results")
        )
    ]


def _has_times(alternative: dict[str, Any]) -> bool:
    words = records(alternative.get("words"))
    return any(either(word, *_START, *_END) is not None for word in words)
