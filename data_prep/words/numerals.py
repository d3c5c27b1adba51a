"""English numbers in words, as people say them."""

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
_TENS = [
    "zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"
]  # fmt: skip
_SCALES = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (10**2, "hundred"))
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_MOST_DIGITS = 12  # longer numbers are read digit by digit


def spoken_number(digits: str) -> list[list[str]]:
    """Returns the ways in which a number such as `1,250`, `3.5`, `21st` or `1999` may be said.

    Fractions may be ordinals too: `97.5th` is "ninety seven point fifth".
    """
    plain = digits.replace(",", "")
    if plain[-2:] in ("st", "nd", "rd", "th"):
        whole, point, fraction = plain[:-2].partition(".")
        words = _whole(whole) + (["point", *_one_by_one(fraction)] if point else [])
        return [[*words[:-1], ordinal(words[-1])]]
    whole, point, fraction = plain.partition(".")
    if point:
        return [[*_whole(whole), "point", *_one_by_one(fraction)]]
    if len(whole) > _MOST_DIGITS or (len(whole) > 1 and int(whole[0]) == 0):
        return [_one_by_one(whole)]
    value = int(whole)
    readings = [cardinal(value)]
    if digits == whole and len(whole) == 4 and 1100 <= value < 2100 and value % 1000 >= 10:
        hundreds, rest = divmod(value, 100)
        tail = ["hundred"] if not rest else ["oh"] * (rest < 10) + cardinal(rest)
        readings.insert(0, cardinal(hundreds) + tail)
    if digits == whole and len(whole) > 2:
        readings.append(_one_by_one(whole))
    return readings


def _whole(digits: str) -> list[str]:
    """Spells a whole number; one that has no name digit by digit."""
    return cardinal(int(digits)) if len(digits) <= _MOST_DIGITS else _one_by_one(digits)


def _one_by_one(digits: str) -> list[str]:
    return [_ONES[int(digit)] for digit in digits]


def cardinal(value: int) -> list[str]:
    """Spells a whole number below a trillion in words, without `and`."""
    if value < 20:
        return [_ONES[value]]
    if value < 100:
        tens, ones = divmod(value, 10)
        return [_TENS[tens], *([_ONES[ones]] if ones else [])]
    size, name = next((size, name) for size, name in _SCALES if value >= size)
    count, rest = divmod(value, size)
    return [*cardinal(count), name, *(cardinal(rest) if rest else [])]


def ordinal(word: str) -> str:
    """Turns the last word of a cardinal into an ordinal: `twenty` into `twentieth`."""
    if word in _ORDINALS:
        return _ORDINALS[word]
    return f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th"
