"""What labels mean that are no words."""

SILENCE_LABELS = {"", "<eps>", "eps", "sil", "<sil>", "sp", "<p:>", "<s>", "</s>", "[silence]"}
UNKNOWN_LABELS = {"spn", "<unk>", "<spn>", "[unk]"}
_SPOKEN_MARKS = "%&@+=$€£"


def is_spoken(token: str) -> bool:
    """Tells a token in which something is said from marks such as a dash."""
    return any(character.isalnum() or character in _SPOKEN_MARKS for character in token)
