"""How a word is written for those who compare words: each asks for another form.

Word vectors and MFA's dictionaries keep every script and every accent; an English dictionary knows
neither. What is stripped decides which words count as the same, so trained models depend on it.
"""

import unicodedata

from data_prep.words.word import UNKNOWN

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})
_AROUND_LATIN = '.,;:!?"()[]{}<>…“”„«»¿¡*_~`^|\\'
_LATIN = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "th", "þ": "th", "ł": "l", "ı": "i"}
)
_SENTENCE_MARKS = str.maketrans("", "", ",.!?")


def vector_form(word: str) -> str:
    """Returns the form that hashed vectors are drawn for: lower case, no marks around it.

    Trained models know words by it: it must stay as it is to the last character. `<unk>` stays.
    """
    text = unicodedata.normalize("NFC", word.strip().lower()).replace("’", "'")
    return text if text == UNKNOWN else _core(text)


def bare_form(word: str) -> str:
    """Returns a word as MFA is told it and as transcripts are compared: no marks around it.

    All apostrophes are the one that dictionaries have.
    """
    return _core(unicodedata.normalize("NFC", word).translate(_APOSTROPHES)).lower()


def latin_form(word: str) -> str:
    """Returns the form that an English dictionary has: ASCII, without marks around the word."""
    word = word.replace("’", "'").lower().translate(_LATIN)
    decomposed = unicodedata.normalize("NFKD", word)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return plain.strip(_AROUND_LATIN)


def letters(text: str) -> str:
    """Returns letters and digits alone, to compare words that were split or joined on the way."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if _is_spoken(character))


def without_sentence_marks(line: str) -> str:
    """Drops `, . ! ?`, which the tables of GENEA have among their words."""
    return line.translate(_SENTENCE_MARKS)


def _core(text: str) -> str:
    """Strips what is not spoken from both ends."""
    spoken = [place for place, character in enumerate(text) if _is_spoken(character)]
    return text[spoken[0] : spoken[-1] + 1] if spoken else ""


def _is_spoken(character: str) -> bool:
    """Tells letters, digits and the marks on letters, which in some scripts are the vowels."""
    return unicodedata.category(character)[0] in "LMN"
