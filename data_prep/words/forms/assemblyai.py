"""AssemblyAI's JSON: words with times in milliseconds."""

from data_prep.words.forms.document import Document, at, records
from data_prep.words.forms.entry import MILLISECONDS_FIRST, Reading
from data_prep.words.forms.plain_json import word_entry

_MARKS = {"audio_duration", "language_model", "acoustic_model", "audio_url", "speech_model"}


def is_assemblyai(document: Document) -> bool:
    """Tells an object of words that says which model heard them or where the sound lies."""
    tree = document.tree
    if not isinstance(tree, dict) or _MARKS.isdisjoint(tree):
        return False
    return isinstance(tree.get("words"), list)


def read_assemblyai(document: Document) -> Reading:
    """Reads the words of all speakers."""
    words = records(at(document.tree, "words"))
    return Reading([word_entry(word) for word in words], MILLISECONDS_FIRST)
