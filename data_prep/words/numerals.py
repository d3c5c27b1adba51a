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
_LARGEST = 10**12


def spoken_number(digits: str) -> list[list[str]]:
    """Returns the ways in which a number such as `1,250`, `3.5`, `21st` or `1999` may be said."""
    plain = digits.replace(",", "")
    if plain[-2:] in ("st", "nd", "rd", "th"):
        words = cardinal(int(plain[:-2]) % _LARGEST)
        return [[*words[:-1], ordinal(words[-1])]]
    whole, point, fraction = plain.partition(".")
    one_by_one = [_ONES[int(digit)] for digit in whole]
    if point:
        return [[*cardinal(int(whole) % _LARGEST), "point", *(_ONES[int(d)] for d in fraction)]]
    value = int(whole)
    if value >= _LARGEST or (len(whole) > 1 and whole[0] == "0"):
        return [one_by_one]
    readings = [cardinal(value)]
    if digits == whole and len(whole) == 4 and 1100 <= value < 2100 and value % 1000 >= 10:
        hundreds, rest = divmod(value, 100)
        tail = ["hundred"] if not rest else ["oh"] * (rest < 10) + cardinal(rest)
        readings.insert(0, cardinal(hundreds) + tail)
    if digits == whole and len(whole) > 2:
        readings.append(one_by_one)
    return readings


def cardinal(value: int) -> list[str]:
    """Spells a whole number from 0 to a trillion in words, without `and`."""
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
