"""Word errors: what a transcript has wrong beside another that is right."""

from collections.abc import Sequence

from data_prep.words.spelling import latin_form


def compared_words(text: str) -> list[str]:
    """Returns the words of a text as transcripts are compared: lower case, without marks."""
    spaced = text.replace("-", " ").replace("—", " ")
    return [plain for word in spaced.split() if (plain := latin_form(word))]


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Returns the fewest words to replace, leave out or add that make one text of the other."""
    previous = list(range(len(heard) + 1))
    for number, word in enumerate(reference, 1):
        row = [number]
        for place, other in enumerate(heard, 1):
            changed = previous[place - 1] + (word != other)
            row.append(min(changed, previous[place] + 1, row[-1] + 1))
        previous = row
    return previous[-1]
