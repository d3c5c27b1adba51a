"""Which of a file's tiers has the words of the recording's speaker."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data_prep.words.forms.document import Document
from data_prep.words.forms.entry import Entry
from data_prep.words.labels import SILENCE_LABELS
from llavataros_jax.errors import UserError
from llavataros_jax.listing import listed

# MFA, Gentle and most people call the tier `words`, also after a speaker; WebMAUS calls it ORT-MAU.
_WORDS, _PARTS = ("words", "word"), {"words", "word", "ort"}
_NOT_OF_THE_SPEAKER = {*_PARTS, "mau", "mirror"}
_LISTED_TIERS = 12


@dataclass(frozen=True)
class LabelledTier:
    """A tier by its name; `entries` is None for a tier of points."""

    name: str
    entries: Sequence[Entry] | None


def choose_tier(tiers: Sequence[LabelledTier], document: Document) -> Sequence[Entry]:
    """Returns the labels of the tier `words.tier`, else of the tier of words.

    Of several speakers' it is that of the recording's speaker, else of the only one who speaks.

    Raises:
        UserError: When there is none, or it is not clear which.
    """
    path, wanted = document.path, document.tier
    names = listed([tier.name for tier in tiers], _LISTED_TIERS) or "none"
    if wanted is not None:
        matching = [tier for tier in tiers if _plain(tier.name) == _plain(wanted)]
        # The name of a speaker stands for the tier of their words.
        matching = matching or [tier for tier in _of_words(tiers) if _is_of(tier, wanted)]
        if not matching:
            raise UserError(f"{path} has no tier words.tier={wanted}; its tiers are: {names}")
        return _entries(matching[0], document)
    matching = _of_words(tiers)
    if not matching:
        raise UserError(
            f"{path} needs a tier called words, but its tiers are: {names}; rename one or name it "
            "with words.tier"
        )
    if document.speaker is not None and len(matching) > 1:
        own = [tier for tier in matching if _is_of(tier, document.speaker)]
        matching = own if len(own) == 1 else matching
    held = [(tier, _entries(tier, document)) for tier in matching]
    # Of two speakers, the one who says nothing has a tier too.
    spoken = [(tier, entries) for tier, entries in held if _speaks(entries)] or held[:1]
    if len(spoken) > 1:
        found = listed([tier.name for tier, _ in spoken], _LISTED_TIERS)
        raise UserError(
            f"{path} has words in {len(spoken)} tiers: {found}; name that of the recording's "
            f'speaker, such as "words.tier={spoken[0][0].name}"'
        )
    return spoken[0][1]


def _of_words(tiers: Sequence[LabelledTier]) -> list[LabelledTier]:
    exact = [tier for tier in tiers if _plain(tier.name) in _WORDS]
    return exact or [tier for tier in tiers if not _PARTS.isdisjoint(_parts(tier.name))]


def _parts(name: str) -> list[str]:
    """Splits `anna - words`, `Words_1` and `ORT-MAU`."""
    return re.split(r"[\W_\d]+", name.casefold())


def _plain(name: str) -> str:
    return name.strip().casefold()


def _is_of(tier: LabelledTier, speaker: str) -> bool:
    """Tells whether what a tier's name says besides `words` is the speaker."""
    of_tier, of_speaker = (
        [part for part in re.split(r"[\W_]+", name.casefold()) if part not in _NOT_OF_THE_SPEAKER]
        for name in (tier.name, speaker)
    )
    return of_tier == of_speaker


def _entries(tier: LabelledTier, document: Document) -> Sequence[Entry]:
    if tier.entries is None:
        raise UserError(f"{document.path}: tier {tier.name} holds points; words need intervals")
    return tier.entries


def _speaks(entries: Sequence[Entry]) -> bool:
    return any(found.text.strip().lower() not in SILENCE_LABELS for found in entries)
