"""Gentle's JSON, in which words that were not found in the sound have no times."""

from data_prep.words.forms.document import Document, at, either, records
from data_prep.words.forms.entry import SECONDS, Reading, entry


def is_gentle(document: Document) -> bool:
    """Tells words of which each has a `case`."""
    words = records(at(document.tree, "words"))
    return bool(words) and all("case" in word for word in words)


def read_gentle(document: Document) -> Reading:
    """Reads the words as they are written in the transcript."""
    words = records(at(document.tree, "words"))
    return Reading(
        [
            entry(either(word, "word", "alignedWord"), word.get("start"), word.get("end"))
            for word in words
        ],
        (SECONDS,),
    )
