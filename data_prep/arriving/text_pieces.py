"""Text that arrives in pieces, which may cut a word in half, becomes words."""

import re

from data_prep.arriving.spoken import LONGEST_WORD, check_texts, written
from data_prep.words.labels import is_spoken

# Marks of scripts that are written without spaces, behind which a word is over.
_WORD = re.compile(r"\s+|(?<=[。！？、，；：])")


class TextPieces:
    """Joins pieces to words; only white space, or such a mark, or the end completes one."""

    def __init__(self):
        """Begins a text."""
        self._open = ""

    def add(self, text: str, waiting: int) -> list[str]:
        """Returns the words that a piece completes.

        Args:
            text: The piece.
            waiting: Words that wait for their sound already.

        Raises:
            UserError: When a word is too long, or too many wait.
        """
        *whole, rest = _WORD.split(self._open + written(text))
        words = _with_marks(whole)
        check_texts([*words, rest[: LONGEST_WORD + 1]] if rest else words, waiting)
        self._open = rest
        return words

    def finish(self) -> list[str]:
        """Returns the last word, as nothing follows."""
        rest, self._open = self._open, ""
        return _with_marks([rest])


def _with_marks(tokens: list[str]) -> list[str]:
    """Leaves out what is not spoken, such as a dash by itself."""
    return [token for token in tokens if token and is_spoken(token)]
