"""The words of a TextGrid."""

import re
from pathlib import Path

from data_prep.words.tiers import Tier, read_tiers
from data_prep.words.word import UNKNOWN, Word, share_interval
from llavataros_jax.errors import UserError

SILENCE_LABELS = {"", "<eps>", "eps", "sil", "<sil>", "sp", "<p:>", "<s>", "</s>", "[silence]"}
UNKNOWN_LABELS = {"spn", "<unk>", "<spn>", "[unk]"}

# MFA, Gentle and most people call the tier `words`, also after a speaker; WebMAUS calls it ORT-MAU.
_WORDS, _PARTS = ("words", "word"), {"words", "word", "ort"}


def read_textgrid(path: Path) -> list[Word]:
    """Reads the tier of words of a TextGrid; silence is left out, `spn` becomes `<unk>`.

    Raises:
        UserError: When the file is malformed or cut short, or it is not clear which tier has the
            words.
    """
    tiers = read_tiers(path)
    matching = [tier for tier in tiers if tier.name.strip().casefold() in _WORDS]
    matching = matching or [tier for tier in tiers if _is_of_words(tier.name)]
    if not matching:
        listed = ", ".join(tier.name for tier in tiers) or "none"
        raise UserError(
            f"{path} needs a tier called words, but its tiers are: {listed}; rename one"
        )
    held = [(tier, _words(tier, path)) for tier in matching]
    # Of two speakers, the one who says nothing has a tier too.
    spoken = [(tier, words) for tier, words in held if words] or held[:1]
    if len(spoken) > 1:
        listed = ", ".join(tier.name for tier, _ in spoken)
        raise UserError(
            f"{path} has words in {len(spoken)} tiers: {listed}; keep that of the recording's "
            "speaker and remove or rename the others"
        )
    return spoken[0][1]


def words_of_label(label: str, start_seconds: float, end_seconds: float) -> list[Word]:
    """Turns one labelled interval into words: none for silence, several share it equally."""
    label = label.strip()
    if label.lower() in SILENCE_LABELS:
        return []
    if label.lower() in UNKNOWN_LABELS:
        return [Word(UNKNOWN, start_seconds, end_seconds)]
    return share_interval(label.split(), start_seconds, end_seconds)


def _is_of_words(name: str) -> bool:
    """Tells `anna - words`, `Words_1` and `ORT-MAU` from other names."""
    return not _PARTS.isdisjoint(re.split(r"[\W_\d]+", name.casefold()))


def _words(tier: Tier, path: Path) -> list[Word]:
    if tier.intervals is None:
        raise UserError(f"{path}: tier {tier.name} holds points; words need intervals")
    words = []
    for interval in tier.intervals:
        words += words_of_label(interval.label, interval.start, interval.end)
    return words
