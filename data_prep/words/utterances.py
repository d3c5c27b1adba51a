"""Where a speaker's utterances begin."""

from collections.abc import Sequence

from data_prep.words.word import Word

PAUSE_SECONDS = 1.0
_CLOSING = "\"'”’»)]」』"
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "।", "؟", "։", "።")


def utterance_starts(words: Sequence[Word]) -> list[int]:
    """Returns the first word of each utterance: one begins after a sentence's end or a pause.

    Transcripts without punctuation are divided by pauses of a second alone. A dot that ends an
    abbreviation ("Dr.") divides too: the two parts merely do not know of each other.
    """
    return [
        row
        for row, word in enumerate(words)
        if row == 0
        or word.start_seconds - words[row - 1].end_seconds >= PAUSE_SECONDS
        or words[row - 1].text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)
    ]
