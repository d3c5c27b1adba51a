"""Names in a sentence: the first few, and how many more there are."""

from collections.abc import Collection


def listed(names: Collection[str], most: int) -> str:
    """Joins at most `most` names by commas, as in `anna, ben and 3 more`."""
    first = ", ".join(list(names)[:most])
    more = len(names) - most
    return f"{first} and {more} more" if more > 0 else first
