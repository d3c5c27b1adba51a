"""English pronunciations of words that a dictionary lacks, in the 39 phones of CMUdict.

A word is split at its digits, symbols and hyphens, and each piece is pronounced by the first of
these that applies: the dictionary; numbers in words; letter names for short capitals such as
"NBC"; a known stem with 's, s, ed, ing, er or ly; two known words written as one; letter-to-sound
rules. Rough is enough: an aligner only has to recognise the word where it must be.
"""

import itertools
import re
from collections.abc import Callable

from data_prep.words.numerals import spoken_number
from data_prep.words.spelling import latin_form

Lookup = Callable[[str], list[str]]

_MOST_PRONUNCIATIONS = 4
SYMBOLS = {
    "%": "percent", "&": "and", "@": "at", "+": "plus", "=": "equals", "$": "dollars",
    "€": "euros", "£": "pounds", "#": "number", "°": "degrees",
}  # fmt: skip
_SUFFIXES = {
    "'s": ("Z",), "s'": ("Z",), "s": ("Z", "S"), "es": ("IH Z",), "ed": ("D", "T", "IH D"),
    "ing": ("IH NG",), "er": ("ER",), "ers": ("ER Z",), "ly": ("L IY",), "n't": ("AH N T",),
}  # fmt: skip
_LETTER_NAMES = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY",
    "h": "EY CH", "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N",
    "o": "OW", "p": "P IY", "q": "K Y UW", "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW",
    "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S", "y": "W AY", "z": "Z IY",
}  # fmt: skip
_LONG_VOWELS = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}

# Spellings in the order in which they are tried at each place.
_SPELLINGS = [
    (re.compile(spelling), phones)
    for spelling, phones in [
        (r"tion", "SH AH N"), (r"sion", "ZH AH N"), (r"cious|tious", "SH AH S"),
        (r"eigh", "EY"), (r"igh", "AY"), (r"[ao]ugh", "AO"), (r"tch", "CH"), (r"dge", "JH"),
        (r"sch", "S K"), (r"^kn", "N"), (r"^wr", "R"), (r"^x", "Z"), (r"mb$", "M"),
        (r"le$", "AH L"), (r"es$", "IH Z"), (r"sh", "SH"), (r"ch", "CH"), (r"th", "TH"),
        (r"ph", "F"), (r"wh", "W"), (r"ck", "K"), (r"ng", "NG"), (r"qu", "K W"), (r"gh", "G"),
        (r"ee|ea|ie|ei", "IY"), (r"oo|ue|ui|eu|ew", "UW"), (r"ou|ow", "AW"), (r"oi|oy", "OY"),
        (r"oa|oe", "OW"), (r"ai|ay|ey", "EY"), (r"au|aw", "AO"), (r"ar", "AA R"),
        (r"or", "AO R"), (r"[eiu]r", "ER"), (r"([bdfglmnprstz])\1", ""), (r"cc", "K"),
        (r"c(?=[eiy])", "S"), (r"g(?=[ei])", "JH"), (r"y(?=[aeiou])", "Y"), (r"y$", "IY"),
        (r"(?<=[^aeiou])e$", ""), (r"a$", "AH"), (r"o$", "OW"), (r"i$", "IY"), (r"u$", "UW"),
        (r"a", "AE"), (r"b", "B"), (r"c", "K"), (r"d", "D"), (r"e", "EH"), (r"f", "F"),
        (r"g", "G"), (r"h", "HH"), (r"i", "IH"), (r"j", "JH"), (r"k", "K"), (r"l", "L"),
        (r"m", "M"), (r"n", "N"), (r"o", "AA"), (r"p", "P"), (r"q", "K"), (r"r", "R"),
        (r"s", "S"), (r"t", "T"), (r"u", "AH"), (r"v", "V"), (r"w", "W"), (r"x", "K S"),
        (r"y", "IH"), (r"z", "Z"),
    ]
]  # fmt: skip
_CONSONANTS = {
    spelling.pattern: phones for spelling, phones in _SPELLINGS if len(spelling.pattern) == 1
}


def pronunciations(text: str, lookup: Lookup) -> list[str]:
    """Finds pronunciations for a word as written, such as `90%`, `NBC` or `Obamacare's`.

    Returns an empty list when nothing in it can be spoken in English, such as another script.
    """
    plain = latin_form(text)
    for candidate in (plain, plain.strip("'-")):
        if found := lookup(candidate):
            return found[:_MOST_PRONUNCIATIONS]
    pieces = re.findall(r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?|[a-z]+(?:'[a-z]+)*'?|[^\w\s]", plain)
    if len(pieces) > 1 and pieces[0] in "$€£" and pieces[1][0].isdigit():
        pieces[:2] = pieces[1::-1]
    is_capitals = text.isupper() and 1 < len(plain) <= 5
    choices = [_pronounce_piece(piece, lookup, is_capitals) for piece in pieces]
    return _joined([choice for choice in choices if choice])


def letter_to_sound(word: str) -> str:
    """Pronounces a word of ASCII letters by the spelling rules."""
    if match := re.search(r"(?<![aeiou])([aeiouy])([bcdfgklmnpstvz])e$", word):
        # A silent e makes the vowel before it long, as in "brite".
        stem = _spelled(word[: match.start()])
        last = {"c": "S", "g": "JH"}.get(match[2]) or _CONSONANTS[match[2]]
        return " ".join(filter(None, [stem, _LONG_VOWELS[match[1]], last]))
    return _spelled(word)


def _spelled(word: str) -> str:
    place, phones = 0, []
    while place < len(word):
        matches = ((rule.match(word, place), sound) for rule, sound in _SPELLINGS)
        match, sound = next((found for found in matches if found[0]), (None, ""))
        phones.append(sound)
        is_doubled = match is not None and len(match.groups()) > 0  # only its second half sounds
        place = place + 1 if match is None or is_doubled else match.end()
    return " ".join(filter(None, phones))


def _pronounce_piece(piece: str, lookup: Lookup, is_capitals: bool) -> list[str]:
    if found := lookup(piece):
        return found
    if piece[0].isdigit():
        readings = spoken_number(piece)
        return [sound for reading in readings for sound in _joined([lookup(w) for w in reading])]
    if not piece[0].isalpha():
        return lookup(SYMBOLS[piece]) if piece in SYMBOLS else []
    by_letters = " ".join(_LETTER_NAMES[letter] for letter in piece if letter in _LETTER_NAMES)
    if is_capitals:
        return [by_letters, *_by_spelling(piece)]
    for suffix, sounds in _SUFFIXES.items():
        stem = piece.removesuffix(suffix)
        stems = (stem, f"{stem}e") if suffix in ("ed", "ing", "er", "ers") else (stem,)
        known = next(
            (found for s in stems if s != piece and len(s) > 1 and (found := lookup(s))), []
        )
        if known:
            return [f"{known[0]} {sound}" for sound in sounds]
    for split in range(len(piece) - 3, 2, -1):
        head, tail = lookup(piece[:split]), lookup(piece[split:])
        if head and tail:
            return [f"{head[0]} {tail[0]}"]
    return _by_spelling(piece)


def _by_spelling(piece: str) -> list[str]:
    sound = letter_to_sound(piece.replace("'", ""))
    return [sound] if sound else []


def _joined(choices: list[list[str]]) -> list[str]:
    if not choices or not all(choices):
        return []
    combinations = itertools.islice(itertools.product(*choices), _MOST_PRONUNCIATIONS)
    return [" ".join(combination) for combination in combinations]
